// Loads and unloads: what the threads of the pool do. None of it holds the pool's mutex.
#include <algorithm>

#include "base/assert.h"
#include "base/lent.h"
#include "base/working_for.h"
#include "pool/shell/decide.h"
#include "pool/shell/slot.h"
#include "roost/error.h"

namespace roost::pool {
namespace {

constexpr Duration kReleaseLook = std::chrono::milliseconds(20);

double seconds_between(Instant from, Instant to) {
  return std::chrono::duration<double>(to - from).count();
}

// Of the exception that is being handled.
std::string what_was_thrown() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something that is no exception";
  }
}

}  // namespace

LoadContext Pool::context_for(Attempt& attempt) {
  LoadContext context;
  context.device = attempt.device;
  context.host = machine_.devices.front();
  context.memory = attempt.account;
  context.images = attempt.images;
  context.threads = options_.load_threads;
  return context;
}

template <class F>
auto Pool::while_heard(Attempt& attempt, LoadContext& context, F work) {
  const Lent<double> progress([this, &attempt](double told) {
    const WorkingFor part_of_pool(&events_), part_of_load(attempt.of);  // on whatever thread
    const double fraction = told > 0 ? std::min(told, 1.0) : 0;  // user code may tell anything
    if (attempt.kind == SlotKind::Image) {
      announce_for_image(attempt.slot, fraction);
    } else {
      announce(attempt.slot, LoadStep::MoveToDevice, fraction);
    }
    offer_processor();
  });
  context.progress = progress.callback();
  return work();
}

void Pool::load(const std::shared_ptr<Attempt>& attempt) {
  const WorkingFor mark(attempt->of);
  try {
    if (attempt->stop.stop_requested()) throw CancelledException("cancelled before it began");
    LoadContext context = context_for(*attempt);
    if (attempt->kind == SlotKind::Image) {
      load_image(*attempt, context);
    } else {
      load_model(*attempt, context);
    }
  } catch (const RoostError& error) {
    report_failure(*attempt, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    report_failure(*attempt, ErrorCode::OutOfMemory, "the system has no memory left");
  } catch (const std::exception& error) {
    report_failure(*attempt, ErrorCode::LoadFailed, error.what());
  } catch (...) {  // user code may throw anything
    report_failure(*attempt, ErrorCode::LoadFailed, "the backend threw something unknown");
  }
}

void Pool::report_failure(Attempt& attempt, ErrorCode code, const std::string& message) {
  attempt.account->seal();
  attempt.images.clear();  // so that their own unload sees their bytes come back
  const bool timed_out = attempt.timed_out.load();
  if (code == ErrorCode::Cancelled && timed_out) code = ErrorCode::DeadlineExceeded;
  const std::string text =
      timed_out ? "it took longer than the load timeout of " +
                      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(
                                         options_.load_timeout)
                                         .count()) +
                      " ms; raise load_timeout"
                : message;
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    Slot& slot = at(attempt.slot);
    slot.attempt.reset();
    slot.account.reset();
    core.load_failed(attempt.slot, attempt.number, code, text, now, out);
  });
}

void Pool::load_image(Attempt& attempt, LoadContext& context) {
  announce_for_image(attempt.slot, 0);
  std::shared_ptr<const HostImage> image = while_heard(attempt, context, [&] {
    return attempt.backend->read(attempt.description, attempt.component, context,
                                 attempt.stop.get_token());
  });
  if (image == nullptr) throw RoostError(ErrorCode::LoadFailed, "the backend returned no image");
  LoadSuccess success;
  success.footprint = attempt.account->live();
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    Slot& slot = at(attempt.slot);
    slot.attempt.reset();
    slot.image = std::move(image);
    success.seconds = seconds_between(attempt.begun, now);
    attempt.account->set_reserved(success.footprint);
    core.load_finished(attempt.slot, attempt.number, success, now, out);
  });
}

