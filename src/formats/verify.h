#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "formats/file.h"
#include "roost/value.h"

namespace roost::formats {

// Note: worth knowing. Warning: may fail or is less safe than it could be. Problem: do not load it.
enum class Severity : std::uint8_t { Note, Warning, Problem };
std::string_view to_string(Severity severity);

struct Finding {
  Severity severity = Severity::Note;
  std::string file;  // in the folder; empty for the whole
  std::string what;
  std::string advice;  // what to do about it; may be empty
};

// Looks at every file of a model that there is a reader for, not only at those that would be
// loaded: headers, bounds and overlaps; checksums of PyTorch's entries, for which all of them are
// read; sizes in the configuration against those of the tensors; pickles and code. No finding of
// Problem means that none of it is wrong. `stop` is obeyed within a MiB. Throws IoError when there
// is nothing at `path`, CancelledException.
std::vector<Finding> verify(const std::string& path, Links links = Links::None,
                            const std::stop_token& stop = {});

Value to_value(const std::vector<Finding>& findings);
std::string to_text(const std::vector<Finding>& findings);

}  // namespace roost::formats
