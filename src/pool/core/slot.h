#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "pool/core/core.h"
#include "pool/core/failure_memory.h"
#include "pool/core/history.h"
#include "pool/core/image_cache.h"
#include "pool/core/request_queue.h"
#include "pool/core/residents.h"

namespace roost::pool {

// Someone who has no answer yet.
struct CoreWaiter {
  SlotId slot;
  bool unload = false;
  bool lease = false, fail_fast = false, retry_now = false;
  Turn turn;
  Instant asked{}, deadline = Instant::max();
};

enum class LoadPhase : std::uint8_t {
  None,
  MakingRoom,  // admitted; its claim waits for bytes to come back. Not Loading yet
  Staging,     // a model's images are being loaded
  Running,     // StartLoad is out
  Stopping,    // StopLoad too
  Saving,      // an image that a demotion fills
};

// A slot on its way down. Exists from the wish until the answer to those who wait for it.
struct UnloadJob {
  enum class Phase : std::uint8_t {
    Waiting,   // for a load to stop
    Draining,  // a model: for leases and calls; an image: for the models that go with it
    Running,   // StartUnload is out
    Images,    // the model is down, its images are not yet
  } phase = Phase::Waiting;
  bool revoked = false;     // force: calls are waited for, leases are not
  bool evicted = false;     // not asked for by name
  bool save = false;        // copy the images back first
  Tier keep = Tier::Host;   // None as soon as one of those who ask says so
  std::vector<WaiterId> waiters;
  std::vector<SlotId> images;  // whose release it still waits for
  MemoryVector freed, lost;
  std::string failure;
};

struct CoreSlot {
  SlotId id{};
  SlotSpec spec;
  History history;
  FailureMemory failures;
  UseRate rate;             // while it is not resident; then the row has it
  std::uint64_t uses = 0;   // of earlier copies
  std::unique_ptr<MemoryVector> last_footprint;
  Instant loaded_at{}, last_used{};
  Instant idle_timer = Instant::max();

  // Asking: in order of arrival. The slot is in the queue while they wait and no load runs.
  std::vector<WaiterId> waiters;
  std::optional<RequestQueue::Entry> queued;
  std::uint64_t considered = 0;   // the version of the world in which it had to wait
  MemoryMask waits_for = 0;
  Instant retry_at = Instant::max();

  LoadPhase load = LoadPhase::None;
  std::uint64_t attempt = 0;
  std::vector<SlotId> staged;     // images that this load began to load

  std::unique_ptr<UnloadJob> down;

  LeaseGate* gate = nullptr;      // of the copy that is there
  std::uint32_t row = Residents::kNone;

  // An image's.
  std::vector<SlotId> holders;    // models that load from it, or run from it
  std::vector<SlotId> users;      // models that name it
  std::optional<ImageCache::Entry> cached;
  SlotId saver{};                 // the model whose demotion fills it

  ModelState state() const { return history.state(); }
  bool is_image() const { return spec.kind == SlotKind::Image; }
  bool open() const { return state() == ModelState::Loaded && !down; }
  bool loading() const { return state() == ModelState::Loading; }
  // Nothing is there, and nothing under way.
  bool absent() const {
    return (state() == ModelState::Idle || state() == ModelState::Error) &&
           load == LoadPhase::None && !down;
  }
  // Will be there if all goes well.
  bool arriving() const { return loading() && load != LoadPhase::Stopping && !down; }
  bool wanted() const { return !waiters.empty() || !holders.empty(); }
};

}  // namespace roost::pool
