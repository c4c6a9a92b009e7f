#include "faces/management/manager_core.h"

#include <utility>

#include "faces/management/base_model_adapter.h"
#include "faces/management/part_of.h"
#include "faces/management/progress_meter.h"
#include "faces/management/registration.h"
#include "faces/management/user_code.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::faces {
namespace {

// Async calls that run at once; each is a thread that waits for the engine most of its time.
constexpr std::size_t kMostAsyncCalls = 32;

}  // namespace

ManagerCore::ManagerCore(std::unique_ptr<Engine> own, Engine* given, mm::ModelManagerConfig options)
    : config(std::move(options)),
      log(config.log ? config.log : stderr_log()),
      owned(std::move(own)),
      engine(owned ? *owned : *given),
      book(engine),
      executor(kMostAsyncCalls) {
  following = engine.subscribe([this](const Event& event) { follow(event); });
  for (const roost::ModelStatus& status : engine.models()) preload(status.id);
}

ManagerCore::~ManagerCore() {
  close();
}

void ManagerCore::destroy() {
  if (!engine.may_close()) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "the manager cannot be destroyed by what it would have to wait for: an event "
                     "listener, a download, a load, a use of a model. Do it from another thread, "
                     "or when that has returned");
  }
  close();
}

void ManagerCore::close() {
  {
    std::unique_lock lock(mutex);
    if (std::exchange(destroyed, true)) {
      const bool within = PartOf::is(this) || PartOf::is(&kUserCode);
      if (!within) closing_ended.wait(lock, [this] { return closed; });
      return;
    }
  }
  const PartOf mark(this);
  gate->close();
  executor.shutdown();
  std::map<mm::ListenerId, Subscription> ending;
  {
    const std::lock_guard lock(mutex);
    ending.swap(listeners);
  }
  ending.clear();
  following.reset();
  if (owned) owned->close();
  for (const roost::ModelStatus& status : models()) {
    const auto registration = engine.registration(status.id);
    if (const auto model = registration ? adapted_model(registration->backend) : nullptr) {
      BaseModelDriver(*model).detach(this);
    }
  }
  const std::lock_guard lock(mutex);
  closed = true;
  closing_ended.notify_all();
}

std::vector<roost::ModelStatus> ManagerCore::models() const {
  std::vector<roost::ModelStatus> all = engine.models();
  std::erase_if(all, [](const roost::ModelStatus& status) { return status.id == status.source; });
  return all;
}

// By the engine's ledger: what several models share counts once.
std::uint64_t ManagerCore::memory_in_use() const {
  std::uint64_t bytes = 0;
  for (const MemoryLine& line : engine.memory().memories) bytes += line.reserved;
  return bytes;
}

std::optional<ModelRegistration> ManagerCore::find(const std::string& model_id) const {
  check_model_id(model_id);
  return engine.registration(model_id);
}

ModelRegistration ManagerCore::known(const std::string& model_id) const {
  auto registration = find(model_id);
  if (registration) return *std::move(registration);
  std::vector<std::string> ids;
  for (const roost::ModelStatus& status : models()) ids.push_back(status.id);
  throw ModelNotFoundException(model_id, "it is not registered", nearest_names(model_id, ids));
}

mm::ModelInfo ManagerCore::info_of(const ModelRegistration& registration) {
  mm::ModelInfo info = to_info(registration, engine.status(registration.id));
  info.status = status_of(registration.id);
  return info;
}

// A download that failed is remembered as an error until the next one, or until the files come.
mm::ModelStatus ManagerCore::status_of(const std::string& model_id) {
  const mm::ModelStatus status = status_word(engine.status(model_id));
  const bool failed = status == mm::ModelStatus::NotDownloaded && book.failed(model_id);
  return failed ? mm::ModelStatus::Error : status;
}

std::optional<mm::ModelInstance> ManagerCore::instance_of(const ModelRegistration& registration) {
  const roost::ModelStatus status = engine.status(registration.id);
  const bool there = status.state == ModelState::Loaded || status.state == ModelState::Error;
  if (!there) return std::nullopt;
  return to_instance(registration, status);
}

// Runs on the engine's event thread.
void ManagerCore::follow(const Event& event) {
  switch (event.kind) {
    case EventKind::DownloadStart:
    case EventKind::DownloadComplete:
    case EventKind::DownloadError:
      book.follow();
      return;
    case EventKind::ConfigUpdate:
    case EventKind::StateChange:
      break;
    default:
      return;
  }
  const auto registration = engine.registration(event.model);
  const auto model = registration ? adapted_model(registration->backend) : nullptr;
  if (!model) return;
  BaseModelDriver driver(*model);
  if (event.kind == EventKind::ConfigUpdate) {
    driver.sync_config();
    return;
  }
  const Value* reason = event.data.find("reason");
  if (reason && *reason == Value(to_string(Reason::Reset))) driver.forget_error();
}

void ManagerCore::download(const std::string& model_id, const mm::ProgressCallback& progress,
                           std::stop_token stop) {
  const ModelRegistration registration = known(model_id);
  if (config.disable_model_downloads) {
    throw RoostError(
        ErrorCode::Unsupported,
        "downloading '" + model_id +
            "': downloads are turned off (ModelManagerConfig.disable_model_downloads)");
  }
  const auto meter = std::make_shared<ProgressMeter>(model_id, progress, log);
  const ProgressMeter::Listening listening(*meter);
  engine.fetch(
      model_id, [meter](const FetchProgress& fetched) { meter->update(fetched); }, std::move(stop));
  meter->complete(registration.size_estimate);
}

LoadOptions ManagerCore::load_options(const ModelRegistration& registration) const {
  const Value& settings = registration.options.config;
  const auto flag = [&](std::string_view key, bool usual) {
    const Value* value = settings.find(key);
    return value && value->is_bool() ? value->as_bool() : usual;
  };
  if (!flag("enabled", true)) {
    throw ModelLoadException(registration.id, "it is disabled by its config ('enabled' is false)",
                             ErrorCode::Unsupported);
  }
  LoadOptions options;
  options.auto_download =
      !config.disable_model_downloads && flag("auto_download", config.enable_auto_download);
  options.priority = registration.options.priority;
  return options;
}

mm::ModelInstance ManagerCore::load(const std::string& model_id, const Value& patch,
                                    std::stop_token stop) {
  load_options(known(model_id));  // a disabled model keeps its configuration
  const Value changes = mm::normalized_config(patch);
  if (!changes.as_object().empty()) update_config(model_id, changes);
  const ModelRegistration registration = known(model_id);
  engine.ready(model_id, load_options(registration), std::move(stop));
  return to_instance(registration, engine.status(model_id));
}

void ManagerCore::unload(const std::string& model_id, std::stop_token stop) {
  known(model_id);
  engine.unload(model_id, {}, std::move(stop));
  engine.reset(model_id);
}

}  // namespace roost::faces
