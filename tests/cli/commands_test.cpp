// Each command as a person and as a program sees it. JSON keys are a promise: these tests are its
// list.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "cli/program.h"

namespace roost::cli::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

const Value& at(const Value& object, const char* key) {
  const Value* found = object.find(key);
  if (found == nullptr) throw std::runtime_error("no key " + std::string(key));
  return *found;
}

// --- demo

TEST(Demo, ShowsAWholeLife) {
  const Result demo = roost({"demo"});
  EXPECT_EQ(demo.exit_code, 0);
  EXPECT_EQ(demo.err, "");
  std::size_t from = 0;
  for (const char* step : {"registered from builtin:lexical", "IDLE -> LOADING", "LOADING -> LOADED",
                           "loaded in ", "lexical, not trained", "scores are (1 + cosine) / 2",
                           "Used: 4 sentences embedded and 4 documents ranked in 2 calls",
                           "LOADED -> UNLOADING", "UNLOADING -> IDLE", "unloaded", "Gave back host "}) {
    const std::size_t found = demo.out.find(step, from);
    ASSERT_NE(found, std::string::npos) << step << " in:\n" << demo.out;
    from = found;
  }
  EXPECT_THAT(demo.out, HasSubstr("measured; nothing still reserved."));
}

TEST(Demo, NumbersItsEventsWithoutAGapAndTellsTheFootprintOnce) {
  const std::string out = roost({"demo"}).out;
  const std::regex line("\n +([0-9]+) +[a-zA-Z]");
  int number = 0;
  for (auto it = std::sregex_iterator(out.begin(), out.end(), line); it != std::sregex_iterator();
       ++it) {
    EXPECT_EQ(std::stoi((*it)[1]), ++number);
  }
  EXPECT_GE(number, 20);
  EXPECT_EQ(out.find(" takes "), out.rfind(" takes "));
}

