#include "roost/model_types.h"

#include <algorithm>
#include <array>
#include <string>

#include "roost/ids.h"

namespace roost {
namespace {

constexpr std::array kTypes = {
    ModelType::Unknown,      ModelType::CaptionGenerator, ModelType::DetectionModel,
    ModelType::EmbeddingModel, ModelType::DiffusionLm,    ModelType::ClassificationModel,
    ModelType::Generator,    ModelType::Reranker,         ModelType::Transcriber,
    ModelType::Synthesizer,  ModelType::Translator,       ModelType::Ocr,
    ModelType::Segmenter,    ModelType::ImageGenerator,   ModelType::Sparse,
    ModelType::Sd15,         ModelType::Sdxl,             ModelType::Flux,
    ModelType::Diffusion,    ModelType::ControlNet,       ModelType::Lora,
    ModelType::Vae,          ModelType::TextEncoder,      ModelType::TextEncoder2,
    ModelType::UNet,         ModelType::Scheduler,        ModelType::Tokenizer,
    ModelType::SafetyChecker};

constexpr std::array kVocabularies = {TypeVocabulary::Lifecycle, TypeVocabulary::Management,
                                      TypeVocabulary::Embedding, TypeVocabulary::Domain,
                                      TypeVocabulary::Component, TypeVocabulary::Worker};

struct Word {
  ModelType type;
  TypeVocabulary vocabulary;
  std::string_view text;
};

using enum TypeVocabulary;

constexpr std::array kWords = {
    Word{ModelType::Unknown, Lifecycle, "Unknown"},
    Word{ModelType::Generator, Lifecycle, "Generator"},
    Word{ModelType::EmbeddingModel, Lifecycle, "Embedder"},
    Word{ModelType::Reranker, Lifecycle, "Reranker"},
    Word{ModelType::Transcriber, Lifecycle, "Transcriber"},
    Word{ModelType::Synthesizer, Lifecycle, "Synthesizer"},
    Word{ModelType::DetectionModel, Lifecycle, "Detector"},
    Word{ModelType::CaptionGenerator, Lifecycle, "Captioner"},
    Word{ModelType::Translator, Lifecycle, "Translator"},
    Word{ModelType::Ocr, Lifecycle, "Ocr"},
    Word{ModelType::Segmenter, Lifecycle, "Segmenter"},
    Word{ModelType::ImageGenerator, Lifecycle, "ImageGenerator"},

    Word{ModelType::CaptionGenerator, Management, "caption_generator"},
    Word{ModelType::DetectionModel, Management, "detection_model"},
    Word{ModelType::EmbeddingModel, Management, "embedding_model"},
    Word{ModelType::DiffusionLm, Management, "diffusion_lm"},
    Word{ModelType::ClassificationModel, Management, "classification_model"},

    Word{ModelType::EmbeddingModel, Embedding, "EMBEDDING"},
    Word{ModelType::Reranker, Embedding, "RERANKER"},
    Word{ModelType::Sparse, Embedding, "SPARSE"},
    Word{ModelType::Generator, Embedding, "LLM"},

    Word{ModelType::Unknown, Domain, "Unknown"},
    Word{ModelType::Sd15, Domain, "SD15"},
    Word{ModelType::Sdxl, Domain, "SDXL"},
    Word{ModelType::Flux, Domain, "Flux"},
    Word{ModelType::Diffusion, Domain, "Diffusion"},
    Word{ModelType::ControlNet, Domain, "ControlNet"},
    Word{ModelType::Lora, Domain, "LoRA"},
    Word{ModelType::Vae, Domain, "VAE"},
    Word{ModelType::TextEncoder, Domain, "TextEncoder"},
    Word{ModelType::UNet, Domain, "UNet"},
    Word{ModelType::Scheduler, Domain, "Scheduler"},

    Word{ModelType::Unknown, Component, "Unknown"},
    Word{ModelType::UNet, Component, "UNet"},
    Word{ModelType::Vae, Component, "VAE"},
    Word{ModelType::TextEncoder, Component, "TextEncoder"},
    Word{ModelType::TextEncoder2, Component, "TextEncoder2"},
    Word{ModelType::Tokenizer, Component, "Tokenizer"},
    Word{ModelType::Scheduler, Component, "Scheduler"},
    Word{ModelType::ControlNet, Component, "ControlNet"},
    Word{ModelType::Lora, Component, "LoRA"},
    Word{ModelType::SafetyChecker, Component, "SafetyChecker"},

    Word{ModelType::UNet, Worker, "unet"},
    Word{ModelType::Vae, Worker, "vae"},
    Word{ModelType::TextEncoder, Worker, "encoder"},
    Word{ModelType::Lora, Worker, "lora"},
};

}  // namespace

std::span<const ModelType> model_types() { return kTypes; }
std::span<const TypeVocabulary> type_vocabularies() { return kVocabularies; }

std::string_view to_string(ModelType type) {
  switch (type) {
    case ModelType::Unknown: return "unknown";
    case ModelType::CaptionGenerator: return "caption_generator";
    case ModelType::DetectionModel: return "detection_model";
    case ModelType::EmbeddingModel: return "embedding_model";
    case ModelType::DiffusionLm: return "diffusion_lm";
    case ModelType::ClassificationModel: return "classification_model";
    case ModelType::Generator: return "generator";
    case ModelType::Reranker: return "reranker";
    case ModelType::Transcriber: return "transcriber";
    case ModelType::Synthesizer: return "synthesizer";
    case ModelType::Translator: return "translator";
    case ModelType::Ocr: return "ocr";
    case ModelType::Segmenter: return "segmenter";
    case ModelType::ImageGenerator: return "image_generator";
    case ModelType::Sparse: return "sparse";
    case ModelType::Sd15: return "sd15";
    case ModelType::Sdxl: return "sdxl";
    case ModelType::Flux: return "flux";
    case ModelType::Diffusion: return "diffusion";
    case ModelType::ControlNet: return "control_net";
    case ModelType::Lora: return "lora";
    case ModelType::Vae: return "vae";
    case ModelType::TextEncoder: return "text_encoder";
    case ModelType::TextEncoder2: return "text_encoder_2";
    case ModelType::UNet: return "unet";
    case ModelType::Scheduler: return "scheduler";
    case ModelType::Tokenizer: return "tokenizer";
    case ModelType::SafetyChecker: return "safety_checker";
  }
  return "unknown";
}

std::optional<std::string_view> spelling(ModelType type, TypeVocabulary vocabulary) {
  for (const Word& word : kWords) {
    if (word.type == type && word.vocabulary == vocabulary) return word.text;
  }
  return std::nullopt;
}

std::optional<ModelType> parse_model_type(std::string_view text, TypeVocabulary vocabulary) {
  for (const Word& word : kWords) {
    if (word.vocabulary == vocabulary && word.text == text) return word.type;
  }
  return std::nullopt;
}

std::optional<ModelType> parse_model_type(std::string_view text) {
  const std::string wanted = lower_ascii(text);
  for (const ModelType type : kTypes) {
    if (to_string(type) == wanted) return type;
  }
  for (const Word& word : kWords) {
    if (lower_ascii(word.text) == wanted) return word.type;
  }
  return std::nullopt;
}

}  // namespace roost
