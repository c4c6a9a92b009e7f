#include "catalog/memory_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "roost/error.h"

namespace roost::catalog {
namespace {

using namespace std::chrono_literals;

ModelRecord record(const std::string& id, const std::string& description = {}) {
  return {.id = id, .source = "file:/models/" + id, .description = description};
}

std::vector<std::string> ids_of(const std::vector<ModelRecord>& records) {
  std::vector<std::string> ids;
  for (const ModelRecord& each : records) ids.push_back(each.id);
  return ids;
}

template <class Call>
ErrorCode code_of(Call call) {
  try {
    call();
  } catch (const RoostError& error) {
    return error.code();
  }
  ADD_FAILURE() << "did not throw";
  return ErrorCode::Internal;
}

TEST(MemoryCatalog, PutTellsInsertFromReplaceAndKeepsEverything) {
  MemoryCatalog catalog;
  ModelRecord full{.id = "a",
                   .source = "hf:org/a@v1",
                   .type = "embedding_model",
                   .repo_id = "org/a",
                   .description = "An a",
                   .version = "1",
                   .tags = {"x", "y"},
                   .total_size_estimate = 7,
                   .file_count_estimate = 2,
                   .registered_at = WallTime(5s)};
  full.metadata["unknown_field"] = "kept";
  full.options["pin"] = true;
  full.config["threshold"] = 0.5;
  EXPECT_EQ(catalog.put(full), PutOutcome::Inserted);
  EXPECT_EQ(catalog.get("a"), full);
  full.version = "2";
  EXPECT_EQ(catalog.put(full), PutOutcome::Replaced);
  EXPECT_EQ(catalog.get("a")->version, "2");
  EXPECT_EQ(catalog.size(), 1u);
}

TEST(MemoryCatalog, GivesCopies) {
  MemoryCatalog catalog;
  catalog.put(record("a"));
  ModelRecord copy = *catalog.get("a");
  copy.options["pin"] = true;
  EXPECT_FALSE(catalog.get("a")->options.find("pin"));
}

TEST(MemoryCatalog, IdsAreUniqueWhateverTheirCase) {
  MemoryCatalog catalog;
  catalog.put(record("Model"));
  EXPECT_EQ(catalog.get("mODEL")->id, "Model");
  EXPECT_EQ(code_of([&] { catalog.put(record("model")); }), ErrorCode::ModelExists);
  EXPECT_TRUE(catalog.remove("MODEL"));
  EXPECT_FALSE(catalog.remove("Model"));
  EXPECT_EQ(catalog.get("Model"), std::nullopt);
}

TEST(MemoryCatalog, ABadRecordChangesNothing) {
  MemoryCatalog catalog;
  catalog.put(record("a", "before"));
  ModelRecord bad = record("a", "after");
  bad.source.clear();
  EXPECT_EQ(code_of([&] { catalog.put(bad); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { catalog.put(record("../x")); }), ErrorCode::InvalidModelId);
  RecordPatch patch;
  patch.options = 7;
  EXPECT_EQ(code_of([&] { catalog.patch("a", patch); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(catalog.list(), std::vector<ModelRecord>{record("a", "before")});
}

TEST(MemoryCatalog, PatchMergesAndReturnsTheResult) {
  MemoryCatalog catalog;
  catalog.put(record("a"));
  RecordPatch patch;
  patch.config["batchSize"] = 8;
  EXPECT_EQ(catalog.patch("A", patch)->config.to_json(), R"({"batchSize":8})");
  EXPECT_EQ(catalog.get("a")->config.to_json(), R"({"batchSize":8})");
  EXPECT_EQ(catalog.patch("b", patch), std::nullopt);
}

TEST(MemoryCatalog, FindsOrderedById) {
  MemoryCatalog catalog;
  for (const char* id : {"c", "a", "b"}) catalog.put(record(id, id[0] == 'b' ? "" : "wanted"));
  EXPECT_THAT(ids_of(catalog.list()), testing::ElementsAre("a", "b", "c"));
  EXPECT_THAT(ids_of(catalog.find({.text = "wanted"})), testing::ElementsAre("a", "c"));
  EXPECT_TRUE(catalog.find({.tag = "none"}).empty());
}

TEST(MemoryCatalog, KeepsAliasesPerDomain) {
  MemoryCatalog catalog;
  catalog.put(record("m"));
  const Alias any{Domain::Any, "Mine", "m"};
  const Alias reranker{Domain::Reranker, "mine", "org/name"};
  catalog.set_alias(reranker, false);
  catalog.set_alias(any, false);
  catalog.set_alias(any, false);
  EXPECT_THAT(catalog.aliases(), testing::ElementsAre(any, reranker));
  EXPECT_EQ(catalog.alias_target(Domain::Any, "MINE"), "m");
  EXPECT_EQ(catalog.alias_target(Domain::Embedder, "mine"), std::nullopt);
  EXPECT_EQ(code_of([&] {
              catalog.set_alias({Domain::Any, "mine", "x/y"}, false);
            }),
            ErrorCode::AliasConflict);
  catalog.set_alias({Domain::Any, "mine", "x/y"}, true);
  EXPECT_EQ(catalog.alias_target(Domain::Any, "mine"), "x/y");
  EXPECT_TRUE(catalog.remove_alias(Domain::Any, "MINE"));
  EXPECT_FALSE(catalog.remove_alias(Domain::Any, "mine"));
  EXPECT_EQ(catalog.aliases().size(), 1u);
}

TEST(MemoryCatalog, AnIdNeverHidesBehindAnAlias) {
  MemoryCatalog catalog;
  catalog.put(record("m"));
  catalog.set_alias({Domain::Reranker, "mine", "m"}, false);
  EXPECT_EQ(code_of([&] { catalog.put(record("Mine")); }), ErrorCode::AliasConflict);
  EXPECT_EQ(code_of([&] {
              catalog.set_alias({Domain::Any, "M", "x/y"}, true);
            }),
            ErrorCode::AliasConflict);
  EXPECT_EQ(catalog.size(), 1u);
}

TEST(MemoryCatalog, KnowsTheNamesOfADomain) {
  MemoryCatalog catalog;
  catalog.put(record("m"));
  catalog.set_alias({Domain::Any, "everyones", "m"}, false);
  catalog.set_alias({Domain::Reranker, "rerankers", "m"}, false);
  using testing::UnorderedElementsAre;
  EXPECT_THAT(catalog.known_names(Domain::Embedder), UnorderedElementsAre("m", "everyones"));
  EXPECT_THAT(catalog.known_names(Domain::Any),
              UnorderedElementsAre("m", "everyones", "rerankers"));
}

TEST(MemoryCatalog, CountsUsageUntilTheModelIsRemoved) {
  MemoryCatalog catalog;
  EXPECT_FALSE(catalog.add_usage("a", {.requests = 1}));
  EXPECT_EQ(catalog.usage("a"), std::nullopt);
  catalog.put(record("a"));
  EXPECT_EQ(catalog.usage("a"), ModelUsage{});
  EXPECT_TRUE(catalog.add_usage("A", {.requests = 2, .successes = 1, .failures = 1}));
  catalog.put(record("a", "replaced"));
  EXPECT_EQ(catalog.usage("a")->requests, 2u);
  catalog.remove("a");
  catalog.put(record("a"));
  EXPECT_EQ(catalog.usage("a"), ModelUsage{});
}

TEST(MemoryCatalog, RemembersTheLastTwoMeasuresOfASlotKey) {
  MemoryCatalog catalog;
  EXPECT_EQ(catalog.learnt("k"), std::nullopt);
  const auto measure = [](std::uint64_t bytes) {
    return LoadMeasure{MemoryVector::host(bytes), 0.5s, WallTime(1s)};
  };
  catalog.learn("k", measure(30));
  EXPECT_EQ(catalog.learnt("k")->admission(), MemoryVector::host(30));
  catalog.learn("k", measure(10));
  EXPECT_EQ(catalog.learnt("k")->newest, measure(10));
  EXPECT_EQ(catalog.learnt("k")->admission(), MemoryVector::host(30));
  catalog.learn("k", measure(20));
  EXPECT_EQ(catalog.learnt("k")->admission(), MemoryVector::host(20));
}

TEST(MemoryCatalog, ForgetsTheFirstLearntWhenThereAreTooMany) {
  MemoryCatalog catalog;
  for (std::size_t i = 0; i <= kMaxLearntKeys; ++i) catalog.learn("k" + std::to_string(i), {});
  EXPECT_FALSE(catalog.learnt("k0"));
  EXPECT_TRUE(catalog.learnt("k1"));
  EXPECT_TRUE(catalog.learnt("k" + std::to_string(kMaxLearntKeys)));
}

// Writers, readers, patchers and resolvers at once; counts add up afterwards.
TEST(MemoryCatalog, ManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 200;
  MemoryCatalog catalog;
  catalog.put(record("shared"));
  std::atomic<int> inserted = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kRounds; ++i) {
          const std::string id = "m" + std::to_string(i % 10);
          if (catalog.put(record(id)) == PutOutcome::Inserted) ++inserted;
          RecordPatch patch;
          patch.config["t" + std::to_string(t)] = i;
          EXPECT_TRUE(catalog.patch("shared", patch));
          EXPECT_TRUE(catalog.add_usage("shared", {.requests = 1, .successes = 1}));
          catalog.set_alias({Domain::Any, "alias" + std::to_string(t), id}, true);
          catalog.learn(id, {});
          EXPECT_EQ(catalog.get("shared")->id, "shared");
          EXPECT_GE(catalog.find({.text = "shared"}).size(), 1u);
          EXPECT_TRUE(catalog.registered(id));
          EXPECT_FALSE(catalog.known_names(Domain::Any).empty());
        }
      });
    }
  }
  EXPECT_EQ(inserted, 10);
  EXPECT_EQ(catalog.usage("shared")->requests, static_cast<std::uint64_t>(kThreads * kRounds));
  const Value config = catalog.get("shared")->config;
  for (int t = 0; t < kThreads; ++t) {
    EXPECT_EQ(*config.find("t" + std::to_string(t)), Value(kRounds - 1));
  }
}

}  // namespace
}  // namespace roost::catalog