TEST(Demo, AsJson) {
  const Value demo = roost({"demo", "--json"}).json();
  EXPECT_THAT(keys(demo), ElementsAre("calls", "description", "events", "first_call_ms",
                                      "footprint", "freed", "load_ms", "question", "ranked",
                                      "sentences", "similarities"));
  EXPECT_THAT(keys(at(demo, "ranked").as_array().front()),
              ElementsAre("document", "index", "score"));
  EXPECT_EQ(at(demo, "freed"), at(demo, "footprint"));
  std::int64_t number = 0;
  for (const Value& event : at(demo, "events").as_array()) {
    EXPECT_THAT(keys(event), ElementsAre("at", "data", "id", "kind", "model"));
    EXPECT_THAT(at(event, "at").as_string(),
                MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"));
    const std::string& id = at(event, "id").as_string();
    EXPECT_EQ(id.substr(id.rfind('-')), "-" + std::to_string(++number));
  }
  EXPECT_GE(number, 20);
}

TEST(Demo, SaysTheNearPairsAreNear) {
  const Value demo = roost({"--json", "demo"}).json();
  const auto near = [&](std::size_t a, std::size_t b) {
    return at(demo, "similarities").as_array()[a].as_array()[b].as_double();
  };
  EXPECT_NEAR(near(0, 0), 1, 1e-6);
  EXPECT_GT(near(0, 1), near(0, 2));
  EXPECT_GT(near(2, 3), near(1, 3));
  EXPECT_THAT(at(at(demo, "ranked").as_array().front(), "document").as_string(),
              HasSubstr("gives its memory back"));
}

// --- devices

TEST(Devices, ListsTheHostFirst) {
  const Result devices = roost({"devices", "--provider", "cpu"});
  EXPECT_EQ(devices.exit_code, 0);
  EXPECT_THAT(devices.out, AllOf(HasSubstr("\nDEVICE  PROVIDER  TOTAL"), HasSubstr("\ncpu     cpu "),
                                 HasSubstr("\nhardware tier: "), HasSubstr("\nprovider: cpu\n"),
                                 Not(HasSubstr("passed over"))));
}

TEST(Devices, AsJson) {
  const Value devices = roost({"devices", "--json", "--budget", "1GiB"}).json();
  EXPECT_THAT(keys(devices), ElementsAre("devices", "fell_back", "notes", "processor", "provider",
                                         "recommended_provider", "tier"));
  const Value& host = at(devices, "devices").as_array().front();
  EXPECT_THAT(keys(host), ElementsAre("available_bytes", "budget_bytes", "driver", "id", "name",
                                      "provider", "total_bytes"));
  EXPECT_EQ(at(host, "id"), Value("cpu"));
  EXPECT_EQ(at(host, "budget_bytes"), Value(1 << 30));
  EXPECT_THAT(keys(at(devices, "processor")), ElementsAre("cores", "features", "name"));
}

TEST(Devices, AutoSaysWhatItPassedOverAndAnExplicitProviderThatIsMissingFails) {
  const Value devices = roost({"devices", "--json"}).json();
  const Result cuda = roost({"devices", "--provider", "cuda"});
  if (at(devices, "provider") == Value("cuda")) {
    EXPECT_EQ(cuda.exit_code, 0);
    return;
  }
  EXPECT_THAT(at(devices, "fell_back").as_string(), HasSubstr("cuda: "));
  EXPECT_THAT(roost({"devices"}).out, HasSubstr("\n  auto passed over cuda: "));
  EXPECT_EQ(cuda.exit_code, 9);
  EXPECT_EQ(cuda.out, "");
  EXPECT_THAT(cuda.err, AllOf(HasSubstr("provider 'cuda' is not available"), HasSubstr("'auto'")));
}

// --- plan

TEST(Plan, AdmitsWhatFits) {
  const Result plan = roost({"plan", "builtin:lexical", "--rows", "1024", "--budget", "8MiB"});
  EXPECT_EQ(plan.exit_code, 0);
  EXPECT_EQ(plan.out,
            "admit: 'builtin:lexical' needs host 1.0 MiB, which is free\n"
            "needs  host 1.0 MiB\n"
            "free   host 8.0 MiB\n");
}

TEST(Plan, ARefusalSaysByHowMuchAndFails) {
  const Result plan = roost({"plan", "builtin:lexical", "--budget", "1MiB"});
  EXPECT_EQ(plan.exit_code, 8);
  EXPECT_EQ(plan.out,
            "refuse: 'builtin:lexical' needs host 32.0 MiB, and the budget is host 1.0 MiB; raise "
            "the budget, or choose a smaller model or variant\n"
            "needs     host 32.0 MiB\n"
            "free      host 1.0 MiB\n"
            "short by  host 31.0 MiB\n");
}

TEST(Plan, WithoutABudgetSaysSo) {
  const Result plan = roost({"plan", "builtin:lexical", "--budget", "0"});
  EXPECT_EQ(plan.exit_code, 8);
  EXPECT_THAT(plan.out, HasSubstr("needs host 32.0 MiB, and there is no budget for host; give that "
                                  "memory one, or choose another device\n"));
}

TEST(Plan, AsJson) {
  const Result admitted = roost({"plan", "builtin:lexical", "--json"});
  EXPECT_EQ(admitted.exit_code, 0);
  EXPECT_THAT(keys(admitted.json()),
              ElementsAre("already_loaded", "explanation", "free", "model", "need", "short_by",
                          "verdict", "victims", "waits_for"));
  const Result refused = roost({"plan", "builtin:lexical", "--json", "--budget", "0"});
  EXPECT_EQ(refused.exit_code, 8);
  const Value plan = refused.json();
  EXPECT_THAT(keys(plan),
              ElementsAre("already_loaded", "error", "explanation", "free", "model", "need",
                          "short_by", "verdict", "victims", "waits_for"));
  EXPECT_EQ(at(plan, "verdict"), Value("refuse"));
  EXPECT_EQ(at(at(plan, "error"), "code"), Value("budget_exceeded"));
  EXPECT_EQ(at(plan, "short_by"), at(plan, "need"));
}

// --- info

TEST(Info, TellsWhatTheModelIs) {
  const Result info = roost({"info", "builtin:lexical", "--rows", "64", "--device", "cpu"});
  EXPECT_EQ(info.exit_code, 0);
  EXPECT_THAT(info.out, AllOf(HasSubstr("lexical, not trained"), HasSubstr("\nrows            64\n"),
                              HasSubstr("\ndevice          cpu\n"), HasSubstr("measured\n")));
}

TEST(Info, AsJson) {
  const Value info = roost({"info", "builtin:lexical", "--json", "--rows=64"}).json();
  EXPECT_THAT(keys(info),
              ElementsAre("active_providers", "backend", "description", "device", "dimensions",
                          "extra", "family", "footprint", "id", "is_gpu_active", "load_ms",
                          "max_tokens", "path", "tasks", "warm_up_ms"));
  EXPECT_EQ(at(at(info, "extra"), "trained"), Value(false));
  EXPECT_EQ(at(at(info, "footprint"), "host"), Value(64 * 256 * 4 + 4096));
}

}  // namespace
}  // namespace roost::cli::test
