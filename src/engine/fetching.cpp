// Files without a load.
#include "roost/ids.h"
#include "base/working_for.h"
#include "engine/impl.h"

namespace roost {
namespace {

[[noreturn]] void refuse_to_fetch(const catalog::ModelRecord& record) {
  const std::string source = "'" + printable(record.source) + "'";
  const std::string why = record.source.starts_with("hf:")
                              ? "this version cannot fetch " + source + " from its hub"
                              : "nothing here can fetch or run " + source;
  throw ModelLoadException(record.id,
                           "fetching '" + printable(record.id) + "': " + why +
                               "; register it with a source of your own",
                           ErrorCode::Unsupported);
}

}  // namespace

void Engine::fetch(const std::string& name,
                   const std::function<void(const FetchProgress&)>& progress,
                   std::stop_token stop) {
  if (WorkingFor::is(&impl_->events)) {
    const catalog::ModelRecord record = impl_->record_of(name, catalog::Domain::Any);
    impl_->check_may_wait_for_files(record, impl_->files_of(record).get());
  }
  fetch_async(name, progress, std::move(stop)).get();
}

std::future<void> Engine::fetch_async(const std::string& name,
                                      const std::function<void(const FetchProgress&)>& progress,
                                      std::stop_token stop) {
  try {
    return impl_->start_fetch(name, progress, std::move(stop));
  } catch (const RoostError&) {
    return failed_future<void>();
  }
}

std::future<void> Engine::Impl::start_fetch(
    const std::string& name, const std::function<void(const FetchProgress&)>& progress,
    std::stop_token stop) {
  check_open();
  if (stop.stop_requested()) {
    throw CancelledException("fetching '" + printable(name) + "' was cancelled before it began");
  }
  const catalog::ModelRecord record = record_of(name, catalog::Domain::Any);
  const std::shared_ptr<ModelSource> files = files_of(record);
  const auto promise = std::make_shared<std::promise<void>>();
  std::future<void> future = promise->get_future();
  if (files == nullptr && !needs_no_files(record)) refuse_to_fetch(record);
  if (files == nullptr || has_files(record, files.get())) {
    promise->set_value();
    return future;
  }
  Fetches::Request request;
  request.model = record.id;
  request.files = files;
  request.progress = progress;
  request.stop = std::move(stop);
  request.done = [promise](const std::exception_ptr& error) {
    if (error) {
      promise->set_exception(error);
    } else {
      promise->set_value();
    }
  };
  fetches.ask(std::move(request));
  return future;
}

bool Engine::cancel_fetch(const std::string& name) {
  return impl_->fetches.cancel(impl_->record_of(name, catalog::Domain::Any).id);
}

bool Engine::files_present(const std::string& name) const {
  const catalog::ModelRecord record = impl_->record_of(name, catalog::Domain::Any);
  return impl_->has_files(record, impl_->files_of(record).get());
}

}  // namespace roost
