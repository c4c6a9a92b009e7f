#include "stress/playground.h"

#include <thread>

namespace roost::test {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kKiB = 1 << 10;
constexpr std::chrono::seconds kPatience{60};  // then it will never come to rest
const std::string kKeep = "keep";

// Plain, in place, with one image, with two; on whatever device.
FakeSpec spec_of(std::size_t model) {
  const std::uint64_t size = (1 + model % 3) * 256 * kKiB;
  FakeSpec spec;
  spec.placement_bytes = size;
  switch (model % 4) {
    case 0:
      break;
    case 1:
      spec.components = {{"model", size}};
      break;
    case 2:
      spec.components = {{"unet", size / 2}, {"vae", size / 2}};
      break;
    default:
      spec.components = {{"weights", size}};
      spec.placement_bytes = 64 * kKiB;
      spec.in_place = true;
  }
  return spec;
}

}  // namespace

Playground::Playground(ManualClock* clock)
    : clock_(clock), machine_(simulated_machine({.gpu_bytes = {16 * kMiB, 16 * kMiB}})) {
  EngineOptions options;
  options.machine = machine_;
  options.clock = clock;
  options.backends = {backend_};
  options.host_budget_bytes = 2 * kMiB;
  options.device_budget_bytes = {{"cuda:0", kMiB}, {"cuda:1", kMiB}};
  options.min_residency = std::chrono::milliseconds(0);
  options.pressure_interval = std::chrono::milliseconds(0);
  options.backoff_first = std::chrono::milliseconds(1);
  options.cache_entries = 4;
  options.log = [](LogLevel, std::string_view) {};
  engine_ = std::make_unique<Engine>(options);
  for (std::size_t model = 0; model < kModels; ++model) add(model);
  backend_->add(kKeep, fake_with_image(64 * kKiB));
  engine_->register_model(kKeep, "fake:" + kKeep);
  engine_->pin(kKeep);
  engine_->ready(kKeep);
}

void Playground::add(std::size_t model) {
  names_.push_back("m" + std::to_string(model));
  scripts_.push_back(backend_->add(names_.back(), spec_of(model)));
  ModelRegistration registration;
  registration.id = names_.back();
  registration.source = "fake:" + names_.back();
  if (model % 3 == 0) registration.options.device = "cpu";
  if (model % 6 == 1) registration.options.group = "one";
  if (model % 5 == 0) registration.options.ttl = std::chrono::milliseconds(5'000);
  engine_->register_model(registration);
}

void Playground::check_laws(Complaints& complaints) {
  for (const MemoryLine& line : engine_->memory().memories) {
    if (line.reserved <= line.budget) continue;
    complaints.add(std::to_string(line.reserved) + " bytes reserved on " + line.device +
                   ", over the budget");
  }
  if (engine_->status(kKeep).state != ModelState::Loaded) complaints.add("a pinned model has gone");
  for (const std::string& name : names_) check_history(name, complaints);
}

void Playground::check_history(const std::string& name, Complaints& complaints) {
  for (const HistoryEntry& entry : engine_->history(name)) {
    if (next_state(entry.from, entry.why) == entry.to) continue;
    complaints.add(name + " went from " + std::string(to_string(entry.from)) + " to " +
                   std::string(to_string(entry.to)) + " by " + std::string(to_string(entry.why)));
  }
}

bool Playground::is_quiet() const {
  const EngineStatus now = engine_->status();
  for (const MemoryLine& line : now.memory.memories) {
    if (line.reserved != live_bytes(line)) return false;
  }
  return now.loading == 0 && now.unloading == 0;
}

std::uint64_t Playground::live_bytes(const MemoryLine& line) const {
  if (line.memory == MemoryId::Host) return simulated_host(machine_).live_bytes();
  return simulated_gpu(machine_, index_of(line.memory) - 1).live_bytes();
}

bool Playground::come_to_rest(Complaints& complaints) const {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!is_quiet()) {
    if (std::chrono::steady_clock::now() >= give_up) {
      complaints.add("it does not come to rest: " + balance());
      return false;
    }
    std::this_thread::yield();
  }
  return true;
}

void Playground::check_quiet_laws(Complaints& complaints) {
  if (!come_to_rest(complaints)) return;
  check_laws(complaints);
  const EngineStatus now = engine_->status();
  if (now.waiting != 0) complaints.add(std::to_string(now.waiting) + " requests are left waiting");
  for (const MemoryLine& line : now.memory.memories) {
    if (line.lost != 0) complaints.add(std::to_string(line.lost) + " bytes lost on " + line.device);
  }
}

std::string Playground::balance() const {
  const EngineStatus now = engine_->status();
  std::string text =
      std::to_string(now.loading) + " load, " + std::to_string(now.unloading) + " unload";
  for (const MemoryLine& line : now.memory.memories) {
    text += "; " + line.device + ": " + std::to_string(line.reserved) + " bytes reserved, " +
            std::to_string(live_bytes(line)) + " live";
  }
  return text;
}

std::string Playground::picture() const {
  std::string text = balance() + "\n";
  for (const std::string& name : names_) {
    const ModelStatus now = engine_->status(name);
    text += name + ": " + std::string(to_string(now.state)) + " on '" + now.device + "'" +
            (now.draining ? ", draining" : "") + (now.queued ? ", queued" : "") + ", " +
            std::to_string(now.leases) + " leases, " + std::to_string(now.waiters) + " waiters, " +
            to_string(now.footprint) + ", group '" + now.options.group + "'\n";
  }
  for (const CacheEntry& entry : engine_->cache_report().entries) {
    text += entry.model + "/" + entry.component + (entry.held ? " held" : "") +
            (entry.kept ? " kept" : "") + "\n";
  }
  return text;
}

void Playground::expect_everything_back(Complaints& complaints) {
  engine_->unload_all();
  engine_->clear_cache();
  if (!come_to_rest(complaints)) return;
  for (const MemoryLine& line : engine_->memory().memories) {
    if (line.reserved == 0 && live_bytes(line) == 0) continue;
    complaints.add(std::to_string(line.reserved) + " bytes still reserved on " + line.device);
  }
}

}  // namespace roost::test
