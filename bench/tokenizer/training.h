#pragma once

#include <string>
#include <utility>
#include <vector>

namespace roost::bench {

// Byte-pair merges learnt from texts, most frequent first; in GPT-2's spelling of bytes.
std::vector<std::pair<std::string, std::string>> learn_merges(const std::vector<std::string>& texts,
                                                              std::size_t most);

// Definitions (tokenizer.json) with what the texts teach.
std::string bpe_definition(const std::vector<std::string>& texts, std::size_t merges);
std::string wordpiece_definition(const std::vector<std::string>& texts, std::size_t merges);

}  // namespace roost::bench
