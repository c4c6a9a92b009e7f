#include <gtest/gtest.h>

#include "roost/device.h"

namespace roost {
namespace {

TEST(ExecutionProvider, IsReadInAnyCaseAndWrittenInOne) {
  using enum ExecutionProvider;
  for (const auto provider : {Auto, Cuda, DirectML, CoreML, Cpu}) {
    EXPECT_EQ(parse_execution_provider(to_string(provider)), provider);
  }
  EXPECT_EQ(parse_execution_provider("DirectML"), DirectML);
  EXPECT_EQ(parse_execution_provider("CUDA"), Cuda);
  EXPECT_EQ(to_string(CoreML), "coreml");
}

TEST(ExecutionProvider, NothingElseIsRead) {
  for (const auto* text : {"", " cpu", "cpu ", "gpu", "cuda:0", "cud"}) {
    EXPECT_EQ(parse_execution_provider(text), std::nullopt) << text;
  }
}

TEST(HardwareTier, HasAName) {
  EXPECT_EQ(to_string(HardwareTier::Low), "low");
  EXPECT_EQ(to_string(HardwareTier::Ultra), "ultra");
}

}  // namespace
}  // namespace roost
