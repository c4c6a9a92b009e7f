#pragma once

#include "backend/builtin/vectors.h"
#include "roost/value.h"

namespace roost::backend {

// The shape that a model's options ask for: `rows` 64 .. 2^20, `dimensions` 8 .. 4096, `seed`
// from 0 on. Throws UnknownOption for any other key and InvalidArgument for a value out of range.
TableShape parse_lexical_options(const Value& options);

}  // namespace roost::backend
