#include "backend/builtin/vectors.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "base/thread_pool.h"
#include "roost/error.h"

namespace roost::backend {
namespace {

constexpr std::uint64_t kChunkBytes = 256 << 10;
constexpr std::uint64_t kOfferBytes = 32 << 10;

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
  x = (x ^ x >> 27) * 0x94D049BB133111EB;
  return x ^ x >> 31;
}

// Integer arithmetic, then 24 bits to a float: exact, so no machine rounds differently.
void generate_row(const TableShape& shape, std::uint32_t row, float* out) {
  const std::uint64_t key = mix(mix(shape.seed + 0x9E3779B97F4A7C15) + row);
  const auto low = static_cast<std::uint32_t>(key);
  const auto high = static_cast<std::uint32_t>(key >> 32);
  for (std::uint32_t i = 0; i < shape.dimensions; ++i) {
    std::uint32_t x = i * 0x9E3779B9u ^ low;
    x = (x ^ x >> 16) * 0x7FEB352Du + high;
    x = (x ^ x >> 15) * 0x846CA68Bu;
    x ^= x >> 16;
    out[i] = static_cast<float>(static_cast<std::int32_t>(x) >> 8) * 0x1p-23f;
  }
}

// Chunks of rows that any thread may take until none is left or the work is called off.
class Generation {
 public:
  Generation(const TableShape& shape, std::span<float> table, std::stop_token stop)
      : shape_(shape),
        table_(table),
        chunk_rows_(rows_of(kChunkBytes)),
        offer_rows_(rows_of(kOfferBytes)),
        stop_(std::move(stop)) {}

  template <class Report>
  void work(std::stop_token mine, const Report& report) {
    while (!mine.stop_requested() && !stop_.stop_requested()) {
      const std::uint64_t from = next_row_.fetch_add(chunk_rows_);
      if (from >= shape_.rows) return;
      const std::uint64_t to = std::min<std::uint64_t>(from + chunk_rows_, shape_.rows);
      for (std::uint64_t row = from; row < to; ++row) {
        generate_row(shape_, static_cast<std::uint32_t>(row),
                     table_.data() + row * shape_.dimensions);
        if (row % offer_rows_ == 0) offer_processor();
      }
      report(rows_done_.fetch_add(to - from) + (to - from));
    }
  }

  std::uint64_t chunks() const { return (shape_.rows + chunk_rows_ - 1) / chunk_rows_; }
  bool complete() const { return rows_done_.load() == shape_.rows; }

 private:
  std::uint64_t rows_of(std::uint64_t bytes) const {
    return std::max<std::uint64_t>(1, bytes / (shape_.dimensions * sizeof(float)));
  }

  const TableShape shape_;
  const std::span<float> table_;
  const std::uint64_t chunk_rows_, offer_rows_;
  const std::stop_token stop_;
  std::atomic<std::uint64_t> next_row_ = 0;
  std::atomic<std::uint64_t> rows_done_ = 0;
};

}  // namespace

void generate_table(const TableShape& shape, std::span<float> table, unsigned threads,
                    const std::function<void(double)>& progress, std::stop_token stop) {
  ROOST_ASSERT(table.size() == shape.floats());
  Generation generation(shape, table, std::move(stop));
  {
    const auto quiet = [](std::uint64_t) {};
    std::vector<std::jthread> helpers;
    const std::uint64_t wanted = std::min<std::uint64_t>(threads, generation.chunks());
    for (std::uint64_t i = 1; i < wanted; ++i) {
      helpers.emplace_back([&](std::stop_token mine) { generation.work(mine, quiet); });
    }
    generation.work({}, [&](std::uint64_t rows) {
      if (progress) progress(static_cast<double>(rows) / shape.rows);
    });
    for (std::jthread& helper : helpers) helper.join();
  }
  if (!generation.complete()) {
    throw CancelledException("generating a table of " + std::to_string(shape.rows) + " x " +
                             std::to_string(shape.dimensions) + " vectors was cancelled");
  }
  if (progress) progress(1.0);
}

}  // namespace roost::backend
