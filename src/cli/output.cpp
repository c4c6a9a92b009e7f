#include "cli/output.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace roost::cli {

namespace {

// In characters: UTF-8 continuation bytes take no place of their own.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    out += (out.empty() ? "" : "\n") + line;
  }
  return out;
}

std::string fixed(double number, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return text.data();
}

std::string utc(std::chrono::system_clock::time_point at) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch());
  const std::time_t seconds = since.count() / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ",
                static_cast<int>(since.count() % 1000));
  return text.data();
}

void print_json(const Value& value) { print_line(value.to_json(true)); }

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_line(std::string_view line) { print(std::string(line) + "\n"); }

void flush_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw RoostError(ErrorCode::IoError,
                   "standard output could not be written whole: the disk is full, or the reader left");
}

Value to_value(const MemoryVector& vector) {
  Value out = Value::Object{};
  vector.for_each([&](MemoryId id, std::uint64_t bytes) { out[to_string(id)] = bytes; });
  return out;
}

int report(const RoostError& error, bool json, Value more) {
  const ErrorKind& kind = error_kind(error.code());
  if (json) {
    more["error"]["code"] = kind.name;
    more["error"]["message"] = error.what();
    print_json(more);
  }
  const bool told = json && std::ferror(stdout) == 0;
  if (!told) std::fprintf(stderr, "roost: %s\n", error.what());
  return kind.exit_code;
}

}  // namespace roost::cli
