#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace roost::catalog {

// Written as a path: "/x", "./x", "../x", "file:/x", or just "." or "..". "~" is the shell's.
bool looks_like_path(std::string_view name);

// The absolute, tidied path of what lies there now: a file or a folder. nullopt when nothing does.
std::optional<std::string> find_local_path(std::string_view name);

}  // namespace roost::catalog
