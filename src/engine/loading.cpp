// From a name to a lease: resolve, decide where, fetch if needed, ask the pool.
#include <algorithm>

#include "roost/ids.h"
#include "base/foreign_code.h"
#include "engine/impl.h"
#include "pool/shell/steps.h"

namespace roost {
namespace {

// Two loads that differ in these give the same bytes only if the options are equal.
Value byte_options(const ModelOptions& model, const LoadOptions& load) {
  Value options = model.backend;
  if (load.backend.is_object()) options.merge_patch(load.backend);
  return options;
}

bool is_plain(const LoadOptions& options) {
  return !options.isolated && !options.provider && options.device.empty() &&
         options.backend.is_null() && !options.warm_up && options.timeout.count() >= 0;
}

// Its files are fetched before the first step.
LoadProgress as_load_progress(const FetchProgress& fetched) {
  LoadProgress progress;
  progress.model = fetched.model;
  progress.total = pool::kLoadSteps;
  progress.phase = "download";
  progress.name = "fetch";
  progress.message = "download: " + format_bytes(fetched.done_bytes) + " of " +
                     format_bytes(fetched.total_bytes);
  return progress;
}

// Whoever waits for a model's files may find it loaded by another who did. He hears the steps then
// that he missed, before he is answered.
class StepsToTell {
 public:
  using Tell = std::function<void(const LoadProgress&)>;
  StepsToTell(std::string model, Tell tell) : model_(std::move(model)), tell_(std::move(tell)) {}
  void tell(const LoadProgress& progress) {
    step_ = progress.step;
    tell_(progress);
  }
  void tell_the_rest() {
    try {
      while (step_ < pool::kLoadSteps) {
        tell(pool::progress_of(model_, static_cast<pool::LoadStep>(step_ + 1), 0));
      }
    } catch (...) {  // user code: whatever it throws is its own affair
      step_ = pool::kLoadSteps;
    }
  }

