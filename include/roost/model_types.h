#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace roost {

// Every type of model, and of part of a model, that any face knows. One concept has one value,
// whatever it is called where: "captioner" and "caption_generator" are both CaptionGenerator.
enum class ModelType : std::uint8_t {
  Unknown,
  CaptionGenerator,
  DetectionModel,
  EmbeddingModel,
  DiffusionLm,
  ClassificationModel,
  Generator,
  Reranker,
  Transcriber,
  Synthesizer,
  Translator,
  Ocr,
  Segmenter,
  ImageGenerator,
  Sparse,
  Sd15,
  Sdxl,
  Flux,
  Diffusion,
  ControlNet,
  Lora,
  Vae,
  TextEncoder,
  TextEncoder2,
  UNet,
  Scheduler,
  Tokenizer,
  SafetyChecker,
};

// Whose words are printed and parsed.
enum class TypeVocabulary : std::uint8_t {
  Lifecycle,   // local models by domain: "Embedder", "ImageGenerator"
  Management,  // ModelManager: "embedding_model", "caption_generator"
  Embedding,   // memory governor of the embedding service: "EMBEDDING", "LLM"
  Domain,      // image models: "SD15", "LoRA"
  Component,   // parts of an image model: "TextEncoder2", "SafetyChecker"
  Worker,      // what a worker loads: "unet", "encoder"
};

std::span<const ModelType> model_types();  // all of them, Unknown first
std::span<const TypeVocabulary> type_vocabularies();

// Our own name, snake_case: what a ModelRegistration's `type` holds.
std::string_view to_string(ModelType type);

// The vocabulary's own spelling; nullopt when it has no word for the type.
std::optional<std::string_view> spelling(ModelType type, TypeVocabulary vocabulary);

// Only the vocabulary's own spellings, exactly as written there.
std::optional<ModelType> parse_model_type(std::string_view text, TypeVocabulary vocabulary);

// Our own names and the words of every vocabulary, in any case.
std::optional<ModelType> parse_model_type(std::string_view text);

}  // namespace roost
