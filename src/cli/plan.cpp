#include "cli/commands.h"
#include "cli/output.h"

namespace roost::cli {
namespace {

Value as_value(const PlanReport& report) {
  Value out;
  out["model"] = report.model;
  out["verdict"] = to_string(report.verdict);
  out["already_loaded"] = report.already_loaded;
  out["need"] = to_value(report.need);
  out["free"] = to_value(report.free);
  out["short_by"] = to_value(report.short_by);
  Value::Array victims;
  for (const PlanVictim& victim : report.victims) {
    Value entry;
    entry["model"] = victim.model;
    entry["demote"] = victim.demote;
    entry["frees"] = to_value(victim.frees);
    entry["why"] = victim.why;
    victims.push_back(std::move(entry));
  }
  out["victims"] = std::move(victims);
  out["waits_for"] = report.waits_for;
  out["explanation"] = report.explanation;
  if (report.refused_as) {
    out["error"]["code"] = to_string(*report.refused_as);
    out["error"]["message"] = report.explanation;
  }
  return out;
}

void print(const PlanReport& report) {
  print_line(std::string(to_string(report.verdict)) + ": " + report.explanation);
  std::vector<std::vector<std::string>> rows = {{"needs", to_string(report.need)},
                                                {"free", to_string(report.free)}};
  if (!report.short_by.empty()) rows.push_back({"short by", to_string(report.short_by)});
  print_line(table(rows));
  for (const PlanVictim& victim : report.victims) {
    print_line("would " + std::string(victim.demote ? "demote " : "evict ") + victim.model +
               ", which frees " + to_string(victim.frees) + ": " + victim.why);
  }
}

}  // namespace

int plan(const Common& common, const ModelArguments& arguments) {
  const auto engine = open_engine(common);
  const PlanReport report = engine->plan(arguments.model, arguments.load_options());
  if (common.json) {
    print_json(as_value(report));
  } else {
    print(report);
  }
  return report.refused_as ? error_kind(*report.refused_as).exit_code : 0;
}

}  // namespace roost::cli
