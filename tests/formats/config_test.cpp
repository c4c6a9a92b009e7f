#include "formats/config.h"

#include "formats/expect_error.h"
#include "formats/sentence.h"

namespace roost::formats {
namespace {

using test::expect_bad_file;
using test::FakeTree;

TEST(Config, ReadsBert) {
  const ModelConfig config = parse_config(R"({
    "architectures": ["BertModel"], "model_type": "bert", "hidden_size": 384,
    "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
    "vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2,
    "layer_norm_eps": 1e-12, "hidden_act": "gelu", "pad_token_id": 0, "rope_theta": null,
    "torch_dtype": "float32", "id2label": {"0": "no", "1": "yes", "7": 3}, "other": [1, 2]})",
                                          "config.json");
  EXPECT_EQ(config.model_type, "bert");
  EXPECT_EQ(config.architectures, std::vector<std::string>{"BertModel"});
  EXPECT_EQ(config.hidden_size, 384u);
  EXPECT_EQ(config.layers, 6u);
  EXPECT_EQ(config.heads, 12u);
  EXPECT_EQ(config.intermediate_size, 1536u);
  EXPECT_EQ(config.vocab_size, 30522u);
  EXPECT_EQ(config.max_positions, 512u);
  EXPECT_EQ(config.type_vocab_size, 2u);
  EXPECT_EQ(config.norm_eps, 1e-12);
  EXPECT_EQ(config.activation, "gelu");
  EXPECT_EQ(config.dtype, "float32");
  EXPECT_EQ(config.pad_token_id, 0u);
  EXPECT_EQ(config.rope_theta, std::nullopt);
  EXPECT_EQ(config.labels, (std::map<std::uint64_t, std::string>{{0, "no"}, {1, "yes"}, {7, "3"}}));
  EXPECT_FALSE(config.names_code);
  EXPECT_EQ(config.raw.find("other")->to_json(), "[1,2]");
}

TEST(Config, KnowsOtherSpellings) {
  const ModelConfig distil = parse_config(
      R"({"dim": 768, "n_layers": 6, "n_heads": 12, "hidden_dim": 3072, "activation": "gelu"})",
      "c");
  EXPECT_EQ(distil.hidden_size, 768u);
  EXPECT_EQ(distil.layers, 6u);
  EXPECT_EQ(distil.heads, 12u);
  EXPECT_EQ(distil.intermediate_size, 3072u);
  const ModelConfig nomic = parse_config(
      R"({"n_embd": 768, "n_layer": 12, "n_head": 12, "n_inner": 3072, "n_positions": 8192,
          "layer_norm_epsilon": 1e-12, "rotary_emb_base": 1000, "auto_map": {"AutoModel": "x.Y"}})",
      "c");
  EXPECT_EQ(nomic.hidden_size, 768u);
  EXPECT_EQ(nomic.max_positions, 8192u);
  EXPECT_EQ(nomic.rope_theta, 1000.0);
  EXPECT_TRUE(nomic.names_code);
}

TEST(Config, BadOnesAreRefusedWithTheirKey) {
  const std::pair<const char*, const char*> bad[] = {
      {"", "c"},
      {"[]", "is not an object"},
      {R"({"hidden_size": NaN})", "c"},
      {R"({"hidden_size": 1e999})", "c"},
      {R"({"hidden_size": 384.0})", "hidden_size"},
      {R"({"hidden_size": -1})", "hidden_size"},
      {R"({"hidden_size": 0})", "hidden_size"},
      {R"({"hidden_size": "384"})", "hidden_size"},
      {R"({"num_attention_heads": 0})", "num_attention_heads"},
      {R"({"vocab_size": 1099511627776})", "vocab_size"},
      {R"({"num_hidden_layers": 10001})", "num_hidden_layers"},
      {R"({"layer_norm_eps": -1e-5})", "layer_norm_eps"},
      {R"({"layer_norm_eps": 2})", "layer_norm_eps"},
      {R"({"rope_theta": 0})", "rope_theta"},
      {R"({"model_type": 1})", "model_type"},
      {R"({"architectures": [1]})", "architectures"},
      {R"({"id2label": {"x": "a"}})", "id2label"},
      {R"({"id2label": {"-1": "a"}})", "id2label"},
      {R"({"id2label": {"1000000": "a"}})", "id2label"},
      {R"({"id2label": {"0": "a", "00": "b"}})", "id2label"},
      {R"({"id2label": {"0": null}})", "id2label"},
      {R"({"id2label": []})", "id2label"},
      {R"({"a": 1, "a": 2})", "a"},
      {R"({} {})", "c"}};
  for (const auto& test : bad) {
    expect_bad_file(test.second, [&] { (void)parse_config(test.first, "c"); });
  }
}

