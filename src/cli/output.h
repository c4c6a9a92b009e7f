#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "roost/error.h"
#include "roost/value.h"

namespace roost::cli {

// Columns padded to their widest cell; no new line at the end.
std::string table(const std::vector<std::vector<std::string>>& rows);

std::string fixed(double number, int decimals);
std::string utc(std::chrono::system_clock::time_point at);  // "2026-01-31T23:59:59.999Z"

// One JSON document, pretty, to standard output.
void print_json(const Value& value);
void print(std::string_view text);
void print_line(std::string_view line);
void flush_output();  // throws IoError when some of it could not be written

// {"host": bytes, ...}
Value to_value(const MemoryVector& vector);

// Prints an error, to standard error where standard output is not for it or is lost, and returns
// the code to end with. The JSON document also says what `more`, an object, says.
int report(const RoostError& error, bool json, Value more = Value::Object{});

}  // namespace roost::cli
