#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace roost::device {

// The whole file; nullopt when it cannot be read.
std::optional<std::string> read_text(const std::filesystem::path& file);

// A decimal number with nothing but white space around it. nullopt for anything else: "max", a
// negative number, one that does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);
std::optional<std::uint64_t> read_number(const std::filesystem::path& file);

// Cuts the first line, or the first word, off `rest` and returns it. Words are separated by
// spaces and tabs; an empty word means there is none left.
std::string_view take_line(std::string_view& rest);
std::string_view take_word(std::string_view& rest);

// The first word after `key` on the first line that starts with that word; nullopt if none does.
std::optional<std::string_view> word_after(std::string_view text, std::string_view key);
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key);

}  // namespace roost::device