 private:
  const std::string model_;
  const Tell tell_;
  int step_ = 0;
};

// The fast door's name for what is asked in a domain.
std::string door_of(const std::string& name, catalog::Domain domain) {
  if (domain == catalog::Domain::Any) return name;
  std::string door(catalog::to_string(domain));
  door += '|';
  return door += name;
}

}  // namespace

// None that can run it: null, and `reasons` tells why.
std::shared_ptr<Backend> Engine::Impl::find_backend(const catalog::ModelRecord& record,
                                                    const ModelDescription& description,
                                                    std::string& reasons) const {
  const auto refusal = [&](const Backend& backend) {
    return run_foreign([&] { return backend.why_not(description); },
                       [&](const std::string& why) {
                         return ModelLoadException(record.id, "asking '" +
                                                                  std::string(backend.name()) +
                                                                  "' whether it can run it: " + why);
                       });
  };
  if (auto own = attached_to(record.id).backend) {
    const auto why = refusal(*own);
    if (!why) return own;
    reasons = "its own backend cannot run it: " + *why;
    return nullptr;
  }
  std::string each;
  for (const auto& backend : backends) {
    const auto why = refusal(*backend);
    if (!why) return backend;
    each += (each.empty() ? "" : "; ") + std::string(backend->name()) + ": " + *why;
  }
  const std::string what = record.source == record.id ? "it" : "'" + printable(record.source) + "'";
  reasons = "no backend can run " + what + " (" + each + "); " + way_to_run(record);
  return nullptr;
}

std::string Engine::Impl::way_to_run(const catalog::ModelRecord& record) const {
  if (record.source.rfind("hf:", 0) == 0) {
    return "this version cannot fetch from hubs; 'builtin:lexical' needs no network";
  }
  const bool file = record.source.rfind("file:", 0) == 0;
  if (file && !has_files(record, files_of(record).get())) {
    return "nothing is there: put its files in place";
  }
  return "register it with a backend that can";
}

std::shared_ptr<Backend> Engine::Impl::backend_for(const catalog::ModelRecord& record,
                                                   const ModelDescription& description) const {
  std::string reasons;
  if (auto backend = find_backend(record, description, reasons)) return backend;
  throw ModelLoadException(record.id, reasons, ErrorCode::Unsupported);
}

void Engine::Impl::check_backend_options(const std::string& model, const Backend& backend,
                                         const Value& options) {
  run_foreign([&] { backend.check_options(options); },
              [&](const std::string& why) {
                return ModelLoadException(model, "checking its backend options: " + why);
              });
}

Engine::Impl::Prepared Engine::Impl::prepare(const std::string& name, catalog::Domain domain,
                                             const LoadOptions& load) const {
  check_open();
  load.validate();
  Prepared prepared;
  prepared.record = record_of(name, domain);
  const catalog::ModelRecord& record = prepared.record;
  const ModelOptions model = ModelOptions::from_value(record.options);
  // Before the backend, which is then never older: no earlier one's slot is found for it.
  const Attached own = attached_to(record.id);

  prepared.files = files_of(record);
  ModelDescription& description = prepared.spec.description;
  description = {record.id, record.source, record.version, {}, byte_options(model, load)};
  if (prepared.files) description.path = path_of(record, *prepared.files);
  prepared.spec.backend = backend_for(record, description);
  check_backend_options(record.id, *prepared.spec.backend, description.options);

  const std::string& device = load.device.empty() ? model.device : load.device;
  ExecutionProvider provider = load.provider.value_or(model.provider);
  if (provider == ExecutionProvider::Auto) provider = options.provider;
  std::optional<std::string_view> device_id;
  if (!device.empty()) device_id = device;
  const Placement placement =
      choose_placement(machine, provider, prepared.spec.backend->providers(), device_id);
  prepared.fell_back = placement.fell_back;
  prepared.spec.device = placement.device;

  prepared.spec.policy = {model.pin, model.priority, model.ttl, model.group};
  prepared.spec.isolated = load.isolated;
  prepared.spec.key = record.id + "|" + record.source + "|" + record.version + "|" +
                      std::string(prepared.spec.backend->name()) + "|" +
                      placement.device->info().id + "|" + description.options.to_json();
  prepared.learnt_as = prepared.spec.key;
  if (const auto learnt = catalog->learnt(prepared.learnt_as)) {
    prepared.spec.learnt = learnt->admission();
  }
  if (own.backend) prepared.spec.key += "|registration " + std::to_string(own.number);
  prepared.request.priority = load.priority;
  prepared.request.fail_fast = load.fail_fast;
  prepared.request.retry_now = load.retry_now;
  if (load.timeout.count() > 0) prepared.request.deadline = clock.now() + load.timeout;
  return prepared;
}

pool::SlotId Engine::Impl::slot_for(const Prepared& prepared) {
  pool::ModelSpec own = prepared.spec;
  if (own.isolated) own.key += "|#" + std::to_string(next_instance++);
  const pool::SlotId slot = pool.slot(own);
  if (prepared.record.registered_at == WallTime{} || catalog->get(prepared.record.id)) return slot;
  pool.forget(slot);
  throw ModelNotFoundException(prepared.record.id, "it was unregistered meanwhile");
}

// The plan of a load. What has no slot yet gets one for the occasion, of a name that no request
// finds, so that nobody loads in it.
PlanReport Engine::Impl::plan(const Prepared& prepared, const pool::RequestSpec& request) {
  if (!prepared.spec.isolated) {
    if (const auto known = pool.find(prepared.spec.key)) return pool.plan(*known, request);
  }
  pool::ModelSpec planned = prepared.spec;
  planned.key += "|#" + std::to_string(next_instance++);
  planned.only_planned = true;
  const pool::SlotId slot = pool.slot(planned);
  PlanReport report = pool.plan(slot, request);
  pool.forget(slot);
  return report;
}

// Before a byte is fetched: what can never fit is refused. What has to wait may go ahead.
void Engine::Impl::refuse_if_hopeless(const Prepared& prepared) {
  pool::RequestSpec patient = prepared.request;
  patient.fail_fast = false;
  const PlanReport plan = this->plan(prepared, patient);
  if (plan.verdict != Verdict::Refuse || plan.short_by.empty()) return;
  throw BudgetExceededException(prepared.record.id, plan.need, plan.free, plan.short_by,
                                plan.explanation);
}

void Engine::Impl::learn(const Prepared& prepared, pool::SlotId slot) {
  const std::optional<pool::SlotView> view = pool.view(slot);
  if (!view || view->state != ModelState::Loaded) return;
  catalog->learn(prepared.learnt_as,
                 {view->reserved, std::chrono::duration<double>(view->load_seconds), clock.wall()});
}

void Engine::Impl::ask_pool(const Prepared& prepared, const LoadOptions& load, bool lease,
                            std::stop_token stop, const Done& done) {
  const pool::SlotId slot = slot_for(prepared);
  pool::RequestSpec request = prepared.request;
  request.lease = lease;
  if (!prepared.fell_back.empty()) {
    log(LogLevel::Warning, "loading '" + prepared.record.id + "': " + prepared.fell_back);
    Value data;
    data["to"] = prepared.spec.device->info().id;
    data["why"] = prepared.fell_back;
    events.publish(EventKind::ProviderFallback, prepared.record.id, data);
  }
  pool.request(slot, request, std::move(stop), load.progress, load.warm_up,
               [this, prepared, slot, done](pool::Outcome outcome) {
                 if (outcome.refused) {
                   if (prepared.spec.isolated) pool.drop(slot);
                   done({}, error_of(prepared.record.id, outcome.refused->why));
                   return;
                 }
                 if (!prepared.spec.isolated) learn(prepared, slot);
                 done(std::move(outcome), nullptr);
               });
}

void Engine::Impl::make_ready(const std::string& name, catalog::Domain domain,
                              const LoadOptions& load, bool lease, std::stop_token stop,
                              Done done) {
  if (stop.stop_requested()) {
    throw CancelledException("loading '" + printable(name) + "' was cancelled before it began");
  }
  const std::uint64_t meaning = pool.meaning_of_names();
  const Prepared prepared = prepare(name, domain, load);
  if (load.isolated && !lease) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "loading '" + prepared.record.id +
                         "': an isolated instance lives by its leases; ask for a lease");
  }
  Done answer = std::move(done);
  if (is_plain(load)) {
    answer = [this, key = prepared.spec.key, door = door_of(name, domain), meaning,
              done = std::move(answer)](pool::Outcome outcome, std::exception_ptr error) {
      const auto slot = error ? std::nullopt : pool.find(key);
      if (slot) pool.bind_door(door, *slot, meaning);
      done(std::move(outcome), std::move(error));
    };
  }
  const ModelSource* files = prepared.files.get();  // none: the backend chosen brings what it needs
  if (files == nullptr || has_files(prepared.record, files)) {
    ask_pool(prepared, load, lease, std::move(stop), answer);
  } else {
    fetch_first(prepared, load, lease, std::move(stop), answer);
  }
}

