#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <string_view>

#include "cli/commands.h"
#include "cli/output.h"

namespace {

using roost::ErrorCode;
using roost::RoostError;
using roost::cli::Common;

std::uint64_t bytes_of(const std::string& text) {
  std::uint64_t bytes = 0;
  bool good = text.find('-') == std::string::npos;  // the parser would wrap a negative one around
  try {
    const CLI::AsSizeValue parse(false);  // 1 KiB is 1024 bytes, and so is 1 KB
    std::string copy = text;
    good = good && parse(copy).empty() && CLI::detail::lexical_cast(copy, bytes);
  } catch (const CLI::Error&) {
    good = false;  // an unknown unit, a fraction, more than 64 bits
  }
  if (!good) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "--budget is '" + text + "'; give whole bytes, like 512MiB or 8GiB");
  }
  return bytes;
}

int run(int argc, char** argv, Common& common) {
  CLI::App app("Roost: the whole life of a machine-learning model on one machine");
  app.set_version_flag("--version", "roost 0.1.0");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_flag("--json", common.json, "Print one JSON document");
  std::string budget;
  const CLI::Option* budget_given =
      app.add_option("--budget", budget, "Host memory that models may take, like 2GiB (KB = KiB)");
  std::string provider = "auto";
  app.add_option("--provider", provider, "auto, cuda, directml, coreml or cpu");

  CLI::App* demo = app.add_subcommand("demo", "See it work on the built-in model");
  CLI::App* devices = app.add_subcommand("devices", "What this machine offers");
  CLI::App* plan = app.add_subcommand("plan", "What loading a model would do, without doing it");
  roost::cli::PlanArguments plan_arguments;
  plan->add_option("model", plan_arguments.model, "A model: an id, an alias, a path")->required();
  plan->add_option("--device", plan_arguments.device, "A device id, as 'roost devices' prints it");
  plan->add_option("--rows", plan_arguments.rows, "builtin:lexical: how many token vectors");
  CLI::App* info = app.add_subcommand("info", "What a model is, loaded for the occasion");
  std::string info_model;
  info->add_option("model", info_model, "A model: an id, an alias, a path")->required();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help and version
    // A parse that failed may not have come as far as --json.
    common.json = common.json || std::any_of(argv + 1, argv + argc, [](std::string_view word) {
      return word == "--json";
    });
    std::string why = error.what();
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !app.remaining().empty()) {
      why = "there is no command '" + app.remaining().front() + "'";
    }
    throw RoostError(ErrorCode::InvalidArgument, why + "; 'roost --help' tells what there is");
  }
  if (budget_given->count() > 0) common.engine.host_budget_bytes = bytes_of(budget);
  const auto parsed = roost::parse_execution_provider(provider);
  if (!parsed) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "--provider is '" + provider +
                         "'; there are auto, cuda, directml, coreml and cpu");
  }
  common.engine.provider = *parsed;

  if (*demo) roost::cli::demo(common);
  if (*devices) roost::cli::devices(common);
  if (*plan) roost::cli::plan(common, plan_arguments);
  if (*info) roost::cli::info(common, info_model);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Common common;
  try {
    const int code = run(argc, argv, common);
    roost::cli::flush_output();
    return code;
  } catch (const RoostError& error) {
    return roost::cli::report(error, common.json);
  } catch (const std::exception& error) {
    return roost::cli::report(RoostError(ErrorCode::Internal, error.what()), common.json);
  }
}
