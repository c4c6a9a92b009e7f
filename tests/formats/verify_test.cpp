#include "formats/verify.h"

#include "formats/pickle_bytes.h"
#include "formats/safetensors_bytes.h"
#include "formats/zip_bytes.h"

namespace roost::formats {
namespace {

using test::entry;
using test::FakeTree;
using test::safetensors_bytes;

std::string weights() {
  return safetensors_bytes(
      "{" + entry("bert.embeddings.word_embeddings.weight", "F32", "[10,4]", "[0,160]") + "," +
          entry("bert.encoder.layer.1.x", "F32", "[1]", "[160,164]") + "}",
      164);
}

class VerifyTest : public testing::Test {
 protected:
  VerifyTest() {
    tree_.file("config.json", config(10, 4, 2))
        .file("vocab.txt", "a")
        .file("w.safetensors", weights());
  }
  static std::string config(int vocabulary, int width, int layers) {
    return "{\"model_type\":\"bert\",\"vocab_size\":" + std::to_string(vocabulary) +
           ",\"hidden_size\":" + std::to_string(width) +
           ",\"num_hidden_layers\":" + std::to_string(layers) + "}";
  }
  std::string text() const { return to_text(verify(tree_.root())); }
  FakeTree tree_;
};

TEST_F(VerifyTest, AGoodModelHasNoFindings) {
  EXPECT_EQ(text(), "nothing wrong was found\n");
  EXPECT_EQ(to_text(verify(tree_.root() / "w.safetensors")), "nothing wrong was found\n");
}

TEST_F(VerifyTest, AConfigurationOfOtherWeightsIsFound) {
  for (const std::string& other : {config(11, 4, 2), config(10, 8, 2), config(10, 4, 3)}) {
    tree_.file("config.json", other);
    const auto findings = verify(tree_.root());
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].severity, Severity::Problem);
    EXPECT_NE(findings[0].advice.find("belongs to other weights"), std::string::npos);
  }
  tree_.file("config.json", config(9, 4, 2));  // rows added to reach a round number
  EXPECT_EQ(verify(tree_.root()).size(), 0u);
}

TEST_F(VerifyTest, DamageOfAnyFileIsFound) {
  std::string pickled =
      test::zip_bytes({{"m/data.pkl", test::state_dict(1)}, {"m/data/0", "1234"}});
  tree_.file("p.bin", pickled);
  EXPECT_EQ(text().find("note: p.bin: a pickle; it was read without executing"), 0u) << text();
  pickled[pickled.find("1234")] = '5';
  tree_.file("p.bin", pickled);
  EXPECT_NE(text().find("problem: p.bin: "), std::string::npos) << text();
  EXPECT_NE(text().find("its checksum is wrong"), std::string::npos) << text();
  tree_.file("w.safetensors", weights() + "x");
  EXPECT_EQ(text().find("problem: "), 0u);
  tree_.file("config.json", "{");
  EXPECT_EQ(to_value(verify(tree_.root())).as_array()[0].find("severity")->as_string(), "problem");
}

TEST_F(VerifyTest, AMissingTokenizerAndUnknownTypesAreWarnings) {
  std::filesystem::remove(tree_.root() / "vocab.txt");
  EXPECT_EQ(text().find("warning: no tokenizer"), 0u);
  tree_.file("w.safetensors", safetensors_bytes("{" + entry("t", "F2", "[4]", "[0,1]") + "}", 1));
  EXPECT_EQ(text().find("warning: w.safetensors: tensor 't' can be listed, not loaded"), 0u);
}

TEST_F(VerifyTest, AStopIsObeyed) {
  tree_.file("v.safetensors", weights());
  std::stop_source stop;
  stop.request_stop();
  test::expect_error(ErrorCode::Cancelled, "verifying",
                     [&] { (void)verify(tree_.root(), Links::None, stop.get_token()); });
  test::expect_error(ErrorCode::IoError, "No such file",
                     [&] { (void)verify(tree_.root() / "none"); });
}

std::size_t descriptors() {
  return static_cast<std::size_t>(std::distance(
      std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

TEST_F(VerifyTest, AThousandTimesLeaveNoDescriptorBehind) {
  tree_.file("p.bin", "PK\x03\x04 no archive, but it begins like one").file("bad/config.json", "{");
  (void)verify(tree_.root());
  const std::size_t before = descriptors();
  for (int i = 0; i < 1000; ++i) {
    (void)verify(tree_.root());
    (void)verify(tree_.root() / "bad");
  }
  EXPECT_EQ(descriptors(), before);
}

}  // namespace
}  // namespace roost::formats
