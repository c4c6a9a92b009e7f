#include "catalog/local_path.h"

#include <filesystem>
#include <system_error>

namespace roost::catalog {
namespace {

constexpr std::string_view kScheme = "file:";

}  // namespace

bool looks_like_path(std::string_view name) {
  return name.starts_with('/') || name.starts_with("./") || name.starts_with("../") ||
         name.starts_with(kScheme) || name == "." || name == "..";
}

std::optional<std::string> find_local_path(std::string_view name) {
  if (name.starts_with(kScheme)) name.remove_prefix(kScheme.size());
  if (name.empty() || name.find('\0') != std::string_view::npos) return std::nullopt;
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(std::string(name), error);
  if (error) return std::nullopt;
  const std::filesystem::file_status status = std::filesystem::status(absolute, error);
  if (error || !(is_regular_file(status) || is_directory(status))) return std::nullopt;
  std::string path = absolute.lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace roost::catalog
