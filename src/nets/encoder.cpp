#include "nets/encoder.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "nets/distance_bias.h"
#include "roost/error.h"
#include "tensor/attention.h"

namespace roost::nets {
namespace {

using tensor::bytes_of;
using tensor::kBlockRows;
using tensor::Linear;
using tensor::padded_rows;

constexpr std::size_t kSmallBlockRows = 32;
constexpr std::size_t kBlocksPerThread = 2;  // fewer, and threads share the columns of a product

// How the rows of a pass are divided, and where everything lies in the workspace.
struct Plan {
  Plan(const EncoderWeights& weights, unsigned threads, std::size_t tokens, std::size_t longest)
      : rows(padded_rows(tokens)), by_rows(rows >= kSmallBlockRows * kBlocksPerThread * threads) {
    const EncoderShape& shape = weights.shape();
    const std::size_t number = bytes_of(weights.precision());
    const bool small = rows < kBlockRows * kBlocksPerThread * threads;
    block_rows = by_rows && small ? kSmallBlockRows : kBlockRows;
    blocks = (rows + block_rows - 1) / block_rows;
    const std::size_t inner_rows = by_rows ? threads * block_rows : rows;
    const std::size_t head = tensor::attention_scratch_bytes(longest, shape.head_size());
    const std::size_t wide = std::max(3 * shape.hidden, shape.embedding);

    positions = take(rows * sizeof(std::uint32_t));
    x = take(rows * shape.hidden * sizeof(float));
    input = number == sizeof(float) ? x : take(rows * shape.hidden * number);
    query_key_value = take(rows * wide * number);
    context = take(rows * shape.hidden * number);
    inner = take(inner_rows * shape.intermediate * number);
    bias_floats = shape.relative_buckets == 0 ? 0 : 2 * longest;
    bias = take(shape.heads * bias_floats * sizeof(float));

    panel_floats = std::max(kBlockRows * Linear::kMostColumns, 2 * std::max(wide, shape.hidden));
    scratch_bytes = std::max(head, weights.scratch_bytes());
    for (unsigned worker = 0; worker < threads; ++worker) {
      panels.push_back(take(panel_floats * sizeof(float)));
      scratches.push_back(take(scratch_bytes));
    }
  }

  std::uint64_t take(std::uint64_t bytes) {
    const std::uint64_t at = total;
    total += (bytes + tensor::kRegionAlign - 1) / tensor::kRegionAlign * tensor::kRegionAlign;
    return at;
  }

  std::size_t rows;  // tokens, padded
  bool by_rows;      // a block of rows stays with a thread from one attention to the next
  std::size_t block_rows = 0, blocks = 0, bias_floats = 0, panel_floats = 0, scratch_bytes = 0;
  std::uint64_t total = 0;
  std::uint64_t positions = 0, x = 0, input = 0, query_key_value = 0, context = 0, inner = 0;
  std::uint64_t bias = 0;
  std::vector<std::uint64_t> panels, scratches;  // one a thread
};

// One pass of packed tokens through all layers.
class Pass {
 public:
  Pass(const EncoderWeights& weights, const std::byte* memory, const PackedTokens& tokens,
       std::size_t longest, tensor::Team& team, std::span<std::byte> workspace,
       const std::stop_token& stop)
      : weights_(weights),
        shape_(weights.shape()),
        places_(weights.places()),
        number_(bytes_of(weights.precision())),
        memory_(memory),
        tokens_(tokens),
        longest_(longest),
        team_(team),
        plan_(weights, team.size(), tokens.tokens(), longest),
        base_(workspace.data()),
        stop_(stop) {
    ROOST_ASSERT(workspace.size() >= plan_.total);
  }

  std::span<const float> run() {
    fill_positions();
    fill_bias();
    embed();
    const std::vector<EncoderWeights::Block>& blocks = places_.blocks;
    share_panels(blocks.front().query_key_value,
                 [&](auto... part) { query_key_value(0, part...); });
    for (std::size_t layer = 0; layer < blocks.size(); ++layer) {
      check_stop();
      attention();
      plan_.by_rows ? rest_by_rows(layer) : rest_by_panels(layer);
    }
    return {x(0), tokens_.tokens() * shape_.hidden};
  }

