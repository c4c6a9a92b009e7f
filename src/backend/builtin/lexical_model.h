#pragma once

#include <memory>
#include <string>

#include "backend/builtin/lexical_image.h"
#include "roost/backend.h"

namespace roost::backend {

// Embeds and ranks with a table of token vectors: a text is the weighted mean of the vectors of
// its features, made unit length. On the host it runs from the image; elsewhere the table was
// copied to the device and rows are fetched as they are needed.
class LexicalModel final : public Model {
 public:
  // Throws CancelledException when `stop` fires during the copy to a device.
  LexicalModel(std::string id, std::shared_ptr<const LexicalImage> image, LoadContext& context,
               std::stop_token stop);

  ModelInfo info() const override;
  std::size_t width(Task task) const override;
  Sequence tokenize(Task task, std::string_view text, std::string_view pair) const override;
  void run(const Batch& batch, std::stop_token stop) override;
  Health probe_health(std::stop_token stop) override;
  HostImages save_images(LoadContext& context, std::stop_token stop) override;

  // Host bytes that a model of this shape works in.
  static std::uint64_t workspace_bytes(const TableShape& shape);

 private:
  void copy_to_device(const LexicalImage& image, LoadContext& context, std::stop_token stop);
  const float* row(std::uint32_t id);
  void embed(const Sequence& sequence, std::uint32_t segment, std::span<float> to,
             std::stop_token stop);
  float rank(const Sequence& sequence, std::stop_token stop);
  void add_features(const Sequence& sequence, std::uint32_t segment, std::span<float> to,
                    std::stop_token stop);
  std::span<float> workspace(std::size_t part);
  [[noreturn]] void fail(const std::string& why) const;

  const std::string id_;
  const TableShape shape_;
  const std::shared_ptr<Device> device_;
  std::shared_ptr<const LexicalImage> image_;  // null when the table is on a device
  Region table_;                               // empty when it runs from the image
  Region workspace_;                           // three vectors in host memory
  std::uint64_t next_probed_row_ = 0;
};

}  // namespace roost::backend
