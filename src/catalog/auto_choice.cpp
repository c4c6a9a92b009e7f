#include "catalog/auto_choice.h"

#include <algorithm>

#include "roost/error.h"

namespace roost::catalog {
namespace {

constexpr std::uint64_t kHostReserve = std::uint64_t{4} << 30;

std::uint64_t share(std::uint64_t bytes, double part) {
  return static_cast<std::uint64_t>(static_cast<double>(bytes) * part);
}

const AutoCandidate* largest_within(std::span<const AutoCandidate> candidates,
                                    std::uint64_t budget) {
  const AutoCandidate* best = nullptr;
  for (const AutoCandidate& candidate : candidates) {
    if (candidate.bytes > budget) continue;
    if (best == nullptr || candidate.bytes >= best->bytes) best = &candidate;
  }
  return best;
}

}  // namespace

std::uint64_t vram_budget(const HardwareProfile& hardware) {
  return std::min(share(hardware.gpu_total_bytes, 1 - kVramMargin),
                  share(hardware.gpu_free_bytes, 0.95));
}

std::uint64_t ram_budget(const HardwareProfile& hardware) {
  const std::uint64_t total = hardware.system_total_bytes;
  return std::min(total / 2, total > kHostReserve ? total - kHostReserve : 0);
}

const AutoCandidate& choose_auto(std::span<const AutoCandidate> candidates,
                                 const HardwareProfile& hardware) {
  if (candidates.empty()) {
    throw RoostError(ErrorCode::InvalidArgument, "choosing a model by hardware: no candidates");
  }
  if (const AutoCandidate* best = largest_within(candidates, vram_budget(hardware))) return *best;
  if (const AutoCandidate* best = largest_within(candidates, ram_budget(hardware))) return *best;
  return *std::min_element(
      candidates.begin(), candidates.end(),
      [](const AutoCandidate& a, const AutoCandidate& b) { return a.bytes < b.bytes; });
}

std::string_view reranker_word(HardwareTier tier) {
  if (tier == HardwareTier::Low) return "default";
  return tier == HardwareTier::Medium ? "quality" : "large";
}

}  // namespace roost::catalog
