#pragma once

#include <memory>
#include <string>

#include "backend/native/compute.h"
#include "backend/native/model_folder.h"
#include "backend/native/native_image.h"
#include "nets/packed_tokens.h"
#include "roost/backend.h"

namespace roost::backend {

// An encoder that embeds, and ranks by the cosine of embeddings. A pair of texts is one sequence:
// the types of its ids say which of the two they are of.
class NativeModel final : public Model {
 public:
  NativeModel(const ModelDescription& description, const ModelFolder& folder,
              std::shared_ptr<const NativeImage> image, std::shared_ptr<Compute> compute,
              LoadContext& context);

  ModelInfo info() const override;
  std::size_t width(Task task) const override;
  Sequence tokenize(Task task, std::string_view text, std::string_view pair) const override;
  void run(const Batch& batch, std::stop_token stop) override;
  Health probe_health(std::stop_token stop) override;
  HostImages save_images(LoadContext& context, std::stop_token stop) override;

  // Tokens that go through the layers together.
  static std::size_t pass_tokens(std::size_t max_tokens);
  static std::uint64_t workspace_bytes(const nets::EncoderWeights& weights, unsigned threads,
                                       std::size_t max_tokens);

 private:
  void check(const Sequence& sequence) const;
  void embed(std::span<const Sequence* const> sequences, std::span<float> to,
             const std::stop_token& stop);
  void run_pass(const nets::PackedTokens& tokens, float* to, const std::stop_token& stop);
  void rank(const Batch& batch, const std::stop_token& stop);
  [[noreturn]] void fail(const std::string& why) const;

  const std::string id_, path_, family_, device_id_;
  const std::size_t max_tokens_;
  const formats::Pooling pooling_;
  const bool normalises_;
  const std::shared_ptr<const NativeImage> image_;
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  const std::shared_ptr<Compute> compute_;
  Region workspace_;
};

}  // namespace roost::backend