void Engine::Impl::fetch_first(const Prepared& prepared, const LoadOptions& load, bool lease,
                               std::stop_token stop, const Done& answer) {
  const std::string& id = prepared.record.id;
  if (!load.auto_download) {
    throw ModelNotFoundException(id,
                                 "its files are not on this machine, and fetching is turned off; call "
                                 "fetch() first, or allow auto_download");
  }
  refuse_if_hopeless(prepared);
  Fetches::Request request;
  request.model = id;
  request.files = prepared.files;
  request.deadline = prepared.request.deadline;
  request.stop = stop;
  request.for_load = true;
  request.retry_now = load.retry_now;
  if (load.progress) {
    request.progress = [told = load.progress](const FetchProgress& fetched) {
      told(as_load_progress(fetched));
    };
  }
  LoadOptions watched = load;
  Done last = answer;
  if (load.progress) {
    const auto steps = std::make_shared<StepsToTell>(id, load.progress);
    watched.progress = [steps](const LoadProgress& progress) { steps->tell(progress); };
    last = [steps, answer](pool::Outcome outcome, std::exception_ptr error) {
      if (!error) steps->tell_the_rest();
      answer(std::move(outcome), std::move(error));
    };
  }
  request.done = [this, prepared, watched, lease, stop, last,
                  answer](std::exception_ptr error) {
    if (!error) {
      try {
        ask_pool(prepared, watched, lease, stop, last);
        return;
      } catch (...) {  // thread root: the waiter gets it
        error = std::current_exception();
      }
    }
    answer({}, std::move(error));
  };
  fetches.ask(std::move(request));
}

ModelHandle Engine::Impl::acquire(const std::string& name, catalog::Domain domain,
                                  const LoadOptions& load, bool lease, std::stop_token stop) {
  if (lease && is_plain(load) && !stop.stop_requested()) {
    ModelHandle handle = domain == catalog::Domain::Any ? pool.try_lease(name)
                                                        : pool.try_lease(door_of(name, domain));
    if (handle) return handle;
  }
  const auto wait = may_wait_for_load(name, domain, load);
  auto promise = std::make_shared<std::promise<ModelHandle>>();
  std::future<ModelHandle> future = promise->get_future();
  make_ready(name, domain, load, lease, std::move(stop),
             [promise](pool::Outcome outcome, std::exception_ptr error) {
               if (error) {
                 promise->set_exception(std::move(error));
               } else {
                 promise->set_value(std::move(outcome.handle));
               }
             });
  return future.get();
}

ModelHandle Engine::model(const std::string& name, const LoadOptions& options,
                          std::stop_token stop) {
  return impl_->acquire(name, catalog::Domain::Any, options, true, std::move(stop));
}

std::future<ModelHandle> Engine::model_async(const std::string& name, const LoadOptions& options,
                                             std::stop_token stop) {
  auto promise = std::make_shared<std::promise<ModelHandle>>();
  std::future<ModelHandle> future = promise->get_future();
  const auto settle = [promise](pool::Outcome outcome, std::exception_ptr error) {
    if (error) {
      promise->set_exception(std::move(error));
    } else {
      promise->set_value(std::move(outcome.handle));
    }
  };
  try {
    impl_->make_ready(name, catalog::Domain::Any, options, true, std::move(stop), settle);
  } catch (const RoostError&) {  // the future tells it, as of every other failure
    settle({}, std::current_exception());
  }
  return future;
}