 private:
  struct Rows {
    std::size_t first, count;
  };

  float* floats(std::uint64_t at) const { return reinterpret_cast<float*>(base_ + at); }
  const float* constants(std::uint64_t at) const {
    return reinterpret_cast<const float*>(memory_ + at);
  }
  float* x(std::size_t row) const { return floats(plan_.x) + row * shape_.hidden; }
  std::byte* row_of(std::uint64_t at, std::size_t row, std::size_t width) const {
    return base_ + at + row * width * number_;
  }
  Rows rows_of(std::size_t block) const {
    const std::size_t first = block * plan_.block_rows;
    return {first, std::min(plan_.block_rows, plan_.rows - first)};
  }
  void check_stop() const {
    if (stop_.stop_requested()) throw CancelledException("the run was cancelled");
  }

  // Calls sink(row of y, row, first column, columns) for each row of one panel of the product.
  template <class Sink>
  void product(const EncoderWeights::Layer& layer, std::size_t panel, const std::byte* input,
               std::size_t rows, unsigned worker, const Sink& sink) const {
    const Linear& linear = *layer.linear;
    float* y = floats(plan_.panels[worker]);
    linear.run(panel, memory_ + layer.weights, input, rows, constants(layer.bias), y,
               {base_ + plan_.scratches[worker], plan_.scratch_bytes});
    const std::size_t first = linear.first_column(panel), columns = linear.columns(panel);
    for (std::size_t row = 0; row < rows; ++row) sink(y + row * columns, row, first, columns);
  }

  // Every block and panel of a product apart, on whichever thread is free.
  template <class Part>
  void share_panels(const EncoderWeights::Layer& layer, const Part& part) {
    const std::size_t panels = layer.linear->panels();
    team_.run(plan_.blocks * panels, [&](std::size_t i, unsigned worker) {
      part(rows_of(i / panels), i % panels, worker);
    });
  }

  template <class Part>
  void share_rows(const Part& part) {
    constexpr std::size_t kStep = tensor::kRowAlign;
    team_.run(plan_.rows / kStep, [&](std::size_t i, unsigned worker) {
      part(Rows{i * kStep, kStep}, worker);
    });
  }

  // --- before the layers

  void fill_positions() {
    auto* positions = reinterpret_cast<std::uint32_t*>(base_ + plan_.positions);
    for (std::size_t s = 0; s < tokens_.sequences(); ++s) {
      for (std::size_t i = 0; i < tokens_.length(s); ++i) {
        *positions++ = static_cast<std::uint32_t>(shape_.position_offset + i);
      }
    }
  }

  void fill_bias() {
    if (plan_.bias_floats == 0) return;
    for (std::size_t head = 0; head < shape_.heads; ++head) {
      fill_distance_bias(constants(places_.relative_bias), shape_.relative_buckets, shape_.heads,
                         head, longest_, {bias_of(head), plan_.bias_floats});
    }
  }

  float* bias_of(std::size_t head) const { return floats(plan_.bias) + head * plan_.bias_floats; }

  void embed() {
    const std::optional<EncoderWeights::Layer>& projection = places_.projection;
    share_rows([&](const Rows& rows, unsigned worker) {
      float* spare = floats(plan_.panels[worker]);
      for (std::size_t row = rows.first; row < rows.first + rows.count; ++row) {
        float* to = projection ? spare + shape_.embedding : x(row);
        embed_row(row, spare, to);
        if (projection) {
          store(to, row, plan_.query_key_value, shape_.embedding);
        } else {
          store(to, row, plan_.input, shape_.hidden);
        }
      }
    });
    if (projection) share_panels(*projection, [&](auto... part) { project(part...); });
  }

  void store(const float* from, std::size_t row, std::uint64_t to, std::size_t width) const {
    tensor::store(weights_.precision(), from, width, row_of(to, row, width));
  }

