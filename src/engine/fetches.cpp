#include "engine/fetches.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include "roost/ids.h"
#include "base/lent.h"
#include "base/teller.h"
#include "base/working_for.h"

namespace roost {
namespace {

constexpr double kEventStep = 0.01;  // of the whole: a progress event at most this often

FetchProgress progress_of(const std::string& model, std::uint64_t done, std::uint64_t total) {
  FetchProgress progress;
  progress.model = model;
  progress.done_bytes = total == 0 ? done : std::min(done, total);
  progress.total_bytes = total;
  progress.fraction =
      total == 0 ? 0 : static_cast<double>(progress.done_bytes) / static_cast<double>(total);
  progress.percent = progress.fraction * 100;
  return progress;
}

// An atomic has no maximum of its own.
void raise_to(std::atomic<std::uint64_t>& most, std::uint64_t to) {
  std::uint64_t before = most;
  while (before < to && !most.compare_exchange_weak(before, to)) {
  }
}

std::string what_for(const std::string& model) {
  return "fetching the files of '" + printable(model) + "'";
}

std::exception_ptr cancelled(const std::string& model) {
  return std::make_exception_ptr(CancelledException(what_for(model) + " was cancelled"));
}

ModelLoadException fetch_failed(const std::string& model, const std::string& why) {
  return {model, "fetching '" + printable(model) + "': " + why, ErrorCode::DownloadFailed};
}

// What went wrong, for where the model and that it was fetched are told already.
std::string without_model(const std::string& model, const std::string& what) {
  for (const char* doing : {"fetching", "loading"}) {
    const std::string head = std::string(doing) + " '" + printable(model) + "': ";
    if (what.starts_with(head)) return what.substr(head.size());
  }
  return what;
}

// Of the exception that is being handled: what a source's own code threw, as an error of ours.
std::exception_ptr as_typed(const std::string& model) {
  std::string why = "its source threw something unknown";
  try {
    throw;
  } catch (const RoostError&) {
    return std::current_exception();
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {  // user code may throw anything
  }
  return std::make_exception_ptr(fetch_failed(model, why));
}

Value as_event(const std::exception_ptr& error) {
  Value data;
  try {
    std::rethrow_exception(error);
  } catch (const RoostError& failure) {
    data["code"] = to_string(failure.code());
    data["message"] = failure.what();
  }
  return data;
}

}  // namespace

// What has to happen after the lock is let go of.
struct Fetches::Answers {
  std::vector<std::stop_source> stops;
  std::vector<std::pair<std::shared_ptr<Waiter>, std::exception_ptr>> waiters;
};

struct Fetches::Waiter {
  std::shared_ptr<Teller<FetchProgress>> teller;  // if it wants to hear of progress
  Instant deadline;
  bool for_load = false;
  Done done;
  bool answered = false;  // guarded; whoever sets it answers
  std::unique_ptr<std::stop_callback<std::function<void()>>> on_stop;
};

// Guarded by the lock, but for what is const or atomic.
struct Fetches::Fetch {
  Fetch(std::string id, std::shared_ptr<ModelSource> from)
      : model(std::move(id)), files(std::move(from)) {}

