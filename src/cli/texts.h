#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace roost::cli {

// The texts a command was given: on the command line, or one a line in a file, "-" being standard
// input. Empty lines are passed over. Throws InvalidArgument when there is none, IoError.
std::vector<std::string> texts_of(const TextArguments& arguments);

// Calls `use` with some of the texts after the other, and shows a person how far it is when there
// are many.
void in_batches(const std::vector<std::string>& texts,
                const std::function<void(std::size_t first, std::span<const std::string>)>& use);

// Where a bar of progress is drawn: a person's terminal, beside output that goes elsewhere or not.
void show_progress(const std::string& what, double fraction);

}  // namespace roost::cli