  void embed_row(std::size_t row, float* spare, float* to) const {
    const std::size_t width = shape_.embedding;
    std::fill_n(to, width, 0.0f);
    if (row >= tokens_.tokens()) return;
    const auto add_row = [&](std::uint64_t table, std::size_t at) {
      tensor::load(weights_.precision(), memory_ + table + at * width * number_, width, spare);
      tensor::add(to, spare, width);
    };
    add_row(places_.words, tokens_.ids[row]);
    add_row(places_.positions,
            reinterpret_cast<const std::uint32_t*>(base_ + plan_.positions)[row]);
    if (shape_.types != 0) add_row(places_.types, tokens_.types[row]);
    tensor::normalise(norm(places_.embedding_norm), to, 1, width);
  }

  void project(const Rows& rows, std::size_t panel, unsigned worker) const {
    const std::byte* input = row_of(plan_.query_key_value, rows.first, shape_.embedding);
    product(*places_.projection, panel, input, rows.count, worker,
            [&](const float* y, std::size_t row, std::size_t first, std::size_t columns) {
              std::copy_n(y, columns, x(rows.first + row) + first);
              tensor::store(weights_.precision(), y, columns,
                            row_of(plan_.input, rows.first + row, shape_.hidden) + first * number_);
            });
  }

  // --- the parts of a layer

  tensor::LayerNorm norm(const EncoderWeights::Norm& of) const {
    return {constants(of.scale), constants(of.shift), shape_.epsilon};
  }

  void query_key_value(std::size_t layer, const Rows& rows, std::size_t panel,
                       unsigned worker) const {
    const std::size_t width = 3 * shape_.hidden;
    const std::byte* input = row_of(plan_.input, rows.first, shape_.hidden);
    product(places_.blocks[layer].query_key_value, panel, input, rows.count, worker,
            [&](const float* y, std::size_t row, std::size_t first, std::size_t columns) {
              tensor::store(
                  weights_.precision(), y, columns,
                  row_of(plan_.query_key_value, rows.first + row, width) + first * number_);
            });
  }

  void attention() {
    const std::size_t heads = shape_.heads;
    team_.run(tokens_.sequences() * heads,
              [&](std::size_t i, unsigned worker) { attend(i / heads, i % heads, worker); });
  }

  void attend(std::size_t sequence, std::size_t head, unsigned worker) const {
    const std::size_t hidden = shape_.hidden, column = head * shape_.head_size() * number_;
    const std::size_t first = tokens_.starts[sequence];
    const std::byte* query = row_of(plan_.query_key_value, first, 3 * hidden) + column;
    tensor::AttentionHead of;
    of.query = query;
    of.key = query + hidden * number_;
    of.value = query + 2 * hidden * number_;
    of.out = row_of(plan_.context, first, hidden) + column;
    of.stride = 3 * hidden;
    of.out_stride = hidden;
    of.tokens = tokens_.length(sequence);
    of.size = shape_.head_size();
    of.scale = 1 / std::sqrt(static_cast<float>(of.size));
    if (plan_.bias_floats != 0) of.by_distance = bias_of(head) + longest_ - 1;
    tensor::attend(weights_.precision(), of,
                   {base_ + plan_.scratches[worker], plan_.scratch_bytes});
  }

  // x += a panel of the product.
  void add_product(const EncoderWeights::Layer& layer, std::size_t panel, const std::byte* input,
                   const Rows& rows, unsigned worker) const {
    product(layer, panel, input, rows.count, worker,
            [&](const float* y, std::size_t row, std::size_t first, std::size_t columns) {
              tensor::add(x(rows.first + row) + first, y, columns);
            });
  }

  void out(std::size_t layer, const Rows& rows, std::size_t panel, unsigned worker) const {
    add_product(places_.blocks[layer].out, panel, row_of(plan_.context, rows.first, shape_.hidden),
                rows, worker);
  }

  void normalise(const EncoderWeights::Norm& by, const Rows& rows) const {
    tensor::normalise(norm(by), x(rows.first), rows.count, shape_.hidden);
    tensor::store(weights_.precision(), x(rows.first), rows.count * shape_.hidden,
                  row_of(plan_.input, rows.first, shape_.hidden));
  }

