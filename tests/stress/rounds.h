#pragma once

#include <cstdlib>
#include <string_view>

namespace roost::test {

inline constexpr unsigned kThreads = 32;

// Rounds of each thread: 1,024 in release or with ROOST_STRESS_FULL=1, else (debug, sanitizers) 256.
inline unsigned rounds() {
#ifdef NDEBUG
  constexpr bool kQuick = ROOST_SANITIZED == 0;
#else
  constexpr bool kQuick = false;
#endif
  const char* full = std::getenv("ROOST_STRESS_FULL");
  const bool asked = full != nullptr && std::string_view(full) == "1";
  return asked || kQuick ? 1'024 : 256;
}

}  // namespace roost::test