void Pool::load_model(Attempt& attempt, LoadContext& context) {
  announce(attempt.slot, LoadStep::MoveToDevice, 0);
  const std::stop_token stop = attempt.stop.get_token();
  Residency::Parts parts;
  parts.slot = attempt.slot;
  parts.model_id = attempt.description.id;
  parts.model = while_heard(attempt, context, [&] {
    return attempt.backend->load(attempt.description, context, stop);
  });
  parts.device = attempt.device;
  parts.account = attempt.account;
  parts.executor = attempt.executor;
  parts.returns = returns_;
  parts.usage = attempt.usage;
  parts.clock = &clock_;
  parts.owner = &events_;
  parts.gone = attempt.gone;
  if (parts.model == nullptr) {
    throw RoostError(ErrorCode::LoadFailed, "the backend returned no model");
  }
  const auto drop = [this](Residency* loaded) {
    try {
      loaded->destroy_model({});
    } catch (...) {  // user code, while another failure is on its way
      log_(LogLevel::Warning,
           "unloading '" + loaded->model_id() + "' after its load had failed: its unload threw");
    }
    loaded->drop_reference();
  };
  std::unique_ptr<Residency, decltype(drop)> residency(new Residency(std::move(parts)), drop);
  residency->set_load_ms(seconds_between(attempt.load_begun, clock_.now()) * 1e3);
  announce(attempt.slot, LoadStep::ApplyOptimizations, 0);
  if (attempt.warm_up) residency->warm_up(stop);
  if (stop.stop_requested()) throw CancelledException("cancelled while loading");
  announce(attempt.slot, LoadStep::Finalize, 0);

  attempt.images.clear();
  context.images.clear();
  LoadSuccess success;
  success.footprint = attempt.account->live();
  success.gate = &residency->gate();
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    Slot& slot = at(attempt.slot);
    slot.attempt.reset();
    success.seconds = seconds_between(attempt.begun, now);
    residency->gate().idle_from(now);
    attempt.account->set_reserved(success.footprint);
    slot.current.store(residency.release(), std::memory_order_seq_cst);
    core.load_finished(attempt.slot, attempt.number, success, now, out);
  });
}

void Pool::unload_model(SlotId id, bool save_images) {
  Residency* residency = nullptr;
  std::shared_ptr<Device> device;
  std::shared_ptr<MemoryAccount> account;
  std::vector<SlotId> images;
  std::optional<WorkingFor> mark;
  {
    MutexLock lock(mutex_);
    Slot& slot = at(id);
    mark.emplace(&slot);
    residency = slot.current.exchange(nullptr, std::memory_order_seq_cst);
    device = slot.device;
    account = slot.account;  // stays with the slot, so that others see what it still takes
    images = slot.images;
  }
  ROOST_ASSERT(residency != nullptr);
  account->seal();
  UnloadResult result;
  HostImages saved;
  LoadContext context;
  try {
    if (save_images) {
      context.device = device;
      context.host = machine_.devices.front();
      context.memory = MemoryAccount::create();
      saved = residency->save_images(context, {});
      const bool whole = saved.size() == images.size() &&
                         std::find(saved.begin(), saved.end(), nullptr) == saved.end();
      if (!whole) throw RoostError(ErrorCode::Internal, "it did not save one image a component");
    }
  } catch (...) {  // user code may throw anything
    saved.clear();
    log_(LogLevel::Warning, "demoting '" + residency->model_id() +
                                "': its weights could not be copied back (" + what_was_thrown() +
                                "); it is unloaded instead");
  }
  const ReleaseWatch watch(account, device, account->live());
  try {
    residency->destroy_model({});
  } catch (...) {  // likewise
    result.failed = true;
    result.message = what_was_thrown();
  }
  const ReleaseWatch::Seen seen = await_release(watch, residency->model_id());
  result.freed = seen.freed;
  result.lost = seen.lost;

  const auto settle = [&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    Slot& slot = at(id);
    slot.freed_last = result.freed;
    slot.account.reset();
    if (!result.lost.empty()) slot.losses.push_back({result.lost, watch});
    for (std::size_t i = 0; i < saved.size(); ++i) {
      Slot& image = at(images[i]);
      result.saved_images.push_back(MemoryVector::host(saved[i]->bytes()));
      const bool awaits_it =
          core.view(image.id).state == ModelState::Loading && image.attempt == nullptr;
      if (!awaits_it) continue;           // it is there, or read by a load of its own
      image.image = std::move(saved[i]);  // no reference stays here: it may be unloaded at once
      image.account = context.memory;
    }
    core.unload_finished(id, result, now, out);
    // Readers of the fast door may still hold the pointer they loaded.
    epoch_.retire([residency] { residency->drop_reference(); });
  };
  decide(settle, [&] { saved.clear(); });  // what nobody awaited is back before anyone hears of it
}

