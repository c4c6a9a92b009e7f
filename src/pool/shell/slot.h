#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "pool/shell/pool.h"

namespace roost::pool {

// One run of a load. Shared by the thread that works and the pool that may stop it.
struct Pool::Attempt {
  SlotId slot{};
  const Slot* of = nullptr;  // what its work is WorkingFor
  std::uint64_t number = 0;
  std::stop_source stop;
  std::shared_ptr<MemoryAccount> account;
  Instant begun{};       // this work
  Instant load_begun{};  // a model's load, its images' included
  std::atomic<bool> timed_out{false};

  // Copied from the slot when the attempt was started, so that the work needs no lock.
  SlotKind kind = SlotKind::Model;
  ModelDescription description;
  std::string component;
  std::shared_ptr<Backend> backend;
  std::shared_ptr<Device> device;
  std::shared_ptr<backend::Executor> executor;
  std::shared_ptr<UsageCounters> usage;
  HostImages images;
  bool warm_up = false;
  std::shared_future<void> gone;  // of an isolated instance
};

// Bytes of an unload that are still expected back, and what it is seen by that they are.
struct Pool::Loss {
  MemoryVector bytes;
  ReleaseWatch watch;
};

// What the shell keeps beside the core's own record of a slot. Guarded by the pool's mutex but
// for `current`, which the fast door reads.
struct Pool::Slot {
  SlotId id{};
  SlotKind kind = SlotKind::Model;
  std::string model;
  ModelDescription description;
  std::string component;  // an image's
  std::shared_ptr<Backend> backend;
  std::shared_ptr<Device> device;
  std::size_t device_index = 0;
  std::vector<SlotId> images;
  std::vector<std::string> doors;
  std::vector<std::uint64_t> waiters;
  bool isolated = false;
  bool closing = false;     // isolated: its last lease has gone
  std::promise<void> gone;  // likewise: abandoned when its memory is back
  std::shared_future<void> when_gone;

  std::shared_ptr<UsageCounters> usage = std::make_shared<UsageCounters>();
  std::shared_ptr<Attempt> attempt;
  std::shared_ptr<const HostImage> image;  // while resident
  std::shared_ptr<MemoryAccount> account;  // of what is resident
  std::vector<Loss> losses;                // of its unloads
  MemoryVector freed_last;
  int steps_told = 0;
  Instant load_begun{};  // a model's: its images are loaded first
  double fraction_told = 0;
  bool restores = false;                        // what loads now was in host memory whole
  std::atomic<Residency*> current{nullptr};  // the pool's own reference
};

struct Pool::Waiter {
  SlotId slot{};
  bool warm_up = false;
  std::stop_token stop;
  std::shared_ptr<Teller<LoadProgress>> teller;  // of its progress, if it wants to hear of it
  Done done;
  // Gives the waiter up when its caller's token fires. Destroyed without the mutex: its
  // destructor waits for a callback that runs.
  std::unique_ptr<std::stop_callback<std::function<void()>>> on_stop;

  // Last, once, without the mutex. Not before a call of the progress has returned.
  void answer(Outcome outcome) {
    on_stop.reset();
    if (!teller) {
      done(std::move(outcome));
      return;
    }
    teller->end([tell = std::move(done), kept = std::make_shared<Outcome>(std::move(outcome))] {
      tell(std::move(*kept));
    });
  }
};

}  // namespace roost::pool
