#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "faces/local/after_use.h"
#include "roost/device.h"

namespace roost::faces {

// A leased Embedder or Reranker in the hands of a face. Calls and close() from many threads are
// fine; close() returns when the model is closed, whoever closes it.
template <class Wrapped>
class HeldModel {
 public:
  HeldModel(Wrapped model, ExecutionProvider requested, AfterUse after)
      : id_(model.id()),
        requested_(requested),
        after_(std::move(after)),
        model_(std::move(model)) {}
  ~HeldModel() { close(); }
  HeldModel(const HeldModel&) = delete;
  HeldModel& operator=(const HeldModel&) = delete;

  const std::string& id() const { return id_; }
  ExecutionProvider requested_provider() const { return requested_; }
  const Wrapped& model() const { return model_; }

  void close() noexcept {
    std::call_once(closed_, [this] { after_.close(model_, id_); });
  }

 private:
  const std::string id_;
  const ExecutionProvider requested_;
  const AfterUse after_;
  Wrapped model_;
  std::once_flag closed_;
};

}  // namespace roost::faces
