#pragma once

namespace roost {

// Prints the broken law and where, then aborts. For our own bugs only: nothing a user, a file or
// the network can cause ends here.
[[noreturn]] void assertion_failed(const char* law, const char* file, int line) noexcept;

}  // namespace roost

// On in every build: the checks are cheap and a wrong ledger is worse than a stopped process.
#define ROOST_ASSERT(law) \
  ((law) ? static_cast<void>(0) : ::roost::assertion_failed(#law, __FILE__, __LINE__))