  void up(std::size_t layer, const Rows& rows, std::size_t panel, unsigned worker,
          std::byte* inner) const {
    const std::byte* input = row_of(plan_.input, rows.first, shape_.hidden);
    const std::size_t columns_of_inner = shape_.intermediate;
    product(places_.blocks[layer].up, panel, input, rows.count, worker,
            [&](float* y, std::size_t row, std::size_t first, std::size_t columns) {
              tensor::activate(shape_.activation, y, columns);
              tensor::store(weights_.precision(), y, columns,
                            inner + (row * columns_of_inner + first) * number_);
            });
  }

  // --- from one attention to the next

  void rest_by_rows(std::size_t layer) {
    const EncoderWeights::Block& block = places_.blocks[layer];
    team_.run(plan_.blocks, [&](std::size_t i, unsigned worker) {
      check_stop();
      const Rows rows = rows_of(i);
      std::byte* inner = row_of(plan_.inner, worker * plan_.block_rows, shape_.intermediate);
      for (std::size_t p = 0; p < block.out.linear->panels(); ++p) out(layer, rows, p, worker);
      normalise(block.attention_norm, rows);
      for (std::size_t p = 0; p < block.up.linear->panels(); ++p) up(layer, rows, p, worker, inner);
      for (std::size_t p = 0; p < block.down.linear->panels(); ++p) {
        add_product(block.down, p, inner, rows, worker);
      }
      normalise(block.norm, rows);
      if (layer + 1 == places_.blocks.size()) return;
      for (std::size_t p = 0; p < block.query_key_value.linear->panels(); ++p) {
        query_key_value(layer + 1, rows, p, worker);
      }
    });
  }

  void rest_by_panels(std::size_t layer) {
    const EncoderWeights::Block& block = places_.blocks[layer];
    const auto inner = [&](const Rows& rows) {
      return row_of(plan_.inner, rows.first, shape_.intermediate);
    };
    share_panels(block.out, [&](auto... part) { out(layer, part...); });
    share_rows([&](const Rows& rows, unsigned) { normalise(block.attention_norm, rows); });
    share_panels(block.up, [&](const Rows& rows, std::size_t panel, unsigned worker) {
      up(layer, rows, panel, worker, inner(rows));
    });
    share_panels(block.down, [&](const Rows& rows, std::size_t panel, unsigned worker) {
      add_product(block.down, panel, inner(rows), rows, worker);
    });
    share_rows([&](const Rows& rows, unsigned) { normalise(block.norm, rows); });
    if (layer + 1 == places_.blocks.size()) return;
    share_panels(block.query_key_value, [&](auto... part) { query_key_value(layer + 1, part...); });
  }

  const EncoderWeights& weights_;
  const EncoderShape& shape_;
  const EncoderWeights::Places& places_;
  const std::size_t number_;  // bytes of one
  const std::byte* const memory_;
  const PackedTokens& tokens_;
  const std::size_t longest_;
  tensor::Team& team_;
  const Plan plan_;
  std::byte* const base_;
  const std::stop_token& stop_;
};

std::size_t longest_of(const PackedTokens& tokens) {
  std::size_t longest = 0;
  for (std::size_t i = 0; i < tokens.sequences(); ++i)
    longest = std::max(longest, tokens.length(i));
  return longest;
}

}  // namespace

std::uint64_t workspace_bytes(const EncoderWeights& weights, unsigned threads, std::size_t tokens,
                              std::size_t longest) {
  return Plan(weights, threads, tokens, longest).total;
}

std::span<const float> encode(const EncoderWeights& weights, const std::byte* memory,
                              const PackedTokens& tokens, tensor::Team& team,
                              std::span<std::byte> workspace, const std::stop_token& stop) {
  ROOST_ASSERT(tokens.tokens() > 0);
  return Pass(weights, memory, tokens, longest_of(tokens), team, workspace, stop).run();
}

}  // namespace roost::nets
