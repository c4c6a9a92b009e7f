#include <cmath>
#include <numeric>
#include <random>

#include "parts.h"
#include "pool/core/core.h"

namespace roost::bench {
namespace {

using namespace roost::pool;

constexpr int kModels = 1'000;
constexpr int kRequests = 100'000;
constexpr std::uint64_t kSeed = 20'240'613;
constexpr double kReadBytesPerSecond = 1e9;
constexpr Duration kBetweenRequests = std::chrono::milliseconds(200);

struct Trace {
  std::vector<std::uint64_t> bytes;  // per model
  std::vector<int> requests;
};

// Log-normal sizes (sigma 1), popularity Zipf 1.0. With a shift, ranks are drawn anew half-way.
Trace make_trace(bool shift) {
  std::mt19937_64 random(kSeed);
  std::lognormal_distribution<double> size(std::log(256e6), 1.0);
  Trace trace;
  for (int i = 0; i < kModels; ++i) trace.bytes.push_back(static_cast<std::uint64_t>(size(random)));
  std::vector<double> weights;
  for (int rank = 1; rank <= kModels; ++rank) weights.push_back(1.0 / rank);
  std::discrete_distribution<int> zipf(weights.begin(), weights.end());
  std::vector<int> model_of_rank(kModels);
  std::iota(model_of_rank.begin(), model_of_rank.end(), 0);
  std::shuffle(model_of_rank.begin(), model_of_rank.end(), random);
  for (int i = 0; i < kRequests; ++i) {
    if (shift && i == kRequests / 2) std::shuffle(model_of_rank.begin(), model_of_rank.end(), random);
    trace.requests.push_back(model_of_rank[static_cast<std::size_t>(zipf(random))]);
  }
  return trace;
}

struct Replayed {
  double bytes_loaded = 0;
  double hit_rate = 0;
};

// Drives the real core through a trace: virtual time, loads and unloads that end at once.
class Replay {
 public:
  Replay(const Trace& trace, EvictionPolicy policy) : trace_(trace) {
    CoreOptions options;
    const std::uint64_t all = std::accumulate(trace.bytes.begin(), trace.bytes.end(), std::uint64_t{0});
    options.budget = MemoryVector::host(all / 10);
    options.policy = policy;
    core_ = std::make_unique<Core>(options);
    gates_.resize(trace.bytes.size());
    for (std::size_t i = 0; i < trace.bytes.size(); ++i) {
      SlotSpec spec;
      spec.key = spec.model = "model-" + std::to_string(i);
      spec.estimate = MemoryVector::host(trace.bytes[i]);
      spec.load_seconds = static_cast<double>(trace.bytes[i]) / kReadBytesPerSecond;
      slots_.push_back(core_->add(std::move(spec)));
    }
  }

  Replayed run() {
    double hits = 0;
    for (const int model : trace_.requests) {
      now_ += kBetweenRequests;
      Actions actions;
      core_->tick(now_, actions);
      carry_out(actions);
      const double before = bytes_loaded_;
      granted_ = false;
      core_->request(WaiterId{++waiter_}, slots_[static_cast<std::size_t>(model)], {}, now_, actions);
      carry_out(actions);
      while (!granted_) {  // a fresh resident may have to become old enough to go
        now_ = std::max(now_, core_->next_timer());
        core_->tick(now_, actions);
        carry_out(actions);
      }
      hits += bytes_loaded_ == before ? 1 : 0;
      LeaseGate& gate = *gates_[static_cast<std::size_t>(model)];
      gate.touch(now_);
      if (gate.end_lease().watched) {
        core_->lease_returned(slots_[static_cast<std::size_t>(model)], now_, actions);
        carry_out(actions);
      }
    }
    return {bytes_loaded_, hits / static_cast<double>(trace_.requests.size())};
  }

 private:
  void carry_out(Actions& actions) {
    while (!actions.empty()) {
      Actions now;
      now.swap(actions);
      for (const Action& action : now) {
        if (const auto* load = std::get_if<StartLoad>(&action)) {
          const auto index = static_cast<std::size_t>(load->slot) - static_cast<std::size_t>(slots_[0]);
          gates_[index] = std::make_unique<LeaseGate>();
          LoadSuccess success;
          success.footprint = load->reserved;
          success.seconds = static_cast<double>(trace_.bytes[index]) / kReadBytesPerSecond;
          success.gate = gates_[index].get();
          bytes_loaded_ += static_cast<double>(trace_.bytes[index]);
          core_->load_finished(load->slot, load->attempt, success, now_, actions);
        } else if (const auto* unload = std::get_if<StartUnload>(&action)) {
          UnloadResult result;
          result.freed = core_->view(unload->slot).reserved;
          core_->unload_finished(unload->slot, result, now_, actions);
        } else if (std::holds_alternative<Granted>(action)) {
          granted_ = true;
        } else if (const auto* refused = std::get_if<Refused>(&action)) {
          std::fprintf(stderr, "refused: %s\n", refused->why.message.c_str());
          std::abort();
        }
      }
    }
  }

  const Trace& trace_;
  std::unique_ptr<Core> core_;
  std::vector<SlotId> slots_;
  std::vector<std::unique_ptr<LeaseGate>> gates_;
  Instant now_{std::chrono::hours(1)};
  std::uint64_t waiter_ = 0;
  double bytes_loaded_ = 0;
  bool granted_ = false;
};

}  // namespace

std::vector<Row> trace_rows() {
  std::vector<Row> rows;
  for (const bool shift : {false, true}) {
    const Trace trace = make_trace(shift);
    const Replayed ours = Replay(trace, EvictionPolicy::CostAware).run();
    const Replayed lru = Replay(trace, EvictionPolicy::Lru).run();
    const std::string suffix = shift ? "_shift" : "";
    rows.push_back(at_most("reload_bytes_vs_lru" + suffix, ours.bytes_loaded / lru.bytes_loaded,
                           shift ? 1.0 : 0.8, "x"));
    rows.push_back(figure("hit_rate" + suffix, ours.hit_rate));
    rows.push_back(figure("hit_rate_lru" + suffix, lru.hit_rate));
    rows.push_back({"hit_rate_gain" + suffix, ours.hit_rate - lru.hit_rate, "",
                    shift ? "" : "at least 0", shift || ours.hit_rate >= lru.hit_rate});
  }
  return rows;
}

}  // namespace roost::bench