TEST(TokenizerConfig, ReadsItsBits) {
  const TokenizerConfig config = parse_tokenizer_config(
      R"({"tokenizer_class": "BertTokenizer", "do_lower_case": true, "model_max_length": 512,
          "pad_token": "[PAD]", "cls_token": {"content": "[CLS]", "lstrip": false},
          "padding_side": "right", "chat_template": "{{ x }}"})",
      "t");
  EXPECT_EQ(config.tokenizer_class, "BertTokenizer");
  EXPECT_EQ(config.do_lower_case, true);
  EXPECT_EQ(config.model_max_length, 512u);
  EXPECT_EQ(config.special_tokens.at("cls_token"), "[CLS]");
  EXPECT_EQ(config.special_tokens.at("pad_token"), "[PAD]");
  EXPECT_EQ(config.special_tokens.size(), 2u);
  EXPECT_TRUE(config.has_chat_template);
  EXPECT_EQ(parse_tokenizer_config(R"({"model_max_length": 1000000000000000019884624838656})", "t")
                .model_max_length,
            std::nullopt);
  expect_bad_file("model_max_length",
                  [] { (void)parse_tokenizer_config(R"({"model_max_length": 0})", "t"); });
  expect_bad_file("content", [] { (void)parse_tokenizer_config(R"({"pad_token": {}})", "t"); });
}

constexpr const char* kModules = R"([
  {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
  {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
  {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
  {"idx": 3, "name": "3", "path": "3_Normalize", "type": "models.Normalize"}])";

TEST(Sentence, ReadsModulesAndWhatBelongsToThem) {
  FakeTree tree;
  tree.file("modules.json", kModules)
      .file("1_Pooling/config.json", R"({"word_embedding_dimension": 384,
         "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false,
         "pooling_mode_lasttoken": true, "include_prompt": false})")
      .file("2_Dense/config.json", R"({"in_features": 384, "out_features": 128, "bias": false,
         "activation_function": "torch.nn.modules.activation.Tanh"})")
      .file("sentence_bert_config.json", R"({"max_seq_length": 256, "do_lower_case": false})")
      .file("config_sentence_transformers.json", R"({"prompts": {"query": "query: "},
         "default_prompt_name": "query", "similarity_fn_name": "cosine"})");
  const SentenceConfig config = *read_sentence_config(Folder::open(tree.root()));
  ASSERT_EQ(config.modules.size(), 4u);
  EXPECT_EQ(config.modules[0].kind, "Transformer");
  EXPECT_EQ(config.modules[1].folder, "1_Pooling");
  EXPECT_EQ(config.pooling, (std::vector<Pooling>{Pooling::Cls, Pooling::LastToken}));
  EXPECT_EQ(config.pooling_dimension, 384u);
  EXPECT_FALSE(config.include_prompt);
  ASSERT_EQ(config.dense.size(), 1u);
  EXPECT_EQ(config.dense[0].out_features, 128u);
  EXPECT_FALSE(config.dense[0].bias);
  EXPECT_EQ(config.dense[0].activation, "Tanh");
  EXPECT_TRUE(config.normalize);
  EXPECT_EQ(config.max_seq_length, 256u);
  EXPECT_EQ(config.prompts.at("query"), "query: ");
  EXPECT_EQ(config.default_prompt, "query");
  EXPECT_EQ(config.similarity, "cosine");
}

TEST(Sentence, NewerPoolingFilesNameTheirModes) {
  FakeTree tree;
  tree.file("modules.json", kModules)
      .file("1_Pooling/config.json",
            R"({"embedding_dimension": 8, "pooling_mode": ["mean", "max"]})");
  const SentenceConfig config = *read_sentence_config(Folder::open(tree.root()));
  EXPECT_EQ(config.pooling, (std::vector<Pooling>{Pooling::Mean, Pooling::Max}));
  EXPECT_EQ(config.pooling_dimension, 8u);
  for (const Pooling pooling : config.pooling) EXPECT_NE(to_string(pooling), "unknown");
}

TEST(Sentence, BadOnesAreRefused) {
  const std::pair<const char*, const char*> bad[] = {
      {R"({})", "modules.json"},
      {R"([1])", "modules.json"},
      {R"([{"path": "../x"}])", "no folder beside it"},
      {R"([{"path": "/x"}])", "no folder beside it"},
      {R"([{"path": ".."}])", "no folder beside it"},
      {R"([{"path": "1_Pooling", "type": "Pooling"}])", "no way of pooling"},
      {R"([{"path": "2_Dense", "type": "Dense"}])", "in_features"}};
  for (const auto& test : bad) {
    FakeTree tree;
    tree.file("modules.json", test.first)
        .file("1_Pooling/config.json", R"({"pooling_mode": "most"})")
        .file("2_Dense/config.json", "{}");
    expect_bad_file(test.second, [&] { (void)read_sentence_config(Folder::open(tree.root())); });
  }
  FakeTree none;
  EXPECT_FALSE(read_sentence_config(Folder::open(none.root())));
  none.file("modules.json", "[]")
      .file("config_sentence_transformers.json", R"({"default_prompt_name": "q"})");
  expect_bad_file("default_prompt_name",
                  [&] { (void)read_sentence_config(Folder::open(none.root())); });
}

}  // namespace
}  // namespace roost::formats
