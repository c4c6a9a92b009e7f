#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "roost/engine.h"
#include "roost/pipeline_manager.h"
#include "roost/resource_manager.h"
#include "roost/state_manager.h"

namespace roost {

// What a load does that is asked for while another model's load runs.
enum class LoadPolicy : std::uint8_t {
  Replace,   // cancels it, waits until its memory is back, then loads
  Parallel,  // lets it go on; whichever was asked for last ends in the slot
  Queue,     // waits until it has ended
};

struct LoaderOptions {
  LoadPolicy policy = LoadPolicy::Replace;
  std::chrono::milliseconds drain_timeout{30'000};  // of calls on a model that is to go
  void validate() const;
};

// One thing that happened to a load. A load has eight steps in four phases, each told once and
// in order; one that finds its model in memory already has none.
struct LoaderEvent {
  enum class Kind : std::uint8_t { Started, Progress, Completed, Failed, Cancelled };
  Kind kind = Kind::Started;
  std::string id = {};
  int step = 0, total = 0;
  std::string phase = {}, message = {};

  Value to_value() const;  // {id, step, total, phase, message}
};
std::string_view to_string(LoaderEvent::Kind kind);  // "model_load_started", ...

// Loads models into a slot for one, with cancellation. Thread-safe.
//
// The model that is in the slot stays LOADED there until a newcomer is ready, where both fit
// side by side: a newcomer that fails leaves it as it is. Where they do not, it goes first:
// LOADED, UNLOADING, IDLE, LOADING.
//
// From the progress callback of a load into the slot, what would wait for that load: load_model()
// and shutdown() throw InvalidArgument; unload_model() cancels it, says so in `error`, and leaves
// the slot to be emptied after it.
class LoaderService {
 public:
  using Listener = std::function<void(const LoaderEvent&)>;

  LoaderService(Engine& engine, StateManager& states, PipelineManager& pipeline,
                ResourceManager& resources, LoaderOptions options = {});
  ~LoaderService();  // shutdown()
  LoaderService(const LoaderService&) = delete;
  LoaderService& operator=(const LoaderService&) = delete;

  // Returns the model's configuration; at once, without a reload, when it is in the slot. Throws
  // DuplicateLoad when this model is being loaded already (that load goes on), Cancelled when
  // another takes its place.
  Value load_model(const std::string& name, const LoadOptions& options = {},
                   std::stop_token stop = {});
  std::future<Value> load_model_async(const std::string& name, const LoadOptions& options = {},
                                      std::stop_token stop = {});

  // Cancels loads, then frees the model; nothing to do is fine. From ERROR it goes to IDLE. A
  // model that is leased elsewhere too only leaves the slot.
  CleanupMetrics unload_model(std::stop_token stop = {});
  std::future<CleanupMetrics> unload_model_async(std::stop_token stop = {});

  bool cancel_current_load();  // false: none runs. Does not wait for its end.
  bool is_loading() const;

  // As StateManager's.
  [[nodiscard]] Subscription subscribe(Listener listener);

  // Cancels loads and unloads (their callers get CancelledException), gives the model back and
  // ends the threads. Bounded; idempotent: a second call waits for the first, but where that one
  // waits for it. A first call from a load listener or within a load or unload: InvalidArgument.
  void shutdown();

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace roost
