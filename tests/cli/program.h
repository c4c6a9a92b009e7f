#pragma once

#include <string>
#include <vector>

#include "cli/json_reader.h"

namespace roost::cli::test {

// Where the program's standard output goes.
enum class Output { Captured, FullDisk, ClosedPipe };

struct Result {
  int exit_code = -1;  // -1: it was ended by a signal
  std::string out, err;

  Value json() const { return read_json(out); }
};

// Runs the built `roost` to its end.
Result roost(const std::vector<std::string>& arguments, Output output = Output::Captured);

std::vector<std::string> keys(const Value& object);

}  // namespace roost::cli::test