Embedder Engine::embedder(const std::string& name, const LoadOptions& options,
                          std::stop_token stop) {
  return Embedder(impl_->acquire(name, catalog::Domain::Embedder, options, true, std::move(stop)));
}

Reranker Engine::reranker(const std::string& name, const LoadOptions& options,
                          std::stop_token stop) {
  return Reranker(impl_->acquire(name, catalog::Domain::Reranker, options, true, std::move(stop)));
}

Classifier Engine::classifier(const std::string& name, const LoadOptions& options,
                              std::stop_token stop) {
  Classifier made(impl_->acquire(name, catalog::Domain::Any, options, true, std::move(stop)));
  const std::vector<Task> tasks = made.info().tasks;
  if (std::find(tasks.begin(), tasks.end(), Task::Classify) == tasks.end()) {
    throw InferenceException(made.id(), "it cannot classify", ErrorCode::Unsupported);
  }
  return made;
}

TensorModel Engine::tensor_model(const std::string& name, const LoadOptions& options,
                                 std::stop_token stop) {
  TensorModel made(impl_->acquire(name, catalog::Domain::Any, options, true, std::move(stop)));
  const std::vector<Task> tasks = made.info().tasks;
  if (std::find(tasks.begin(), tasks.end(), Task::Tensor) == tasks.end()) {
    throw InferenceException(made.id(), "it takes no tensors", ErrorCode::Unsupported);
  }
  return made;
}

void Engine::ready(const std::string& name, const LoadOptions& options, std::stop_token stop) {
  impl_->acquire(name, catalog::Domain::Any, options, false, std::move(stop));
}

std::future<void> Engine::ready_async(const std::string& name, const LoadOptions& options,
                                      std::stop_token stop) {
  auto promise = std::make_shared<std::promise<void>>();
  std::future<void> future = promise->get_future();
  const auto settle = [promise](const pool::Outcome&, std::exception_ptr error) {
    if (error) {
      promise->set_exception(std::move(error));
    } else {
      promise->set_value();
    }
  };
  try {
    impl_->make_ready(name, catalog::Domain::Any, options, false, std::move(stop), settle);
  } catch (const RoostError&) {  // likewise
    settle({}, std::current_exception());
  }
  return future;
}

std::string Engine::start_ready(const std::string& name, const LoadOptions& options) {
  Impl& self = *impl_;
  self.prepare(name, catalog::Domain::Any, options);  // what is wrong from the start is thrown here
  if (options.isolated) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "an isolated instance lives by its leases; a job takes none");
  }
  return self.board.submit("ready", name, [this, name, options](jobs::JobContext& context) {
    LoadOptions load = options;
    load.progress = [&context, told = options.progress](const LoadProgress& progress) {
      context.progress(progress.fraction, progress.phase, progress.message);
      if (told) told(progress);
    };
    ready(name, load, context.stop_token());
    Value result;
    result["model"] = name;
    return result;
  });
}

std::vector<std::string> Engine::preload(const std::vector<std::string>& names) {
  for (const std::string& name : names) impl_->prepare(name, catalog::Domain::Any, {});
  std::vector<std::string> ids;
  for (const std::string& name : names) {
    pin(resolve(name));
    ids.push_back(start_ready(name));
  }
  return ids;
}

void Engine::ready_on_all_devices(const std::string& name, const LoadOptions& options,
                                  std::stop_token stop) {
  Impl& self = *impl_;
  const Impl::Prepared prepared = self.prepare(name, catalog::Domain::Any, options);
  const std::vector<ExecutionProvider> usable = prepared.spec.backend->providers();
  for (const auto& device : self.machine.devices) {
    const DeviceInfo& info = device->info();
    if (std::find(usable.begin(), usable.end(), info.provider) == usable.end()) continue;
    LoadOptions here = options;
    here.provider = info.provider;
    here.device = info.id;
    ready(name, here, stop);
  }
}

bool Engine::cancel_load(const std::string& name) {
  const std::string id = impl_->record_of(name, catalog::Domain::Any).id;
  bool any = impl_->fetches.cancel_loads(id);
  for (const pool::SlotId slot : impl_->pool.slots_of(id)) {
    any = impl_->pool.cancel_load(slot, "the load was cancelled by name") || any;
  }
  return any;
}

PlanReport Engine::plan(const std::string& name, const LoadOptions& options) const {
  Impl& self = *impl_;
  const Impl::Prepared prepared = self.prepare(name, catalog::Domain::Any, options);
  return self.plan(prepared, prepared.request);
}

}  // namespace roost
