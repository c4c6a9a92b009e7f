#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <string>

namespace roost::faces {

// Knows which calls are inside. close() refuses new ones, asks those inside to stop and waits
// until they have left; not from inside one. Thread-safe; idempotent.
class Gate {
 public:
  class Pass;

  void close();
  bool is_closed() const;

 private:
  Gate& enter(const std::stop_token& caller, const std::string& what);
  void leave();

  std::stop_source closing_;

  mutable std::mutex mutex_;  // guards the two below
  std::condition_variable left_;
  std::size_t inside_ = 0;
  bool closed_ = false;
};

// One call inside: its stop token fires when the caller's does and when the gate closes. `what`
// names the call in the errors: EngineClosed for a closed gate, Cancelled for a caller whose
// token has fired already.
class Gate::Pass {
 public:
  Pass(Gate& gate, std::stop_token caller, const std::string& what);
  ~Pass();
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  std::stop_token stop() const { return source_.get_token(); }

 private:
  struct Stop {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };

  std::stop_source source_;
  Gate& gate_;
  std::stop_callback<Stop> on_caller_;
  std::stop_callback<Stop> on_close_;
};

}  // namespace roost::faces