  const std::string model;
  const std::shared_ptr<ModelSource> files;
  std::stop_source stop;
  std::vector<std::shared_ptr<Waiter>> waiters;
  decltype(Answers::waiters) leaving;  // answered when the work has ended
  bool working = false;
  Instant limit = Instant::max();  // of the work
  std::atomic<bool> overdue{false};
  FetchProgress told;
  std::atomic<std::uint64_t> reported{0};  // bytes, by the source
  double event_at = 0;  // the fraction that the next progress event is due at
};

Fetches::Fetches(const Limits& limits, events::EventHub& events, Clock& clock)
    : limits_(limits),
      events_(events),
      clock_(clock),
      threads_("roost-fetch", limits.at_once, ThreadPriority::Normal, &events) {}

Fetches::~Fetches() { stop(); }

// --- asking

void Fetches::ask(Request request) {
  std::shared_ptr<Waiter> waiter;
  std::exception_ptr refusal;
  {
    MutexLock lock(mutex_);
    refusal = stopped_ ? std::make_exception_ptr(EngineClosedException()) : held_back(request);
    if (!refusal) waiter = join(request);
  }
  if (refusal) {
    request.done(refusal);
    return;
  }
  if (!request.stop.stop_possible()) return;
  // A token that has fired already runs this at once; a waiter that was answered is let be.
  auto on_stop = std::make_unique<std::stop_callback<std::function<void()>>>(
      std::move(request.stop),
      std::function<void()>([this, model = request.model, id = waiter.get()] {
        give_up(model, [id](const Waiter& one) { return &one == id; }, cancelled(model));
      }));
  MutexLock lock(mutex_);
  if (!waiter->answered) waiter->on_stop = std::move(on_stop);
}

std::exception_ptr Fetches::held_back(const Request& request) const {
  const auto failed = failures_.find(request.model);
  if (request.retry_now || failed == failures_.end()) return nullptr;
  const auto running = fetches_.find(request.model);
  if (running != fetches_.end() && !running->second->overdue) return nullptr;
  const Duration left = failed->second.retry_at() - clock_.now();
  if (left <= Duration::zero()) return nullptr;
  return std::make_exception_ptr(LoadBackoffException(
      request.model,
      "'" + printable(request.model) + "' failed to be fetched (" + failed->second.message() +
          "); the next try is allowed in " + pool::duration_text(left) + " (" +
          (request.for_load ? "a call with LoadOptions may set retry_now"
                            : "reset() allows it at once, unload_model() of a manager too") +
          ")",
      std::chrono::ceil<std::chrono::milliseconds>(left)));
}

void Fetches::remember(const std::string& model, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const RoostError& failure) {
    if (failure.code() == ErrorCode::Cancelled) return;
    failures_[model].record(failure.code(), without_model(model, failure.what()), clock_.now(),
                            limits_.backoff_first, limits_.backoff_most);
  }
}

std::shared_ptr<Fetches::Waiter> Fetches::join(Request& request) {
  auto waiter = std::make_shared<Waiter>();
  if (request.progress) {
    waiter->teller = std::make_shared<Teller<FetchProgress>>(std::move(request.progress));
  }
  waiter->deadline = request.deadline;
  waiter->for_load = request.for_load;
  waiter->done = std::move(request.done);
  std::shared_ptr<Fetch>& fetch = fetches_[request.model];
  // One that all have given up, of a registration that is gone, ends by itself.
  const bool of_another =
      fetch != nullptr && fetch->waiters.empty() && fetch->files != request.files;
  if (fetch == nullptr || of_another) {
    fetch = std::make_shared<Fetch>(request.model, request.files);
    threads_.post([this, fetch = fetch] { run(fetch); });
  }
  fetch->waiters.push_back(waiter);
  const bool timed = request.deadline != Instant::max() || limits_.timeout > Duration::zero();
  if (timed && !watch_.joinable()) {
    watch_ = std::jthread([this](std::stop_token stop) {
      set_up_thread("roost-fetch-due", ThreadPriority::Normal);
      const WorkingFor mark(&events_);
      watch(stop);
    });
  }
  changed_.notify_all();
  return waiter;
}

bool Fetches::cancel(const std::string& model) {
  return give_up(model, [](const Waiter&) { return true; }, cancelled(model));
}

bool Fetches::cancel_loads(const std::string& model) {
  return give_up(model, [](const Waiter& one) { return one.for_load; }, cancelled(model));
}

bool Fetches::is_running(const std::string& model) const {
  MutexLock lock(mutex_);
  return fetches_.count(model) != 0;
}

bool Fetches::is_current(const Fetch& fetch) const {
  const auto found = fetches_.find(fetch.model);
  return found != fetches_.end() && found->second.get() == &fetch;
}

bool Fetches::is_working_here(const std::string& model) const {
  MutexLock lock(mutex_);
  const auto found = fetches_.find(model);
  return found != fetches_.end() && WorkingFor::is(found->second.get());
}

std::size_t Fetches::count() const {
  MutexLock lock(mutex_);
  return fetches_.size();
}

std::optional<pool::FailureMemory> Fetches::failure(const std::string& model) const {
  MutexLock lock(mutex_);
  const auto failed = failures_.find(model);
  return failed == failures_.end() ? std::nullopt : std::optional(failed->second);
}

void Fetches::forget_failure(const std::string& model) {
  MutexLock lock(mutex_);
  failures_.erase(model);
}

// --- answering

template <class Which>
void Fetches::take(Fetch& fetch, const Which& which, const std::exception_ptr& error,
                   Answers& answers) {
  const auto taken = std::erase_if(fetch.waiters, [&](const std::shared_ptr<Waiter>& waiter) {
    if (!which(*waiter)) return false;
    waiter->answered = true;
    answers.waiters.emplace_back(waiter, error);
    return true;
  });
  if (taken != 0 && fetch.waiters.empty()) answers.stops.push_back(fetch.stop);
}

template <class Which>
bool Fetches::give_up(const std::string& model, const Which& which,
                      const std::exception_ptr& error) {
  Answers answers;
  bool any = false;
  {
    MutexLock lock(mutex_);
    const auto found = fetches_.find(model);
    if (found == fetches_.end()) return false;
    Fetch& fetch = *found->second;
    take(fetch, which, error, answers);
    any = !answers.waiters.empty();
    if (fetch.working && fetch.waiters.empty()) {
      std::move(answers.waiters.begin(), answers.waiters.end(), std::back_inserter(fetch.leaving));
      answers.waiters.clear();
    }
  }
  give(std::move(answers));
  return any;
}

void Fetches::give(Answers&& answers) {
  for (std::stop_source& stop : answers.stops) stop.request_stop();
  for (auto& [waiter, error] : answers.waiters) {
    waiter->on_stop.reset();
    const auto answer = [waiter = waiter, error = error] { waiter->done(error); };
    if (waiter->teller) {
      waiter->teller->end(answer);
    } else {
      answer();
    }
  }
}

// --- the work

void Fetches::run(const std::shared_ptr<Fetch>& fetch) {
  const WorkingFor mark(fetch.get());
  {
    MutexLock lock(mutex_);
    if (fetch->waiters.empty()) {  // all have gone while it was queued
      if (is_current(*fetch)) fetches_.erase(fetch->model);
      return;
    }
    fetch->working = true;
    if (limits_.timeout > Duration::zero()) fetch->limit = clock_.now() + limits_.timeout;
    changed_.notify_all();
  }
  end(fetch, work(*fetch));
}

std::exception_ptr Fetches::work(Fetch& fetch) {
  const Instant begin = clock_.now();
  std::exception_ptr error;
  std::uint64_t estimate = 0;
  try {
    if (fetch.files->is_present()) return nullptr;  // came while this waited for a thread
    estimate = fetch.files->estimate();
    Value data;
    data["total_bytes"] = estimate;
    events_.publish(EventKind::DownloadStart, fetch.model, data);
    {
      using Progress = Lent<std::uint64_t, std::uint64_t>;
      const Progress progress([&](std::uint64_t done, std::uint64_t total) {
        const WorkingFor part_of_engine(&events_), part_of_fetch(&fetch);  // on whatever thread
        report(fetch, done, total);
      });
      fetch.files->fetch(progress.callback(), fetch.stop.get_token());
    }
    const bool there = fetch.files->is_present();
    if (!there && fetch.stop.stop_requested()) {  // it obeyed by returning
      std::rethrow_exception(cancelled(fetch.model));
    }
    if (!there) {
      throw fetch_failed(fetch.model, "its fetch ended, but its files are not there");
    }
  } catch (...) {  // user code may throw anything
    error = as_typed(fetch.model);
  }
  if (!error) {
    Value complete;
    complete["bytes"] = fetch.reported.load();
    complete["download_ms"] =
        std::chrono::duration<double, std::milli>(clock_.now() - begin).count();
    tell_whole(fetch, estimate);
    events_.publish(EventKind::DownloadComplete, fetch.model, complete);
    return nullptr;
  }
  if (!fetch.overdue) events_.publish(EventKind::DownloadError, fetch.model, as_event(error));
  return error;
}

// The whole is told when the files are known to be there.
void Fetches::report(Fetch& fetch, std::uint64_t done, std::uint64_t total) {
  raise_to(fetch.reported, done);
  const FetchProgress progress = progress_of(fetch.model, done, total);
  if (progress.fraction < 1) tell(fetch, progress);
}

void Fetches::tell_whole(Fetch& fetch, std::uint64_t estimate) {
  const std::uint64_t reported = fetch.reported;
  const std::uint64_t bytes = reported != 0 ? reported : estimate;
  FetchProgress whole = progress_of(fetch.model, 1, 1);
  whole.done_bytes = whole.total_bytes = bytes;
  tell(fetch, whole);
}

void Fetches::tell(Fetch& fetch, const FetchProgress& progress) {
  std::vector<std::shared_ptr<Teller<FetchProgress>>> tellers;
  {
    MutexLock lock(mutex_);
    const bool fell = progress.fraction < fetch.told.fraction;
    if (fell || (progress.fraction < 1 && progress.done_bytes < fetch.told.done_bytes)) return;
    fetch.told = progress;
    for (const auto& waiter : fetch.waiters) {
      if (!waiter->teller) continue;
      waiter->teller->add(progress);
      tellers.push_back(waiter->teller);
    }
    if (progress.fraction >= fetch.event_at) {
      fetch.event_at = progress.fraction + kEventStep;
      Value data;
      data["fraction"] = progress.fraction;
      data["percent"] = progress.percent;
      data["done_bytes"] = progress.done_bytes;
      data["total_bytes"] = progress.total_bytes;
      events_.publish(EventKind::DownloadProgress, fetch.model, data);
    }
  }
  for (const auto& teller : tellers) teller->tell();
}

void Fetches::end(const std::shared_ptr<Fetch>& fetch, const std::exception_ptr& error) {
  Answers answers;
  {
    MutexLock lock(mutex_);
    answers.waiters = std::move(fetch->leaving);
    if (!is_current(*fetch)) {
      take(*fetch, [](const Waiter&) { return true; }, error, answers);
    } else if (error && fetch->stop.stop_requested() && !fetch->waiters.empty()) {
      // They came after the last of those had gone for whom it was stopped.
      auto again = std::make_shared<Fetch>(fetch->model, fetch->files);
      again->waiters = std::move(fetch->waiters);
      fetches_[fetch->model] = again;
      threads_.post([this, again] { run(again); });
    } else {
      if (!error) failures_.erase(fetch->model);
      if (error && !fetch->stop.stop_requested()) remember(fetch->model, error);
      take(*fetch, [](const Waiter&) { return true; }, error, answers);
      fetches_.erase(fetch->model);
    }
  }
  give(std::move(answers));
}

// --- deadlines

std::string Fetches::time_limit() const {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limits_.timeout);
  return "it took longer than the download timeout of " + std::to_string(ms.count()) +
         " ms; raise download_timeout";
}

