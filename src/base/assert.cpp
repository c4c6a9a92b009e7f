#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace roost {

void assertion_failed(const char* law, const char* file, int line) noexcept {
  std::fprintf(stderr, "roost: broken law: %s (%s:%d)\n", law, file, line);
  std::abort();
}

}  // namespace roost
