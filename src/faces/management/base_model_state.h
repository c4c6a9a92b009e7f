#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "faces/management/snapshot.h"
#include "roost/base_model.h"

namespace roost::faces {

namespace mm = model_management;

// A point in time, or none, readable without a lock.
class AtomicTime {
 public:
  void set(std::optional<mm::WallTime> at) noexcept {
    ticks_ = at ? at->time_since_epoch().count() : kNone;
  }
  void set_now() noexcept { set(std::chrono::system_clock::now()); }
  std::optional<mm::WallTime> get() const noexcept {
    const auto ticks = ticks_.load();
    if (ticks == kNone) return std::nullopt;
    return mm::WallTime(mm::WallTime::duration(ticks));
  }

 private:
  static constexpr mm::WallTime::rep kNone = 0;
  std::atomic<mm::WallTime::rep> ticks_{kNone};
};

// The manager that drives a model: where its configuration is kept. Empty functions: none.
struct ConfigDoor {
  std::function<Value()> read;
  std::function<void(const Value& patch)> patch;
};

struct BaseModelState {
  BaseModelState(std::string id, ModelType type, Value initial)
      : model_id(std::move(id)),
        model_type(type),
        config(std::move(initial)),
        error(std::string()) {}

  const std::string model_id;
  const ModelType model_type;

  std::atomic<mm::ModelStatus> status{mm::ModelStatus::NotDownloaded};
  std::atomic<mm::ModelHealth> health{mm::ModelHealth::Unknown};
  Snapshot<Value> config;
  Snapshot<std::string> error;
  AtomicTime loaded_at, last_used;
  std::atomic<bool> taken{false};  // a load runs, or it is loaded

  mutable std::mutex mutex;  // guards all below; never held over a call out
  std::shared_ptr<MemoryAccount> memory;
  std::shared_ptr<Device> device;
  std::int64_t declared_bytes = 0;
  std::string directory;
  const void* manager = nullptr;  // that drives it
  ConfigDoor door;                // of that manager

  std::mutex syncing;  // one at a time copies the configuration from where it is kept
};

}  // namespace roost::faces
