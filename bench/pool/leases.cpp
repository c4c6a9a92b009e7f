#include <sys/mman.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <future>
#include <random>
#include <thread>

#include "base/thread_pool.h"
#include "parts.h"
#include "roost/engine.h"

namespace roost::bench {
namespace {

void register_small(Engine& engine, const std::string& id) {
  ModelRegistration registration;
  registration.id = id;
  registration.source = "builtin:lexical";
  registration.options.backend["rows"] = 64;
  registration.options.backend["dimensions"] = 8;
  engine.register_model(registration);
}

EngineOptions quiet() {
  EngineOptions options;
  options.pressure_interval = std::chrono::milliseconds(0);
  return options;
}

// Lease pairs per second of one thread on one model, by its name.
double pairs_per_second(Engine& engine, const std::string& id, int pairs) {
  const auto begin = WallClock::now();
  for (int i = 0; i < pairs; ++i) {
    const ModelHandle handle = engine.model(id);
    if (!handle) std::abort();
  }
  return pairs / seconds_since(begin);
}

struct Rates {
  double one = 0, two = 0;
  double scaling() const { return two / one; }
};

// The best of five rounds of `rate(thread)`: by one thread, and by two at once, added.
template <class F>
Rates rates_of(F&& rate) {
  Rates best;
  for (int round = 0; round < 5; ++round) {
    best.one = std::max(best.one, rate(0));
    std::atomic<int> ready{0};
    const auto work = [&](int thread, double& result) {
      ++ready;
      while (ready < 2) std::this_thread::yield();
      result = rate(thread);
    };
    double mine = 0, other = 0;
    {
      std::jthread thread([&] { work(1, other); });
      work(0, mine);
    }
    best.two = std::max(best.two, mine + other);
  }
  return best;
}

Rates lease_rates(Engine& engine) {
  return rates_of([&](int thread) {
    return pairs_per_second(engine, thread == 0 ? "a" : "b", 2'000'000);
  });
}

// What two threads that share nothing reach here: as many atomic steps on a word of their own.
Rates rates_apart() {
  return rates_of([](int) {
    constexpr int kSteps = 20'000'000;
    alignas(128) std::atomic<std::uint64_t> word{0};
    const auto begin = WallClock::now();
    for (int i = 0; i < kSteps; ++i) word.fetch_add(1, std::memory_order_acq_rel);
    return kSteps / seconds_since(begin);
  });
}

double lookup_ns(Engine& engine) {
  constexpr int kModels = 100'000;
  constexpr int kUsed = 1'000;
  for (int i = 0; i < kModels; ++i) register_small(engine, "model-" + std::to_string(i));
  std::vector<std::string> used;
  for (int i = 0; i < kUsed; ++i) {
    used.push_back("model-" + std::to_string(i * (kModels / kUsed)));
    engine.ready(used.back());
    engine.model(used.back());
  }
  constexpr int kRounds = 200;
  const auto begin = WallClock::now();
  for (int round = 0; round < kRounds; ++round) {
    for (const std::string& id : used) {
      const ModelHandle handle = engine.model(id);
      if (!handle) std::abort();
    }
  }
  return seconds_since(begin) * 1e9 / (kRounds * kUsed);
}

double loads_for_a_thousand_waiters() {
  Engine engine(quiet());
  engine.register_model("absent", "builtin:lexical");
  std::vector<std::future<ModelHandle>> waiting;
  for (int i = 0; i < 1'000; ++i) waiting.push_back(engine.model_async("absent"));
  for (auto& one : waiting) one.get();
  std::uint64_t model_loads = 0;
  for (const HistoryEntry& entry : engine.history("absent")) {
    model_loads += entry.why == Reason::LoadRequested ? 1 : 0;
  }
  return static_cast<double>(model_loads);
}

const std::string& sample_text() {
  static const std::string kText = [] {
    std::string text;
    for (int i = 0; i < 40; ++i) text += "the quick brown fox number " + std::to_string(i) + " ";
    return text;
  }();
  return kText;
}

// Latencies of calls that begin at fixed times, however long the ones before them took.
std::vector<double> open_loop(const Embedder& embedder, double calls_per_second, double seconds) {
  std::vector<double> latencies;
  const auto begin = WallClock::now();
  const std::chrono::duration<double> gap(1.0 / calls_per_second);
  for (std::size_t i = 0; static_cast<double>(i) * gap.count() < seconds; ++i) {
    const auto due = begin + std::chrono::duration_cast<WallClock::duration>(gap * static_cast<double>(i));
    std::this_thread::sleep_until(due);
    embedder.embed(sample_text());
    latencies.push_back(std::chrono::duration<double, std::micro>(WallClock::now() - due).count());
  }
  return latencies;
}

// The least that a load of 32 MiB does to its neighbours: another thread at the lowest priority
// that fills as much memory and gives it back. What this costs a use is the machine's.
void fill_memory(const std::atomic<bool>& stop) {
  set_up_thread("filler", ThreadPriority::Background);
  constexpr std::size_t kBytes = std::size_t{32} << 20;
  while (!stop) {
    void* data = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) std::abort();
    std::memset(data, 1, kBytes);
    ::munmap(data, kBytes);
  }
}

struct UseDuringLoads {
  double alone_us = 0, filling_us = 0, loading_us = 0, loads = 0;
};

// Rounds alternate, so that a noisy stretch of the machine meets both sides.
UseDuringLoads use_during_loads() {
  constexpr int kRounds = 6;
  constexpr double kRoundSeconds = 1.5;
  Engine engine(quiet());
  engine.register_model("used", "builtin:lexical");
  const Embedder embedder = engine.embedder("used", {.warm_up = true});
  constexpr int kCapacityCalls = 2'000;
  const auto begin = WallClock::now();
  for (int i = 0; i < kCapacityCalls; ++i) embedder.embed(sample_text());
  const double rate = 0.4 * kCapacityCalls / seconds_since(begin);

  std::vector<double> alone, filling, loading;
  UseDuringLoads result;
  for (int round = 0; round < kRounds; ++round) {
    for (const double us : open_loop(embedder, rate, kRoundSeconds)) alone.push_back(us);
    std::atomic<bool> stop{false};
    std::jthread filler([&] { fill_memory(stop); });
    for (const double us : open_loop(embedder, rate, kRoundSeconds)) filling.push_back(us);
    stop = true;
    filler.join();
    stop = false;
    std::jthread loader([&] {
      for (int i = 0; !stop; ++i) {
        const std::string id = "other-" + std::to_string(round) + "-" + std::to_string(i);
        engine.register_model(id, "builtin:lexical");
        LoadOptions load;
        load.backend["seed"] = i + 1;
        engine.ready(id, load);
        engine.unload(id);
        engine.unregister_model(id);
        ++result.loads;
      }
    });
    for (const double us : open_loop(embedder, rate, kRoundSeconds)) loading.push_back(us);
    stop = true;
  }
  result.alone_us = percentile(alone, 0.99);
  result.filling_us = percentile(filling, 0.99);
  result.loading_us = percentile(loading, 0.99);
  return result;
}

}  // namespace

std::vector<Row> lease_rows() {
  std::vector<Row> rows;
  {
    Engine engine(quiet());
    for (const char* id : {"a", "b"}) {
      register_small(engine, id);
      engine.model(id);
    }
    const Rates rates = lease_rates(engine);
    rows.push_back(at_least("acquire_release_mops", rates.one / 1e6, 10, "M/s"));
    rows.push_back(figure("scaling_of_threads_apart", rates_apart().scaling(), "x"));
    rows.push_back(at_least("acquire_release_scaling", rates.scaling(), 1.7, "x"));
    rows.push_back(at_most("lookup_ns", lookup_ns(engine), 1'000, "ns"));
  }
  const double loads = loads_for_a_thousand_waiters();
  rows.push_back({"waiters_1_load", loads, "loads", "exactly 1", loads == 1});
  return rows;
}

std::vector<Row> use_rows() {
  std::vector<Row> rows;
  const UseDuringLoads use = use_during_loads();
  rows.push_back(figure("use_p99_alone_us", use.alone_us, "us"));
  rows.push_back(figure("use_p99_beside_memset_ratio", use.filling_us / use.alone_us, "x"));
  rows.push_back(figure("loads_meanwhile", use.loads));
  rows.push_back(at_most("use_p99_during_load_ratio", use.loading_us / use.alone_us, 1.5, "x"));
  return rows;
}

}  // namespace roost::bench