Instant Fetches::next_deadline() const {
  Instant next = Instant::max();
  for (const auto& [model, fetch] : fetches_) {
    if (!fetch->overdue) next = std::min(next, fetch->limit);
    for (const auto& waiter : fetch->waiters) next = std::min(next, waiter->deadline);
  }
  return next;
}

void Fetches::watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      MutexLock lock(mutex_);
      const Instant next = next_deadline();
      clock_.wait_until(changed_, mutex_, stop, next,
                        [this, next]() ROOST_REQUIRES(mutex_) { return next_deadline() < next; });
    }
    end_overdue();
  }
}

void Fetches::end_overdue() {
  Answers answers;
  {
    MutexLock lock(mutex_);
    const Instant now = clock_.now();
    for (const auto& [model, fetch] : fetches_) {
      const bool all = fetch->limit <= now && !fetch->overdue;
      const std::string why = all ? time_limit() : "it did not end in time; allow a longer timeout";
      const auto error =
          std::make_exception_ptr(DeadlineExceededException(what_for(model) + ": " + why));
      if (all) {
        fetch->overdue = true;
        remember(model, error);
        events_.publish(EventKind::DownloadError, model, as_event(error));
      }
      take(*fetch, [&](const Waiter& one) { return all || one.deadline <= now; }, error, answers);
    }
  }
  give(std::move(answers));
}

void Fetches::stop() {
  Answers answers;
  std::jthread watch;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    const auto closed = std::make_exception_ptr(EngineClosedException());
    for (const auto& [model, fetch] : fetches_) {
      take(*fetch, [](const Waiter&) { return true; }, closed, answers);
      std::move(fetch->leaving.begin(), fetch->leaving.end(), std::back_inserter(answers.waiters));
      fetch->leaving.clear();
    }
    watch.swap(watch_);
  }
  give(std::move(answers));
  watch = {};  // asks it to stop and joins
  threads_.stop();
}

}  // namespace roost
