#pragma once

#include <cstddef>
#include <span>

namespace roost::nets {

// The bias that MPNet learnt for a distance, as T5 has it: half the buckets for keys before the
// query and half for those after, the near distances apart, the far ones by their logarithm.
std::size_t bucket_of(std::ptrdiff_t key_minus_query, std::size_t buckets);

// For one head: to[longest - 1 + d] is the bias at distance d, from 1 - longest to longest - 1.
// `table` is buckets x heads.
void fill_distance_bias(const float* table, std::size_t buckets, std::size_t heads,
                        std::size_t head, std::size_t longest, std::span<float> to);

}  // namespace roost::nets
