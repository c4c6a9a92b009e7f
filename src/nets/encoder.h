#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "nets/encoder_weights.h"
#include "nets/packed_tokens.h"
#include "tensor/team.h"

namespace roost::nets {

// What encode() needs for so many tokens, the longest sequence having `longest`.
std::uint64_t workspace_bytes(const EncoderWeights& weights, unsigned threads, std::size_t tokens,
                              std::size_t longest);

// The hidden states after the last layer, tokens x hidden; they lie in `workspace`, which is
// kRegionAlign aligned. `memory` is what `weights` filled. There is at least one token, and no
// sequence is empty or longer than the shape's most_tokens(); ids and types are in range. Throws
// CancelledException between blocks of rows.
std::span<const float> encode(const EncoderWeights& weights, const std::byte* memory,
                              const PackedTokens& tokens, tensor::Team& team,
                              std::span<std::byte> workspace, const std::stop_token& stop);

}  // namespace roost::nets
