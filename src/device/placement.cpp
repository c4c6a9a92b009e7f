#include <algorithm>
#include <array>

#include "roost/ids.h"
#include "roost/device.h"
#include "roost/error.h"

namespace roost {
namespace {

using enum ExecutionProvider;
constexpr std::array kOrder = {Cuda, DirectML, CoreML, Cpu};  // best first

bool contains(const std::vector<ExecutionProvider>& providers, ExecutionProvider provider) {
  return std::find(providers.begin(), providers.end(), provider) != providers.end();
}

std::string join(const std::vector<ExecutionProvider>& providers) {
  std::string text;
  for (const ExecutionProvider provider : providers) {
    text.append(text.empty() ? "" : ", ").append(to_string(provider));
  }
  return text.empty() ? "no provider" : text;
}

std::string describe(const Device& device) {
  return "'" + printable(device.info().id) + "' (" + printable(device.info().name) + ")";
}

[[noreturn]] void refuse(ExecutionProvider provider, const std::string& why) {
  throw RoostError(ErrorCode::ProviderUnavailable,
                   "provider '" + std::string(to_string(provider)) + "' is not available: " + why);
}

// The device of the provider with most memory available; nullptr if it has none.
std::shared_ptr<Device> roomiest(const Machine& machine, ExecutionProvider provider) {
  std::shared_ptr<Device> best;
  std::uint64_t most = 0;
  for (const auto& device : machine.devices) {
    if (device->info().provider != provider) continue;
    const std::uint64_t available = device->sample().available_bytes;
    if (best && available <= most) continue;
    best = device;
    most = available;
  }
  return best;
}

// The machine's notes on a provider: why it was looked for and not found.
std::string notes_on(const Machine& machine, ExecutionProvider provider) {
  const std::string prefix = std::string(to_string(provider)) + ": ";
  std::string text;
  for (const std::string& note : machine.notes) {
    if (note.starts_with(prefix)) text += (text.empty() ? "" : "; ") + note.substr(prefix.size());
  }
  return text;
}

std::string why_missing(const Machine& machine, ExecutionProvider provider) {
  if (provider == DirectML) return "it exists on Windows only";
  if (provider == CoreML) return "it exists on macOS only";
  const std::string notes = notes_on(machine, provider);
  return notes.empty() ? "this machine has no such device" : notes;
}

Placement place_on_id(const Machine& machine, ExecutionProvider wanted,
                      const std::vector<ExecutionProvider>& supported, std::string_view id) {
  Placement placement;
  placement.device = machine.find(id);
  placement.provider = placement.device->info().provider;
  if (wanted != Auto && placement.provider != wanted) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "device " + describe(*placement.device) + " belongs to provider '" +
                         std::string(to_string(placement.provider)) + "', not to '" +
                         std::string(to_string(wanted)) + "'");
  }
  if (!contains(supported, placement.provider)) {
    refuse(placement.provider, "the backend runs on " + join(supported) + ", so not on device " +
                                   describe(*placement.device));
  }
  return placement;
}

Placement place_explicit(const Machine& machine, ExecutionProvider wanted,
                         const std::vector<ExecutionProvider>& supported) {
  Placement placement;
  placement.device = roomiest(machine, wanted);
  placement.provider = wanted;
  if (!placement.device) {
    refuse(wanted, why_missing(machine, wanted) + "; ask for 'auto' to take what there is");
  }
  if (!contains(supported, wanted)) refuse(wanted, "the backend runs on " + join(supported));
  return placement;
}

Placement place_auto(const Machine& machine, const std::vector<ExecutionProvider>& supported) {
  Placement placement;
  std::string& passed = placement.fell_back;
  const auto pass_over = [&passed](ExecutionProvider provider, const std::string& why) {
    passed.append(passed.empty() ? "" : "; ").append(to_string(provider)).append(": ").append(why);
  };
  for (const ExecutionProvider provider : kOrder) {
    const std::shared_ptr<Device> device = roomiest(machine, provider);
    const bool can_run = contains(supported, provider);
    if (device && can_run) {
      placement.device = device;
      placement.provider = provider;
      return placement;
    }
    const std::string failed = can_run ? notes_on(machine, provider) : "";
    if (device) pass_over(provider, "the backend cannot run on device " + describe(*device));
    if (!failed.empty()) pass_over(provider, failed);
  }
  refuse(Auto, "the backend runs on " + join(supported) + ", and this machine has none of these" +
                   (passed.empty() ? "" : " (" + passed + ")"));
}

}  // namespace

Placement choose_placement(const Machine& machine, ExecutionProvider wanted,
                           const std::vector<ExecutionProvider>& supported,
                           std::optional<std::string_view> device_id) {
  if (device_id) return place_on_id(machine, wanted, supported, *device_id);
  if (wanted != Auto) return place_explicit(machine, wanted, supported);
  return place_auto(machine, supported);
}

}  // namespace roost
