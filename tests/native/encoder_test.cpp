// Encoders against an independent implementation: tests/native/reference/make_fixtures.py.
#include "nets/encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "backend/native/checkpoint_source.h"
#include "formats/config.h"
#include "formats/safetensors.h"
#include "roost/error.h"

namespace roost::nets {
namespace {

using backend::CheckpointSource;
using tensor::Precision;

CheckpointSource open(const formats::Folder& folder, const std::string& name) {
  formats::Checkpoint checkpoint = formats::open_safetensors(folder, name);
  std::vector<formats::File> files = formats::open_files(folder, checkpoint);
  return {std::move(checkpoint), std::move(files)};
}

class Memory {
 public:
  explicit Memory(std::uint64_t bytes)
      : data_(static_cast<std::byte*>(std::aligned_alloc(tensor::kRegionAlign, bytes))),
        bytes_(bytes) {}
  ~Memory() { std::free(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::byte* data() const { return data_; }
  std::span<std::byte> span() const { return {data_, bytes_}; }

 private:
  std::byte* const data_;
  const std::uint64_t bytes_;
};

struct Sequence {
  std::vector<std::uint32_t> ids, types;
  std::vector<float> states;
};

// What the reference says of a family.
std::vector<Sequence> expected_of(const formats::Folder& folder, std::size_t hidden) {
  const formats::Checkpoint checkpoint = formats::open_safetensors(folder, "expected.safetensors");
  const std::vector<formats::File> files = formats::open_files(folder, checkpoint);
  const auto whole = [&](const char* name) {
    const formats::TensorInfo* tensor = checkpoint.find(name);
    std::vector<std::int64_t> numbers(tensor->elements());
    files[0].read_at(tensor->offset, std::as_writable_bytes(std::span(numbers)));
    return numbers;
  };
  const auto ids = whole("ids"), types = whole("types"), lengths = whole("lengths");
  std::vector<float> states(ids.size() * hidden);
  files[0].read_at(checkpoint.find("states")->offset, std::as_writable_bytes(std::span(states)));
  std::vector<Sequence> sequences;
  std::size_t first = 0;
  for (const std::int64_t length : lengths) {
    Sequence one;
    const std::size_t end = first + static_cast<std::size_t>(length);
    for (std::size_t i = first; i < end; ++i) {
      one.ids.push_back(static_cast<std::uint32_t>(ids[i]));
      one.types.push_back(static_cast<std::uint32_t>(types[i]));
    }
    one.states.assign(states.data() + first * hidden, states.data() + end * hidden);
    sequences.push_back(std::move(one));
    first = end;
  }
  return sequences;
}

struct Case {
  std::string folder;
  Precision precision;
  unsigned threads;
};

class EncoderTest : public testing::TestWithParam<Case> {
 protected:
  EncoderTest()
      : folder(formats::Folder::open(std::string(ROOST_FIXTURES) + "/" + GetParam().folder)),
        shape(shape_of(formats::parse_config(
            formats::read_text(folder.file("config.json"), 1 << 20), "config.json"))),
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
                             "mpnet", "roberta", "xlm-roberta"}) {
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
