#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "roost/error.h"
#include "roost/memory.h"

namespace roost {

// Where a model stands in memory. What is on disk is another machine, kept elsewhere.
//
//            LoadRequested            LoadCompleted
//     Idle ───────────────▶ Loading ───────────────▶ Loaded
//      ▲  ◀── LoadCancelled ──┘ │                     │  │
//      │                        │ LoadFailed          │  │ UnloadRequested
//      │ Reset                  ▼                     │  ▼
//      └──────────────────── Error ◀── BecameUnusable ┘ Unloading ── UnloadCompleted ──▶ Idle
//                              ▲                           │
//                              └────────── UnloadFailed ───┘
enum class ModelState : std::uint8_t { Idle, Loading, Loaded, Unloading, Error };

enum class Reason : std::uint8_t {
  LoadRequested,
  LoadCompleted,
  LoadFailed,
  LoadCancelled,
  UnloadRequested,
  UnloadCompleted,
  UnloadFailed,
  BecameUnusable,  // a child died, weights were poisoned
  Reset,
};

std::string_view to_string(ModelState state);  // "IDLE", "LOADING", ...
std::string_view to_string(Reason reason);     // snake_case

struct Transition {
  ModelState from;
  Reason why;
  ModelState to;
};

// The whole machine. A pair that is not listed is a bug in the caller.
inline constexpr std::array kTransitions = {
    Transition{ModelState::Idle, Reason::LoadRequested, ModelState::Loading},
    Transition{ModelState::Error, Reason::LoadRequested, ModelState::Loading},
    Transition{ModelState::Loading, Reason::LoadCompleted, ModelState::Loaded},
    Transition{ModelState::Loading, Reason::LoadFailed, ModelState::Error},
    Transition{ModelState::Loading, Reason::LoadCancelled, ModelState::Idle},
    Transition{ModelState::Loaded, Reason::UnloadRequested, ModelState::Unloading},
    Transition{ModelState::Loaded, Reason::BecameUnusable, ModelState::Error},
    Transition{ModelState::Unloading, Reason::UnloadCompleted, ModelState::Idle},
    Transition{ModelState::Unloading, Reason::UnloadFailed, ModelState::Error},
    Transition{ModelState::Error, Reason::Reset, ModelState::Idle},
};

constexpr std::optional<ModelState> next_state(ModelState from, Reason why) {
  for (const Transition& t : kTransitions) {
    if (t.from == from && t.why == why) return t.to;
  }
  return std::nullopt;
}
static_assert(!next_state(ModelState::Loaded, Reason::LoadRequested),
              "a loaded model is used, not loaded again");
static_assert(!next_state(ModelState::Unloading, Reason::LoadRequested),
              "an unload ends before the next load begins");

struct HistoryEntry {
  ModelState from;
  Reason why;
  ModelState to;
  std::chrono::steady_clock::time_point at;
};

// How warm a model is: nothing in memory, its weights in host memory, or ready on its device.
enum class Tier : std::uint8_t { None, Host, Device };
std::string_view to_string(Tier tier);

enum class LoadPriority : std::uint8_t { Low, Normal, High, Critical };
std::string_view to_string(LoadPriority priority);
std::optional<LoadPriority> parse_load_priority(std::string_view name);

enum class EvictionPolicy : std::uint8_t { CostAware, Lru };
std::string_view to_string(EvictionPolicy policy);

enum class Verdict : std::uint8_t { Admit, Wait, Refuse };
std::string_view to_string(Verdict verdict);

// One resident that a plan would give up, and what that frees.
struct PlanVictim {
  std::string model;
  bool demote = false;  // its weights stay in host memory
  MemoryVector frees;
  std::string why;  // "idle 12 s, 200 ms to reload, 32.0 MiB"
};

// What would happen if a model were asked for now. Nothing was changed to find out.
struct PlanReport {
  std::string model;
  Verdict verdict = Verdict::Admit;
  bool already_loaded = false;
  MemoryVector need;      // what the load still has to reserve
  MemoryVector free;      // what can be reserved without evicting anyone
  MemoryVector short_by;  // what is missing after all that may be evicted is; empty on Admit
  std::vector<PlanVictim> victims;
  std::string waits_for;    // on Wait
  std::optional<ErrorCode> refused_as;  // on Refuse: what the request would throw
  std::string explanation;  // one sentence a person can act on
};

}  // namespace roost
