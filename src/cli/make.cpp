#include <filesystem>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/texts.h"

namespace roost::cli {

int make(const Common& common, const MakeArguments& arguments) {
  make_model(arguments.folder, arguments.options,
             [](double fraction) { show_progress("weights", fraction); });
  const std::string path = std::filesystem::absolute(arguments.folder).lexically_normal().string();
  const std::uint64_t bytes =
      std::filesystem::file_size(std::filesystem::path(path) / "model.safetensors");
  if (common.json) {
    print_json(Value::Object{
        {"path", path}, {"family", arguments.options.family}, {"weight_bytes", bytes}});
    return 0;
  }
  const std::size_t labels = arguments.options.labels;
  const std::string use = labels == 0   ? "embed " + path + " \"some text\""
                          : labels == 1 ? "rerank " + path + " \"which one\" \"this\" \"that\""
                                        : "classify " + path + " \"some text\"";
  print_line("A random " + arguments.options.family + " model of " + format_bytes(bytes) +
             " is in " + path + ".\nIt means nothing, and runs: roost " + use);
  return 0;
}

}  // namespace roost::cli
