#pragma once

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/thread_pool.h"
#include "catalog/catalog.h"
#include "catalog/names.h"
#include "engine/fetches.h"
#include "engine/wait_graph.h"
#include "events/event_hub.h"
#include "jobs/job_board.h"
#include "pool/shell/pool.h"
#include "roost/engine.h"

namespace roost {

// The rooms the engine composes. Records live in the catalog, residency in the pool, long work on
// the board; what stays here is what cannot be written down: the user's own objects, fetches that
// run, and the instance counter.
struct Engine::Impl {
  explicit Impl(EngineOptions given);
  ~Impl();

  // The user's own backend and source of a registered model.
  struct Attached {
    std::shared_ptr<Backend> backend;
    std::shared_ptr<ModelSource> files;
    std::uint64_t number = 0;  // of the registration: no other's slots are taken for its own
  };

  // Everything a load needs to know, decided before anything is done.
  struct Prepared {
    catalog::ModelRecord record;
    pool::ModelSpec spec;
    std::string learnt_as;  // its footprint
    std::shared_ptr<ModelSource> files;  // null: nothing to fetch
    std::string fell_back;
    pool::RequestSpec request;
  };

  // --- names and records
  void check_open() const;  // throws EngineClosed
  catalog::Resolution meaning_of(const std::string& name, catalog::Domain domain) const;
  // Throws ModelNotFound, and Unsupported for what only a hub has.
  catalog::ModelRecord record_of(const std::string& name, catalog::Domain domain) const;
  Attached attached_to(const std::string& id) const;
  std::shared_ptr<ModelSource> files_of(const catalog::ModelRecord& record) const;
  // A backend can run it: one that is given no files brings what it needs.
  bool needs_no_files(const catalog::ModelRecord& record) const;
  // `files` may be null: then the backend brings what it needs, but for what only a hub has.
  bool has_files(const catalog::ModelRecord& record, const ModelSource* files) const;
  static std::string path_of(const catalog::ModelRecord& record, const ModelSource& files);
  ModelOptions apply_policy(catalog::ModelRecord record);
  void forget_slots(const std::string& id);

  // --- loading
  Prepared prepare(const std::string& name, catalog::Domain domain,
                   const LoadOptions& options) const;
  std::shared_ptr<Backend> find_backend(const catalog::ModelRecord& record,
                                        const ModelDescription& description,
                                        std::string& reasons) const;
  std::string way_to_run(const catalog::ModelRecord& record) const;  // when no backend can
  static void check_backend_options(const std::string& model, const Backend& backend,
                                    const Value& options);
  void check_device(const ModelOptions& asked) const;  // throws for one that is not here
  // As far as that is known before the files are there: throws for a built-in model that there is
  // not, and for backend options that its backend refuses.
  void check_can_load(const ModelRegistration& given, const catalog::ModelRecord& record) const;
  std::shared_ptr<Backend> backend_for(const catalog::ModelRecord& record,
                                       const ModelDescription& description) const;
  // Fetches if it must, then asks the pool. `done` gets the outcome or an exception, once.
  using Done = std::function<void(pool::Outcome, std::exception_ptr)>;
  void make_ready(const std::string& name, catalog::Domain domain, const LoadOptions& options,
                  bool lease, std::stop_token stop, Done done);
  // The blocking twin; of a lease on a loaded model it takes no lock.
  ModelHandle acquire(const std::string& name, catalog::Domain domain, const LoadOptions& options,
                      bool lease, std::stop_token stop);
  void ask_pool(const Prepared& prepared, const LoadOptions& options, bool lease,
                std::stop_token stop, const Done& done);
  pool::SlotId slot_for(const Prepared& prepared);  // ModelNotFound: unregistered meanwhile
  void learn(const Prepared& prepared, pool::SlotId slot);
  void fetch_first(const Prepared& prepared, const LoadOptions& options, bool lease,
                   std::stop_token stop, const Done& answer);
  PlanReport plan(const Prepared& prepared, const pool::RequestSpec& request);
  void refuse_if_hopeless(const Prepared& prepared);

  std::future<void> start_fetch(const std::string& name,
                                const std::function<void(const FetchProgress&)>& progress,
                                std::stop_token stop);

  // --- unloading
  class Unloading;
  enum class WhenInUse { Refuse, Skip };
  std::future<UnloadReport> start_unload(const std::vector<pool::Pool::Look>& slots,
                                         const UnloadOptions& options, const std::stop_token& stop,
                                         WhenInUse when_in_use = WhenInUse::Refuse);
  std::future<UnloadReport> start_unload(const std::string& name, const UnloadOptions& options,
                                         const std::stop_token& stop);
  pool::SlotId slot_of(const std::string& name);

  // --- waiting: these throw InvalidArgument where this thread would wait for itself. What they
  // return lives as long as the wait.
  [[nodiscard]] WaitGraph::Wait may_wait_for_unload(const std::vector<pool::Pool::Look>& slots,
                                                    const UnloadOptions& options);
  [[nodiscard]] WaitGraph::Wait may_wait_for_load(const std::string& name, catalog::Domain domain,
                                                  const LoadOptions& options);
  // For `wanted`: the model itself or images of it.
  [[nodiscard]] WaitGraph::Wait may_wait_for_load(const std::string& id, pool::SlotId model,
                                                  const std::vector<pool::SlotId>& wanted,
                                                  const pool::RequestSpec& request);
  WaitGraph::Wait may_wait_for(const std::string& doing, const std::string& model,
                               const WaitGraph::Slots& slots, const std::string& way_out);
  void check_may_wait_for_files(const catalog::ModelRecord& record, const ModelSource* files) const;

  // --- looks
  std::string id_of(const std::string& name) const;
  pool::Pool::ModelLook look_at(const std::string& name) const;  // throws what record_of() does
  FetchState files_state(const catalog::ModelRecord& record) const;
  ModelStatus status_of(const catalog::ModelRecord& record) const;
  MemoryReport memory(const pool::Pool::Overview& overview) const;
  void flush_usage(const std::string& id);
  void watch_health(Instant next, const std::stop_token& stop);

  const EngineOptions options;
  const LogSink log;
  Clock& clock;
  const Machine machine;
  const std::vector<std::shared_ptr<Backend>> backends;
  const std::uint64_t baseline_rss;

  events::EventHub events;
  const std::unique_ptr<catalog::Catalog> catalog;
  Fetches fetches;
  ThreadPool workers;  // of the jobs
  pool::Pool pool;
  jobs::JobBoard board;
  std::atomic<bool> closed{false};  // nothing new is begun
  Mutex closing;                    // held until everything has stopped
  bool shut ROOST_GUARDED_BY(closing) = false;
  std::atomic<std::uint64_t> next_instance{1};
  WaitGraph waits;

  mutable Mutex mutex;
  std::unordered_map<std::string, Attached> attached ROOST_GUARDED_BY(mutex);
  MemoryVector budget ROOST_GUARDED_BY(mutex);
  std::jthread health_watch;
};

// Budgets as the options say, or the defaults: host max(RAM/4, min(RAM/2, RAM - 4 GiB)), devices
// 90 % of their memory.
MemoryVector budget_of(const EngineOptions& options, const Machine& machine);

// Of the exception that is being handled: an asynchronous call tells it like every other failure.
template <class T>
std::future<T> failed_future() {
  std::promise<T> failed;
  failed.set_exception(std::current_exception());
  return failed.get_future();
}

// What throw_refusal() throws.
std::exception_ptr error_of(const std::string& model, const pool::Refusal& why);

}  // namespace roost
