// Encoders against an independent implementation: tests/native/reference/make_fixtures.py.
#include "nets/encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "native/reference.h"
#include "roost/error.h"

namespace roost::nets {
namespace {

using namespace test;
using tensor::Precision;

struct Case {
  std::string folder;
  Precision precision;
  unsigned threads;
};

class EncoderTest : public testing::TestWithParam<Case> {
 protected:
  EncoderTest()
      : folder(fixture(GetParam().folder)),
        shape(shape_of(config_of(folder))),
        weights(shape, GetParam().precision),
        memory(weights.bytes()),
        team(GetParam().threads),
        expected(expected_of(folder, shape.hidden)) {
    weights.fill(open(folder, "model.safetensors"), memory.data(), {}, {});
  }

  std::vector<float> run(const PackedTokens& tokens) {
    std::size_t longest = 0;
    for (std::size_t i = 0; i < tokens.sequences(); ++i) {
      longest = std::max(longest, tokens.length(i));
    }
    const Memory workspace(workspace_bytes(weights, team.size(), tokens.tokens(), longest));
    std::memset(workspace.data(), 0xFF, workspace.span().size());  // NaN, wherever it is read
    const auto states = encode(weights, memory.data(), tokens, team, workspace.span(), {});
    return {states.begin(), states.end()};
  }

  void expect_near(std::span<const float> found, std::span<const float> wanted) const {
    ASSERT_EQ(found.size(), wanted.size());
    const bool exact = GetParam().precision == Precision::F32;
    for (std::size_t i = 0; exact && i < found.size(); ++i) {
      ASSERT_NEAR(found[i], wanted[i], 2e-4) << i;
    }
    for (std::size_t row = 0; row * shape.hidden < found.size(); ++row) {
      const float* a = found.data() + row * shape.hidden;
      const float* b = wanted.data() + row * shape.hidden;
      const double cosine =
          tensor::dot(a, b, shape.hidden) / std::sqrt(double{tensor::dot(a, a, shape.hidden)} *
                                                      double{tensor::dot(b, b, shape.hidden)});
      ASSERT_GE(cosine, exact ? 0.99999 : 0.999) << row;
    }
  }

  const formats::Folder folder;
  const EncoderShape shape;
  const EncoderWeights weights;
  const Memory memory;
  tensor::Team team;
  const std::vector<Sequence> expected;
};

TEST_P(EncoderTest, OneByOneAsTheReference) {
  for (const Sequence& sequence : expected) {
    PackedTokens tokens;
    tokens.append(sequence.ids, sequence.types);
    expect_near(run(tokens), sequence.states);
  }
}

TEST_P(EncoderTest, PackedAsTheReference) {
  PackedTokens tokens;
  std::vector<float> wanted;
  for (int times = 0; times < 3; ++times) {
    for (const Sequence& sequence : expected) {
      tokens.append(sequence.ids, sequence.types);
      wanted.insert(wanted.end(), sequence.states.begin(), sequence.states.end());
    }
  }
  expect_near(run(tokens), wanted);
}

TEST_P(EncoderTest, AStopEndsIt) {
  PackedTokens tokens;
  tokens.append(expected[0].ids, expected[0].types);
  const Memory workspace(workspace_bytes(weights, team.size(), 1, 1));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(encode(weights, memory.data(), tokens, team, workspace.span(), stop.get_token()),
               CancelledException);
  EXPECT_THROW(weights.fill(open(folder, "model.safetensors"), memory.data(), {}, stop.get_token()),
               CancelledException);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* family : {"bert", "bert-with-prefix", "camembert", "distilbert", "electra",
                             "bert-reranker", "mpnet", "roberta", "xlm-roberta"}) {
    for (const Precision precision : {Precision::F32, Precision::Bf16}) {
      for (const unsigned threads : {1u, 2u, 5u}) all.push_back({family, precision, threads});
    }
  }
  return all;
}

std::string name_of(const testing::TestParamInfo<Case>& test) {
  std::string name = test.param.folder + "_" + std::string(to_string(test.param.precision)) + "_" +
                     std::to_string(test.param.threads);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Families, EncoderTest, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace roost::nets
