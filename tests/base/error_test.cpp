#include "roost/error.h"

#include <gtest/gtest.h>

#include <set>

namespace roost {
namespace {

TEST(ErrorKinds, EveryCodeHasOneNameAndAStatusOfFailure) {
  std::set<std::string_view> names;
  for (const ErrorKind& kind : error_kinds()) {
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    EXPECT_GE(kind.http_status, 400) << kind.name;
    EXPECT_NE(kind.grpc_status, 0) << kind.name;
    EXPECT_NE(kind.exit_code, 0) << kind.name;
    EXPECT_EQ(&error_kind(kind.code), &kind);
  }
}

TEST(Errors, NotFoundNamesTheModelAndTheWayOn) {
  const ModelNotFoundException error("defualt", "no such model", {"default"});
  EXPECT_EQ(error.model_id(), "defualt");
  EXPECT_STREQ(error.what(),
               "model 'defualt' was not found: no such model; did you mean 'default'?");
  EXPECT_EQ(error.code(), ErrorCode::ModelNotFound);
}

TEST(Errors, BudgetSaysNeedFreeAndShort) {
  const BudgetExceededException error("m", MemoryVector::host(3072), MemoryVector::host(1024),
                                      MemoryVector::host(2048), "does not fit");
  EXPECT_STREQ(error.what(),
               "loading 'm': does not fit (needs host 3.0 KiB; free host 1.0 KiB; short by host "
               "2.0 KiB)");
  EXPECT_EQ(error.short_by(), MemoryVector::host(2048));
}

TEST(Errors, BudgetSaysNoFigureTwice) {
  const auto text_of = [](const std::string& why) {
    return std::string(BudgetExceededException("m", MemoryVector::host(3072),
                                               MemoryVector::host(1024), MemoryVector::host(2048),
                                               why)
                           .what());
  };
  EXPECT_EQ(text_of("'m' needs host 3.0 KiB; raise the budget"),
            "'m' needs host 3.0 KiB; raise the budget (free host 1.0 KiB; short by host 2.0 KiB)");
  EXPECT_EQ(text_of("'m' has to wait: host 2.0 KiB short"),
            "'m' has to wait: host 2.0 KiB short (needs host 3.0 KiB; free host 1.0 KiB)");
}

TEST(Errors, ALoadFailureNamesItsModelOnce) {
  EXPECT_STREQ(ModelLoadException("m", "no file").what(), "loading 'm': no file");
  EXPECT_STREQ(ModelLoadException("m", "'m' needs 1 B").what(), "'m' needs 1 B");
}

TEST(Errors, HostileNamesArePrintedEscaped) {
  const ModelNotFoundException error("a\n\x1b[31m", "no such model");
  EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  EXPECT_NE(std::string(error.what()).find("\\x1b"), std::string::npos);
}

}  // namespace
}  // namespace roost
