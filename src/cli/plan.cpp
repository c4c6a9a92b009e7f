#include "cli/commands.h"
#include "cli/output.h"
#include "roost/engine.h"

namespace roost::cli {

void plan(const Common& common, const PlanArguments& arguments) {
  const Engine engine(common.engine);
  LoadOptions load;
  if (arguments.device) load.device = *arguments.device;
  if (arguments.rows) load.backend["rows"] = *arguments.rows;
  const PlanReport report = engine.plan(arguments.model, load);
  if (common.json) {
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
    print_json(out);
    return;
  }
  print_line(std::string(to_string(report.verdict)) + ": " + report.explanation);
  print_line(table({{"needs", to_string(report.need)}, {"free", to_string(report.free)}}));
  for (const PlanVictim& victim : report.victims) {
    print_line("would " + std::string(victim.demote ? "demote " : "evict ") + victim.model +
               ", which frees " + to_string(victim.frees) + ": " + victim.why);
  }
}

}  // namespace roost::cli
