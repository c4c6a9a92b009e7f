#include "cli/commands.h"
#include "cli/output.h"

namespace roost::cli {
namespace {

Value as_value(const Machine& machine, const MemoryReport& memory, const Placement& choice) {
  Value out;
  out["processor"]["name"] = machine.processor.name;
  out["processor"]["cores"] = machine.processor.cores;
  out["processor"]["features"] = Value::Array(machine.processor.features.begin(),
                                              machine.processor.features.end());
  Value::Array devices;
  for (std::size_t i = 0; i < machine.devices.size(); ++i) {
    const DeviceInfo& info = machine.devices[i]->info();
    const MemoryLine& line = memory.memories[i];
    Value device;
    device["id"] = info.id;
    device["name"] = info.name;
    device["provider"] = to_string(info.provider);
    device["driver"] = info.driver;
    device["total_bytes"] = line.total;
    device["available_bytes"] = line.available;
    device["budget_bytes"] = line.budget;
    devices.push_back(std::move(device));
  }
  out["devices"] = std::move(devices);
  const HardwareProfile profile = machine.profile();
  out["tier"] = to_string(profile.tier());
  out["provider"] = to_string(choice.provider);
  out["fell_back"] = choice.fell_back;
  out["recommended_provider"] = to_string(profile.recommended_provider());
  out["notes"] = Value::Array(machine.notes.begin(), machine.notes.end());
  return out;
}

void print(const Machine& machine, const MemoryReport& memory, const Placement& choice) {
  print_line(machine.processor.name + ", " + std::to_string(machine.processor.cores) + " cores");
  std::string features;
  for (const std::string& feature : machine.processor.features) features += " " + feature;
  print_line("features:" + features + "\n");
  std::vector<std::vector<std::string>> rows = {
      {"DEVICE", "PROVIDER", "TOTAL", "AVAILABLE", "BUDGET", "NAME"}};
  for (std::size_t i = 0; i < machine.devices.size(); ++i) {
    const DeviceInfo& info = machine.devices[i]->info();
    const MemoryLine& line = memory.memories[i];
    rows.push_back({info.id, std::string(to_string(info.provider)), format_bytes(line.total),
                    format_bytes(line.available), format_bytes(line.budget), info.name});
  }
  print_line(table(rows) + "\n");
  print_line("hardware tier: " + std::string(to_string(machine.profile().tier())) +
             " (the model 'auto' means goes by it)");
  print_line("provider: " + std::string(to_string(choice.provider)));
  if (!choice.fell_back.empty()) print_line("  auto passed over " + choice.fell_back);
}

}  // namespace

int devices(const Common& common) {
  using enum ExecutionProvider;
  const auto engine = open_engine(common);
  const Machine machine = engine->machine();
  const MemoryReport memory = engine->memory();
  const Placement choice =
      choose_placement(machine, common.engine.provider, {Cuda, DirectML, CoreML, Cpu});
  if (common.json) {
    print_json(as_value(machine, memory, choice));
  } else {
    print(machine, memory, choice);
  }
  return 0;
}

}  // namespace roost::cli
