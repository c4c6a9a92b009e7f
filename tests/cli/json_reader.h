#pragma once

#include <string_view>

#include "roost/value.h"

namespace roost::cli::test {

// One JSON document (RFC 8259) and nothing after it but white space. Strict: throws
// std::runtime_error, with the place, on anything else, invalid UTF-8 and a key twice included.
Value read_json(std::string_view text);

}  // namespace roost::cli::test
