#pragma once

#include <string>

#include "cli/commands.h"

namespace roost::cli {

// A command line, read and checked.
struct Arguments {
  std::string command;  // empty: `help` is to be printed, and that is all
  std::string help;
  Common common;
  ModelArguments model;  // of the commands that take one
  TextArguments text;    // of those that take texts; its model is `model`
  MakeArguments make;
};

// Throws InvalidArgument. Whether JSON was asked for is known even then.
void read_arguments(int argc, char** argv, Arguments& to);

}  // namespace roost::cli
