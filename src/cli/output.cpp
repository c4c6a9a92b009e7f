#include "cli/output.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace roost::cli {

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    out += line + "\n";
  }
  return out;
}

std::string fixed(double number, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return text.data();
}

void print_json(const Value& value) { print_line(value.to_json(true)); }

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void flush_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw RoostError(ErrorCode::IoError, "standard output could not be written whole");
}

Value to_value(const MemoryVector& vector) {
  Value out = Value::Object{};
  vector.for_each([&](MemoryId id, std::uint64_t bytes) { out[to_string(id)] = bytes; });
  return out;
}

int report(const RoostError& error, bool json) {
  const ErrorKind& kind = error_kind(error.code());
  if (json) {
    Value out;
    out["error"]["code"] = kind.name;
    out["error"]["message"] = error.what();
    print_json(out);
  } else {
    std::fprintf(stderr, "roost: %s\n", error.what());
  }
  return kind.exit_code;
}

}  // namespace roost::cli