void Pool::unload_image(SlotId id) {
  std::shared_ptr<const HostImage> image;
  std::shared_ptr<MemoryAccount> account;
  std::shared_ptr<Device> host;
  {
    MutexLock lock(mutex_);
    Slot& slot = at(id);
    image = std::move(slot.image);
    account = std::move(slot.account);
    host = slot.device;
  }
  const ReleaseWatch watch(std::move(account), std::move(host),
                           MemoryVector::host(image->bytes()));
  image.reset();
  const ReleaseWatch::Seen seen = watch.look();
  UnloadResult result;
  result.freed = seen.freed;
  result.lost = seen.lost;
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    Slot& slot = at(id);
    slot.freed_last = result.freed;
    if (!result.lost.empty()) slot.losses.push_back({result.lost, watch});
    core.unload_finished(id, result, now, out);
  });
}

// Waits a while for what a device owes; the host gives back at once or not at all. A device in
// trouble must not take the process along: nothing of its own is back then.
ReleaseWatch::Seen Pool::await_release(const ReleaseWatch& watch, const std::string& model) {
  const Instant give_up = clock_.now() + options_.release_patience;
  ReleaseWatch::Seen seen;
  std::string trouble;
  const auto look = [&] {
    try {
      seen = watch.look();
    } catch (const std::exception& error) {
      seen = {{}, watch.held()};
      trouble = error.what();
    }
    return watch.on_host() || seen.lost.empty();
  };
  try {
    watch.settle();
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  std::condition_variable_any never;
  Mutex mutex;
  MutexLock lock(mutex);
  while (!look() && clock_.now() < give_up) {
    clock_.wait_until(never, mutex, {}, clock_.now() + kReleaseLook, look);
  }
  if (!trouble.empty()) log_(LogLevel::Warning, "unloading '" + model + "': " + trouble);
  return seen;
}

// --- progress

LoadProgress progress_of(const std::string& model, LoadStep step, double within) {
  const StepText text = text_of(step);
  const int number = static_cast<int>(step);
  LoadProgress progress;
  progress.model = model;
  progress.step = number;
  progress.total = kLoadSteps;
  progress.phase = text.phase;
  progress.name = text.name;
  progress.message = progress.phase + ": " + progress.name;
  progress.fraction =
      number == kLoadSteps ? 1.0 : (static_cast<double>(number - 1) + within) / kLoadSteps;
  return progress;
}

void Pool::announce(SlotId id, LoadStep upto, double within) {
  std::vector<std::shared_ptr<Teller<LoadProgress>>> tellers;
  {
    MutexLock lock(mutex_);
    Slot* known = known_slot(id);
    if (known == nullptr) return;  // cancelled and forgotten since
    Slot& slot = *known;
    for (const std::uint64_t waiter : slot.waiters) {
      if (waiters_.at(waiter)->teller) tellers.push_back(waiters_.at(waiter)->teller);
    }
    for (int step = std::max(1, slot.steps_told); step <= static_cast<int>(upto); ++step) {
      const bool is_new = step > slot.steps_told;
      const LoadProgress progress = progress_of(slot.model, static_cast<LoadStep>(step),
                                                step == static_cast<int>(upto) ? within : 1.0);
      // Several images of one model are read at once, each with a fraction of its own.
      if (!is_new && progress.fraction <= slot.fraction_told) continue;
      slot.fraction_told = std::max(slot.fraction_told, progress.fraction);
      for (const auto& teller : tellers) teller->add(progress);
      if (!is_new) continue;
      slot.steps_told = step;
      Value data;
      data["step"] = step;
      data["total"] = kLoadSteps;
      data["phase"] = progress.phase;
      data["name"] = progress.name;
      events_.publish(EventKind::LoadStep, slot.model, data);
    }
  }
  for (const auto& teller : tellers) teller->tell();
}

// An image is loaded for every model that waits for it.
void Pool::announce_for_image(SlotId image, double within) {
  std::vector<SlotId> models;
  {
    MutexLock lock(mutex_);
    for (const SlotId id : core_.loading_from(image)) models.push_back(id);
  }
  for (const SlotId model : models) announce(model, LoadStep::LoadWeights, within);
}

}  // namespace roost::pool
