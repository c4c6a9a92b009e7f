#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/fixture.h"

namespace roost::test {

inline Value shown(const ModelStatus& model) {
  Value value;
  value["id"] = model.id;
  value["source"] = model.source;
  value["options"] = model.options.to_value();
  value["state"] = to_string(model.state);
  value["files"] = static_cast<int>(model.files);
  value["draining"] = model.draining;
  value["queued"] = model.queued;
  value["device"] = model.device;
  value["footprint"] = to_string(model.footprint);
  value["leases"] = model.leases;
  value["waiters"] = model.waiters;
  value["health"] = to_string(model.health);
  value["failures"] = model.failures_in_a_row;
  value["uses"] = model.uses;
  value["calls"] = model.latency.calls;
  return value;
}

// All that the engine shows of itself, but for what other processes and the time change.
inline std::string shown(const Engine& engine) {
  Value all;
  for (const ModelStatus& model : engine.models()) {
    Value& one = all[model.id];
    one = shown(model);
    const UsageReport usage = engine.usage(model.id);
    one["successes"] = usage.successes;
    one["failed_calls"] = usage.failures;
    one["transitions"] = engine.history(model.id).size();
  }
  const EngineStatus status = engine.status();
  all["counts"] = Value::Array{
      status.models,    status.loaded,         status.loading,           status.unloading,
      status.failed,    status.active_fetches, status.waiting,           status.loads,
      status.evictions, engine.jobs().size(),  engine.evictions().size()};
  for (const MemoryLine& line : status.memory.memories) {
    all["memory " + line.device] = Value::Array{line.budget, line.reserved, line.lost};
  }
  const CacheReport cache = engine.cache_report();
  all["cache"] = Value::Array{cache.bytes, cache.hits, cache.misses, cache.evictions};
  for (const CacheEntry& entry : cache.entries) {
    all["cached " + entry.model] = Value::Array{entry.bytes, entry.held, entry.kept};
  }
  all["swift"] = engine.resolve("swift");
  all["events"] = engine.events(std::nullopt, 100'000).next.sequence;
  return all.to_json(true);
}

// An engine with something to spoil: "a" leased and used, "b" known, "remote" not yet fetched,
// "image" cached, and the alias "swift" for "a".
class BadInputTest : public EngineTest {
 protected:
  BadInputTest() {
    options.host_budget_bytes = 64 * kMiB;
    add("a", kMiB);
    add("b", kMiB);
    add("image", fake_with_image(kMiB));
    add_remote("remote", kMiB);
    engine().set_alias("swift", "a");
    engine().cache("image");
    lease = engine().model("a");
    Embedder(engine().model("a")).embed("used");
  }

  void expect_refused(const std::function<void(Engine&)>& call, ErrorCode code,
                      std::string_view words) {
    const std::string before = shown(engine());
    EXPECT_EQ(to_string(code_of([&] { call(engine()); })), to_string(code)) << last_message();
    EXPECT_THAT(last_message(), testing::HasSubstr(std::string(words)));
    EXPECT_EQ(shown(engine()), before);
  }

  ModelHandle lease;
};

// One bad call, what it has to throw, and the words that name what was wrong.
struct BadCall {
  const char* name;
  std::function<void(Engine&)> call;
  ErrorCode code;
  const char* words;
};
inline void PrintTo(const BadCall& bad, std::ostream* out) {
  *out << bad.name;
}

}  // namespace roost::test
