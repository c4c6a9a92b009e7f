#include "catalog/record.h"

#include <gtest/gtest.h>

#include "roost/error.h"

namespace roost::catalog {
namespace {

ModelRecord sample() {
  return {.id = "Acme/Tiny-1",
          .source = "file:/models/tiny",
          .type = "embedding_model",
          .repo_id = "acme/tiny",
          .description = "Small and Swift",
          .tags = {"english", "Fast"},
          .total_size_estimate = 100};
}

struct BadCase {
  const char* name;
  std::function<void(ModelRecord&)> spoil;
  ErrorCode code;
  std::string says;
};

class BadRecordTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadRecordTest, IsRefusedNamingTheField) {
  ModelRecord record = sample();
  EXPECT_NO_THROW(validate(record));
  GetParam().spoil(record);
  try {
    validate(record);
    FAIL() << "taken";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), GetParam().code);
    EXPECT_NE(std::string(error.what()).find(GetParam().says), std::string::npos) << error.what();
  }
}

using C = ErrorCode;
INSTANTIATE_TEST_SUITE_P(
    Records, BadRecordTest,
    testing::Values(
        BadCase{"EmptyId", [](ModelRecord& r) { r.id = ""; }, C::InvalidModelId, "empty"},
        BadCase{"Dots", [](ModelRecord& r) { r.id = "../x"; }, C::InvalidModelId, ".."},
        BadCase{"Reserved", [](ModelRecord& r) { r.id = "Auto"; }, C::InvalidModelId, "auto"},
        BadCase{"NoSource", [](ModelRecord& r) { r.source = ""; }, C::InvalidArgument, "source"},
        BadCase{"RelativePath", [](ModelRecord& r) { r.source = "file:x"; }, C::InvalidArgument,
                "absolute"},
        BadCase{"ControlInType", [](ModelRecord& r) { r.type = "a\n"; }, C::InvalidArgument,
                "type"},
        BadCase{"LongVersion", [](ModelRecord& r) { r.version = std::string(300, 'v'); },
                C::InvalidArgument, "version"},
        BadCase{"EmptyTag",
                [](ModelRecord& r) {
                  r.tags = {"a", ""};
                },
                C::InvalidArgument, "tag"},
        BadCase{"ManyTags", [](ModelRecord& r) { r.tags.assign(257, "t"); }, C::InvalidArgument,
                "257 tags"},
        BadCase{"LongDescription", [](ModelRecord& r) { r.description = std::string(70'000, 'd'); },
                C::InvalidArgument, "description"},
        BadCase{"OptionsNoObject", [](ModelRecord& r) { r.options = 7; }, C::InvalidArgument,
                "options must be an object, not a number"},
        BadCase{"MetadataNull", [](ModelRecord& r) { r.metadata = nullptr; }, C::InvalidArgument,
                "metadata"},
        BadCase{"ConfigArray", [](ModelRecord& r) { r.config = Value::Array{}; },
                C::InvalidArgument, "config"}),
    [](const auto& test) { return test.param.name; });

TEST(RecordPatching, MergesObjectsAndLeavesTheRest) {
  ModelRecord record = sample();
  record.options["pin"] = true;
  record.options["ttl_ms"] = 5;
  RecordPatch patch;
  patch.options["ttl_ms"] = nullptr;
  patch.options["group"] = "g";
  patch.version = "2";
  const ModelRecord after = patched(record, patch);
  EXPECT_EQ(after.options.to_json(), R"({"group":"g","pin":true})");
  EXPECT_EQ(after.version, "2");
  EXPECT_EQ(after.description, record.description);
  EXPECT_EQ(after.tags, record.tags);

  patch.config = 7;
  EXPECT_THROW(patched(record, patch), RoostError);
  EXPECT_THROW(patched(record, {.tags = std::vector<std::string>{"\x01"}}), RoostError);
}

struct QueryCase {
  const char* name;
  ModelQuery query;
  bool matches;
};

class QueryTest : public testing::TestWithParam<QueryCase> {};

TEST_P(QueryTest, Matches) {
  EXPECT_EQ(matches(sample(), GetParam().query), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    Queries, QueryTest,
    testing::Values(
        QueryCase{"Everything", {}, true}, QueryCase{"Blank", {.text = "  "}, true},
        QueryCase{"InId", {.text = "TINY-1"}, true},
        QueryCase{"InDescription", {.text = "swift"}, true},
        QueryCase{"InRepo", {.text = "acme/tiny"}, true},
        QueryCase{"InTag", {.text = "engl"}, true},
        QueryCase{"AllWords", {.text = "swift english"}, true},
        QueryCase{"OneWordMissing", {.text = "swift german"}, false},
        QueryCase{"NotInSource", {.text = "models"}, false},
        QueryCase{"Type", {.type = "Embedding_Model"}, true},
        QueryCase{"OtherType", {.type = "reranker"}, false},
        QueryCase{"Tag", {.tag = "fast"}, true}, QueryCase{"PartOfTag", {.tag = "fas"}, false},
        QueryCase{"SizeInside", {.min_bytes = 100, .max_bytes = 100}, true},
        QueryCase{"TooSmall", {.min_bytes = 101}, false},
        QueryCase{"TooLarge", {.max_bytes = 99}, false},
        QueryCase{"AllHold", {.text = "tiny", .type = "embedding_model", .tag = "fast"}, true},
        QueryCase{"OneFails", {.text = "tiny", .type = "embedding_model", .tag = "slow"}, false}),
    [](const auto& test) { return test.param.name; });

TEST(Usage, AddsUpAndKeepsTheLatestUse) {
  using namespace std::chrono_literals;
  ModelUsage sum{.requests = 1, .successes = 1, .processing = 5ms, .last_used = WallTime(9s)};
  sum += {.requests = 2, .failures = 2, .processing = 1ms, .last_used = WallTime(7s)};
  sum += {};
  EXPECT_EQ(sum, (ModelUsage{.requests = 3,
                             .successes = 1,
                             .failures = 2,
                             .processing = 6ms,
                             .last_used = WallTime(9s)}));
}

TEST(LearntLoad, AdmitsTheLargerOfTheLastTwoOnEachMemory) {
  const MemoryVector host = MemoryVector::host(10) + MemoryVector::on(device_memory(0), 1);
  const MemoryVector gpu = MemoryVector::host(3) + MemoryVector::on(device_memory(0), 8);
  LearntLoad learnt{.newest = {.footprint = host}};
  EXPECT_EQ(learnt.admission(), host);
  learnt.previous = LoadMeasure{.footprint = gpu};
  EXPECT_EQ(learnt.admission(), MemoryVector::host(10) + MemoryVector::on(device_memory(0), 8));
}

}  // namespace
}  // namespace roost::catalog
