#pragma once

#include <memory>
#include <string>
#include <utility>

#include "backend/native/compute.h"
#include "backend/native/model_folder.h"
#include "backend/native/native_image.h"
#include "nets/packed_tokens.h"
#include "roost/backend.h"

namespace roost::backend {

// An encoder. With a head it classifies, or ranks when there is one label; without one it embeds,
// and ranks by the cosine of embeddings: then a pair of texts is one sequence whose types say which
// of the two a token is of.
class NativeModel final : public Model {
 public:
  NativeModel(const ModelDescription& description, const ModelFolder& folder,
              const NativeOptions& options, std::shared_ptr<const NativeImage> image,
              std::shared_ptr<Compute> compute, LoadContext& context);

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
  bool can(Task task) const;
  Sequence tokenize_pair(std::string_view text, std::string_view pair) const;
  // One row of `width` numbers a sequence: a vector, or the scores of the labels.
  void run_all(std::span<const Sequence* const> sequences, std::size_t width, std::span<float> to,
               const std::stop_token& stop);
  void run_pass(const nets::PackedTokens& tokens, std::size_t width, float* to,
                const std::stop_token& stop);
  std::pair<Sequence, Sequence> halves_of(const Sequence& pair) const;
  void rank_by_cosine(const Batch& batch, const std::stop_token& stop);
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
