#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace roost::backend {

struct LaneOptions {
  Duration pass_target = std::chrono::milliseconds(25);
  std::uint64_t first_tokens = 8192;  // of a pass, before anything was measured
  std::size_t max_sequences = 256;    // of a pass
  bool adapt_to_memory = true;        // out of memory: halve, retry, grow back
};

// How much goes into one pass of a model: tokens by the time passes take, sequences by the
// memory they find. A pass of one sequence is always allowed.
class PassLimits {
 public:
  explicit PassLimits(const LaneOptions& options)
      : options_(options), tokens_(options.first_tokens), sequences_(options.max_sequences) {}

  std::uint64_t tokens() const { return tokens_; }
  std::size_t sequences() const { return sequences_; }

  // A pass went well. Slower than the target: fewer tokens from now on. Faster: more, when the
  // pass was full enough to tell. At most half or double each time.
  void passed(std::uint64_t tokens, Duration took);

  // One run went well; ten in a row double what memory had limited.
  void succeeded();

  // A run of `sequences` found no memory. False when that cannot be helped by a smaller one.
  bool shrink(std::size_t sequences);

 private:
  LaneOptions options_;
  std::uint64_t tokens_;
  std::size_t sequences_;
  unsigned successes_ = 0;
};

}  // namespace roost::backend
