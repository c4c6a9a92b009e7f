#include "parts.h"
#include "pool/core/core.h"
#include "pool/core/plan.h"

namespace roost::bench {
namespace {

using namespace roost::pool;

constexpr int kResidents = 10'000;
constexpr std::uint64_t kEach = 1 << 20;

// A core with many loaded models that fill the budget, used at different times.
struct Filled {
  CoreOptions options;
  std::vector<std::unique_ptr<LeaseGate>> gates;
  std::unique_ptr<Core> core;
  Instant now{std::chrono::hours(1)};

  Filled() {
    options.budget = MemoryVector::host(kEach * kResidents);
    options.min_residency = Duration::zero();
    core = std::make_unique<Core>(options);
    for (int i = 0; i < kResidents; ++i) load("model-" + std::to_string(i));
  }

  SlotId add(const std::string& key, std::uint64_t bytes) {
    SlotSpec spec;
    spec.key = key;
    spec.model = key;
    spec.estimate = MemoryVector::host(bytes);
    return core->add(std::move(spec));
  }

  void load(const std::string& key) {
    const SlotId slot = add(key, kEach);
    now += std::chrono::milliseconds(7);
    Actions actions;
    RequestSpec request;
    request.lease = false;
    core->request(WaiterId{static_cast<std::uint64_t>(slot)}, slot, request, now, actions);
    for (std::size_t i = 0; i < actions.size(); ++i) {
      const auto* start = std::get_if<StartLoad>(&actions[i]);
      if (start == nullptr) continue;
      gates.push_back(std::make_unique<LeaseGate>());
      gates.back()->touch(now);
      LoadSuccess success;
      success.footprint = start->reserved;
      success.seconds = 0.1;
      success.gate = gates.back().get();
      Actions more;
      core->load_finished(start->slot, start->attempt, success, now, more);
      actions.insert(actions.end(), more.begin(), more.end());
    }
  }
};

}  // namespace

std::vector<Row> planning_rows() {
  Filled filled;
  const SlotId newcomer = filled.add("newcomer", kEach * 100);  // a hundred must go
  std::vector<double> whole, held;
  std::size_t victims = 0;
  for (int i = 0; i < 101; ++i) {
    const auto begin = WallClock::now();
    Snapshot snapshot = filled.core->snapshot(newcomer, {}, filled.now);
    held.push_back(seconds_since(begin) * 1e6);
    const Decision decision = decide(snapshot);
    const auto again = WallClock::now();
    const PlanReport report = filled.core->report(newcomer, snapshot, decision);
    filled.core->recycle(std::move(snapshot));
    held.back() += seconds_since(again) * 1e6;
    whole.push_back(seconds_since(begin) * 1e6);
    victims = report.victims.size();
  }
  return {at_most("plan_us_10k", median(whole), 1'000, "us"),
          at_most("plan_mutex_us_10k", median(held), 200, "us"),
          figure("plan_victims", static_cast<double>(victims))};
}

}  // namespace roost::bench
