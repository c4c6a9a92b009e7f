#include <csignal>
#include <exception>

#include "cli/arguments.h"
#include "cli/output.h"

namespace {

using namespace roost::cli;
using roost::ErrorCode;
using roost::RoostError;

int run(const Arguments& arguments) {
  if (arguments.command == "demo") return demo(arguments.common);
  if (arguments.command == "devices") return devices(arguments.common);
  if (arguments.command == "plan") return plan(arguments.common, arguments.model);
  if (arguments.command == "info") return info(arguments.common, arguments.model);
  if (arguments.command == "make") return make(arguments.common, arguments.make);
  if (arguments.command == "embed") return embed(arguments.common, arguments.text);
  if (arguments.command == "rerank") return rerank(arguments.common, arguments.text);
  if (arguments.command == "classify") return classify(arguments.common, arguments.text);
  print(arguments.help);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that left is a write that failed, and told
  Arguments arguments;
  try {
    read_arguments(argc, argv, arguments);
    const int code = run(arguments);
    flush_output();
    return code;
  } catch (const RoostError& error) {
    return report(error, arguments.common.json);
  } catch (const std::exception& error) {
    return report(RoostError(ErrorCode::Internal, error.what()), arguments.common.json);
  }
}
