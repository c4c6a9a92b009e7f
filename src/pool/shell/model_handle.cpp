#include "roost/model_handle.h"

#include "pool/shell/residency.h"
#include "roost/error.h"

namespace roost {

ModelHandle::ModelHandle(ModelHandle&& other) noexcept
    : residency_(std::exchange(other.residency_, nullptr)), open_(other.open_.exchange(false)) {}

ModelHandle& ModelHandle::operator=(ModelHandle&& other) noexcept {
  if (this == &other) return *this;
  close();
  if (residency_ != nullptr) residency_->drop_reference();
  residency_ = std::exchange(other.residency_, nullptr);
  open_.store(other.open_.exchange(false));
  return *this;
}

ModelHandle::~ModelHandle() {
  close();
  if (residency_ != nullptr) residency_->drop_reference();
}

void ModelHandle::close() noexcept {
  if (open_.exchange(false, std::memory_order_acq_rel)) residency_->end_lease();
}

std::future<void> ModelHandle::close_async() {
  std::shared_future<void> gone;
  if (residency_ != nullptr) gone = residency_->gone();
  close();  // giving a lease back never blocks
  if (gone.valid()) return std::async(std::launch::async, [gone] { gone.wait(); });
  std::promise<void> done;
  done.set_value();
  return done.get_future();
}

// The reference this handle holds keeps the residency valid even when another thread closes the
// handle meanwhile; the gate then refuses the call.
pool::Residency& ModelHandle::leased() const {
  if (!open_.load(std::memory_order_acquire)) {
    throw RoostError(ErrorCode::NotLoaded, residency_ == nullptr
                                               ? "this model handle is empty"
                                               : "this handle on '" + residency_->model_id() +
                                                     "' is closed");
  }
  return *residency_;
}

bool ModelHandle::is_revoked() const noexcept {
  return *this && residency_->gate().counts().revoked;
}

const std::string& ModelHandle::id() const { return leased().model_id(); }
ModelInfo ModelHandle::info() const { return leased().info(); }
LatencyReport ModelHandle::latency() const { return leased().latency(); }
std::size_t ModelHandle::width(Task task) const { return leased().width(task); }

Sequence ModelHandle::tokenize(Task task, std::string_view text, std::string_view pair) const {
  return leased().tokenize(task, text, pair);
}

void ModelHandle::run(Task task, std::span<const Sequence> sequences, std::span<float> outputs,
                      std::stop_token stop) const {
  leased().run(task, sequences, outputs, std::move(stop));
}

void ModelHandle::warm_up(std::stop_token stop) const { leased().warm_up(std::move(stop)); }

void ModelHandle::with(const std::function<void(Model&)>& f) const {
  if (!f) throw RoostError(ErrorCode::InvalidArgument, "there is no function to run on the model");
  leased().with(f);
}

}  // namespace roost
