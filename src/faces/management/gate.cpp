#include "faces/management/gate.h"

#include "roost/error.h"

namespace roost::faces {

void Gate::close() {
  closing_.request_stop();
  std::unique_lock lock(mutex_);
  closed_ = true;
  left_.wait(lock, [this] { return inside_ == 0; });
}

bool Gate::is_closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

Gate& Gate::enter(const std::stop_token& caller, const std::string& what) {
  if (caller.stop_requested()) throw CancelledException(what + ": cancelled before it started");
  const std::lock_guard lock(mutex_);
  if (closed_ || closing_.stop_requested()) {
    throw RoostError(ErrorCode::EngineClosed, what + ": the manager is closed");
  }
  ++inside_;
  return *this;
}

void Gate::leave() {
  const std::lock_guard lock(mutex_);
  if (--inside_ == 0) left_.notify_all();
}

Gate::Pass::Pass(Gate& gate, std::stop_token caller, const std::string& what)
    : gate_(gate.enter(caller, what)),
      on_caller_(std::move(caller), Stop{&source_}),
      on_close_(gate.closing_.get_token(), Stop{&source_}) {}

Gate::Pass::~Pass() {
  gate_.leave();
}

}  // namespace roost::faces
