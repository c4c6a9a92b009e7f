#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backend/native/native_options.h"
#include "formats/config.h"
#include "formats/tensors.h"
#include "nets/encoder_shape.h"
#include "text/tokenizer.h"

namespace roost::backend {

// A folder in the Hugging Face layout whose config says that this engine can run it. Reads small
// files only; weights and tokenizer when they are asked for.
class ModelFolder {
 public:
  // Throws as nets::shape_of() and the readers of formats do.
  explicit ModelFolder(const std::string& path);

  const std::string& path() const { return folder_.name(); }
  const formats::ModelConfig& config() const { return config_; }
  const nets::EncoderShape& shape() const { return shape_; }

  // Of the model, under these options.
  formats::Pooling pooling(const NativeOptions& options) const;
  bool normalises(const NativeOptions& options) const;
  std::size_t max_tokens(const NativeOptions& options) const;

  formats::Checkpoint weights() const;
  const formats::Folder& folder() const { return folder_; }

  // From tokenizer.json. Throws Unsupported when there is none, BadFile when an id has no row in
  // the table of vectors.
  std::shared_ptr<const text::Tokenizer> tokenizer() const;
  std::uint64_t tokenizer_bytes() const;  // of its file

 private:
  formats::Folder folder_;
  formats::ModelConfig config_;
  std::optional<formats::SentenceConfig> sentence_;
  std::optional<std::uint64_t> tokenizer_most_;
  nets::EncoderShape shape_;
};

}  // namespace roost::backend
