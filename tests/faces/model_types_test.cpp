#include "roost/model_types.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace roost {
namespace {

struct Words {
  const char* name;
  TypeVocabulary vocabulary;
  std::vector<std::string> words;  // as the document has them, in its order
};

class VocabularyTest : public testing::TestWithParam<Words> {};

TEST_P(VocabularyTest, EveryWordIsParsedAndPrintedAsItIs) {
  std::set<ModelType> seen;
  for (const std::string& word : GetParam().words) {
    const auto type = parse_model_type(word, GetParam().vocabulary);
    ASSERT_TRUE(type) << word;
    EXPECT_EQ(spelling(*type, GetParam().vocabulary), word);
    EXPECT_TRUE(seen.insert(*type).second) << word << " shares its value with another word";
    EXPECT_EQ(parse_model_type(word), type) << "without a vocabulary";
  }
}

TEST_P(VocabularyTest, HasNoOtherWords) {
  std::size_t spelled = 0;
  for (const ModelType type : model_types()) {
    spelled += spelling(type, GetParam().vocabulary).has_value();
  }
  EXPECT_EQ(spelled, GetParam().words.size());
  EXPECT_FALSE(parse_model_type("", GetParam().vocabulary));
  EXPECT_FALSE(parse_model_type("no such type", GetParam().vocabulary));
}

INSTANTIATE_TEST_SUITE_P(
    Documents, VocabularyTest,
    testing::Values(
        Words{"Lifecycle",
              TypeVocabulary::Lifecycle,
              {"Unknown", "Generator", "Embedder", "Reranker", "Transcriber", "Synthesizer",
               "Detector", "Captioner", "Translator", "Ocr", "Segmenter", "ImageGenerator"}},
        Words{"Management",
              TypeVocabulary::Management,
              {"caption_generator", "detection_model", "embedding_model", "diffusion_lm",
               "classification_model"}},
        Words{"Embedding", TypeVocabulary::Embedding, {"EMBEDDING", "RERANKER", "SPARSE", "LLM"}},
        Words{"Domain",
              TypeVocabulary::Domain,
              {"Unknown", "SD15", "SDXL", "Flux", "Diffusion", "ControlNet", "LoRA", "VAE",
               "TextEncoder", "UNet", "Scheduler"}},
        Words{"Component",
              TypeVocabulary::Component,
              {"Unknown", "UNet", "VAE", "TextEncoder", "TextEncoder2", "Tokenizer", "Scheduler",
               "ControlNet", "LoRA", "SafetyChecker"}},
        Words{"Worker", TypeVocabulary::Worker, {"unet", "vae", "encoder", "lora"}}),
    [](const auto& test) { return test.param.name; });

TEST(ModelTypesTest, OurOwnNamesAreDistinctAndParse) {
  std::set<std::string_view> names;
  for (const ModelType type : model_types()) {
    EXPECT_TRUE(names.insert(to_string(type)).second) << to_string(type);
    EXPECT_EQ(parse_model_type(to_string(type)), type);
  }
}

TEST(ModelTypesTest, OneConceptHasOneValue) {
  EXPECT_EQ(parse_model_type("Embedder", TypeVocabulary::Lifecycle),
            parse_model_type("embedding_model", TypeVocabulary::Management));
  EXPECT_EQ(parse_model_type("Captioner", TypeVocabulary::Lifecycle),
            parse_model_type("caption_generator", TypeVocabulary::Management));
  EXPECT_EQ(parse_model_type("LLM", TypeVocabulary::Embedding),
            parse_model_type("Generator", TypeVocabulary::Lifecycle));
  EXPECT_EQ(parse_model_type("encoder", TypeVocabulary::Worker),
            parse_model_type("TextEncoder", TypeVocabulary::Component));
}

TEST(ModelTypesTest, AVocabularyKnowsOnlyItsOwnSpelling) {
  EXPECT_FALSE(parse_model_type("unet", TypeVocabulary::Component));
  EXPECT_FALSE(parse_model_type("UNet", TypeVocabulary::Worker));
  EXPECT_EQ(parse_model_type("uNeT"), ModelType::UNet);
  EXPECT_FALSE(spelling(ModelType::Sdxl, TypeVocabulary::Worker));
}

}  // namespace
}  // namespace roost
