#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "roost/error.h"

namespace roost::pool {

std::string duration_text(Duration d);  // "12 s", "250 ms", "16 us"

// What went wrong lately with a slot, or with the fetch of a model, and how long nobody should try
// again.
class FailureMemory {
 public:
  // The wait doubles with each failure in a row, up to `most`.
  void record(ErrorCode code, const std::string& message, Instant now, Duration first,
              Duration most) {
    code_ = code;
    message_ = message;
    Duration wait = std::min(first, most);
    for (std::uint32_t i = 0; i < in_a_row_ && wait < most; ++i) {
      wait = wait > most / 2 ? most : wait * 2;
    }
    ++in_a_row_;
    retry_at_ = now + wait;
  }
  // Something else than a load failed: told, unless there is a failed load to tell of, but no
  // reason to hold a load back.
  void note(const std::string& message) {
    if (in_a_row_ == 0) message_ = message;
  }
  void succeeded() { *this = {}; }

  ErrorCode code() const { return code_; }  // of the last failed load
  const std::string& message() const { return message_; }
  std::uint32_t in_a_row() const { return in_a_row_; }
  Instant retry_at() const { return retry_at_; }

 private:
  ErrorCode code_ = ErrorCode::LoadFailed;
  std::string message_;
  std::uint32_t in_a_row_ = 0;
  Instant retry_at_ = Instant::min();
};

}  // namespace roost::pool
