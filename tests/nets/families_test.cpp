#include "nets/families.h"

#include <gmock/gmock.h>

#include "roost/error.h"

namespace roost::nets {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string config_with(const std::string& more) {
  return R"({"vocab_size": 100, "hidden_size": 24, "num_hidden_layers": 2,
             "num_attention_heads": 3, "intermediate_size": 40, "max_position_embeddings": 80,
             "pad_token_id": 1, "layer_norm_eps": 1e-5)" +
         more + "}";
}

EncoderShape shape(const std::string& more) {
  return shape_of(formats::parse_config(config_with(more), "config.json"));
}

TEST(Families, ShapesAreWhatTheConfigSays) {
  const EncoderShape bert = shape(R"(, "model_type": "bert", "type_vocab_size": 2)");
  EXPECT_EQ(bert.head_size(), 8u);
  EXPECT_EQ(bert.types, 2u);
  EXPECT_EQ(bert.most_tokens(), 80u);
  EXPECT_EQ(bert.activation, tensor::Activation::Gelu);
  EXPECT_FLOAT_EQ(bert.epsilon, 1e-5f);
  const EncoderShape roberta = shape(R"(, "model_type": "roberta", "type_vocab_size": 1)");
  EXPECT_EQ(roberta.position_offset, 2u);
  EXPECT_EQ(roberta.most_tokens(), 78u);
  const EncoderShape mpnet = shape(R"(, "model_type": "mpnet")");
  EXPECT_EQ(mpnet.types, 0u);
  EXPECT_EQ(mpnet.relative_buckets, 32u);
  const EncoderShape electra = shape(R"(, "model_type": "electra", "embedding_size": 16)");
  EXPECT_EQ(electra.embedding, 16u);
}

TEST(Families, EachHasNamesForItsTensors) {
  for (const std::string& family : families()) {
    const EncoderShape of = shape(R"(, "model_type": ")" + family + '"');
    const TensorNames& names = names_of(of);
    EXPECT_FALSE(names.prefixes.empty()) << family;
    for (const std::string& name : {names.query, names.out, names.up, names.down, names.norm}) {
      EXPECT_THAT(name, HasSubstr("{}")) << family;
    }
  }
}

struct Refused {
  std::string more;
  ErrorCode code;
  std::string says, also;
};

class RefusedTest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedTest, IsTyped) {
  try {
    shape(GetParam().more);
    ADD_FAILURE() << GetParam().more;
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), GetParam().code) << error.what();
    EXPECT_THAT(error.what(), AllOf(HasSubstr(GetParam().says), HasSubstr(GetParam().also)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Configs, RefusedTest,
    testing::Values(Refused{"", ErrorCode::BadFile, "model_type", "absent"},
                    Refused{R"(, "model_type": "llama")", ErrorCode::Unsupported, "llama",
                            "bert, camembert"},
                    Refused{R"(, "model_type": "bert", "position_embedding_type": "relative_key")",
                            ErrorCode::Unsupported, "relative_key", "absolute"},
                    Refused{R"(, "model_type": "bert", "is_decoder": true)", ErrorCode::Unsupported,
                            "is_decoder", "encoders"},
                    Refused{R"(, "model_type": "bert", "hidden_act": "mish")",
                            ErrorCode::Unsupported, "mish", "gelu"},
                    Refused{R"(, "model_type": "mpnet", "relative_attention_num_buckets": 2)",
                            ErrorCode::BadFile, "relative_attention_num_buckets", "4"}));

TEST(Families, SizesThatDoNotFitAreNamed) {
  const std::string bert = R"({"model_type": "bert", "vocab_size": 100, "hidden_size": 24,
      "num_hidden_layers": 2, "num_attention_heads": 5, "intermediate_size": 40,
      "max_position_embeddings": 80})";
  try {
    shape_of(formats::parse_config(bert, "config.json"));
    ADD_FAILURE();
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::BadFile);
    EXPECT_THAT(error.what(), HasSubstr("does not divide hidden_size, 24"));
  }
}

}  // namespace
}  // namespace roost::nets
