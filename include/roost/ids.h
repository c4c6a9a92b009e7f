#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

inline constexpr std::size_t kMaxIdBytes = 256;

// Throws InvalidModelId, naming what is wrong, unless `id` is 1 to 256 bytes of
// [A-Za-z0-9._:/@+-], starts with a letter, a digit or '_', and has no empty, "." or ".." part.
void check_model_id(std::string_view id);

// Throws InvalidArgument unless `text` is non-empty, at most `max_bytes` and without NUL or
// control bytes. `what` names the argument in the message.
void check_text(std::string_view what, std::string_view text, std::size_t max_bytes);

// `text` cut to 80 bytes, with control characters, invalid UTF-8 and what turns the direction of
// writing escaped: safe to print anywhere.
std::string printable(std::string_view text);

// ASCII lower case; names are compared this way.
std::string lower_ascii(std::string_view text);

// The candidates nearest to `wanted`, best first, at most three: those that differ in at most a
// third of the longer name, and those that `wanted` is a third of, or more.
std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& candidates);

}  // namespace roost
