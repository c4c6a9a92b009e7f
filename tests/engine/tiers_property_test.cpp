// The two tiers as a pair: after any sequence of calls, host memory and the devices hold what a
// small reference says, byte for byte, and count it so. A failing seed is printed with its steps;
// ROOST_TIERS_SEED=n runs that one alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>
#include <tuple>

#include "base/mutex.h"
#include "engine/tiers_reference.h"
#include "roost/engine.h"
#include "support/fake_backend.h"
#include "support/manual_clock.h"
#include "support/simulated_machine.h"

namespace roost::test {
namespace {

constexpr std::uint64_t kKiB = 1 << 10;
constexpr std::uint64_t kModelBytes = 256 * kKiB;  // of a model on a device
constexpr std::size_t kSeeds = 12;
constexpr std::size_t kSteps = 150;
constexpr std::chrono::seconds kPatience{60};  // then it will never come to rest

std::string name_of(std::size_t model) {
  return "m" + std::to_string(model);
}
std::string id_of(std::size_t device) {
  return "cuda:" + std::to_string(device);
}

// Passes everything on, and looks at the weights of every load: they must be those that were read
// first, wherever they have been since.
class WatchedBackend final : public Backend {
 public:
  explicit WatchedBackend(std::shared_ptr<FakeBackend> inner) : inner_(std::move(inner)) {}

  std::string_view name() const override { return inner_->name(); }
  std::optional<std::string> why_not(const ModelDescription& description) const override {
    return inner_->why_not(description);
  }
  void check_options(const Value& options) const override { inner_->check_options(options); }
  std::vector<ExecutionProvider> providers() const override { return inner_->providers(); }
  LoadEstimate estimate(const ModelDescription& description, const Device& device) const override {
    return inner_->estimate(description, device);
  }
  std::shared_ptr<const HostImage> read(const ModelDescription& description,
                                        const std::string& component, LoadContext& context,
                                        std::stop_token stop) override {
    return inner_->read(description, component, context, std::move(stop));
  }
  std::unique_ptr<Model> load(const ModelDescription& description, LoadContext& context,
                              std::stop_token stop) override {
    for (std::size_t i = 0; i < context.images.size(); ++i) {
      look_at(description.id + "/" + std::to_string(i), context.images[i]->checksum());
    }
    return inner_->load(description, context, std::move(stop));
  }

  std::set<std::string> changed() const {
    const MutexLock lock(mutex_);
    return changed_;
  }

 private:
  void look_at(const std::string& image, std::uint64_t checksum) {
    const MutexLock lock(mutex_);
    if (checksums_.emplace(image, checksum).first->second != checksum) changed_.insert(image);
  }

  const std::shared_ptr<FakeBackend> inner_;
  mutable Mutex mutex_;
  std::map<std::string, std::uint64_t> checksums_ ROOST_GUARDED_BY(mutex_);
  std::set<std::string> changed_ ROOST_GUARDED_BY(mutex_);
};

// Moves only when told to, but whoever waits looks again all the same: memory that a device gives
// back late is waited for.
class SteppedClock final : public Clock {
 public:
  void advance(Duration by) { time_.advance(by); }
  Instant now() const override { return time_.now(); }
  WallTime wall() const override { return time_.wall(); }
  bool wait_until(std::condition_variable_any& wake, Mutex& mutex, std::stop_token stop, Instant,
                  const std::function<bool()>& done) override {
    wake.wait_for(mutex, std::move(stop), std::chrono::milliseconds(1), done);
    return done();
  }

 private:
  ManualClock time_;
};

// Room for a whole model at least, so that what a model leaves behind stays together.
TiersReference::Limits some_limits(std::mt19937& random) {
  TiersReference::Limits limits;
  limits.models = {1 + random() % 3, 1 + random() % 3};
  limits.model_bytes = kModelBytes;
  if (random() % 4 != 0) limits.cache_bytes = (1 + random() % 4) * kModelBytes;
  if (random() % 4 != 0) limits.cache_entries = 3 + random() % 4;
  return limits;
}

// One runs in place; only one, for of several that let go of their images at once the order would
// be chance. A user asked to keep these, or they would go along with a victim.
std::vector<TiersReference::Model> some_models() {
  std::vector<TiersReference::Model> models(6);
  models[0].images = {{"model", 256 * kKiB}};
  models[1].images = {{"unet", 128 * kKiB}, {"vae", 64 * kKiB}};
  models[2].images = {{"text", 64 * kKiB}, {"unet", 64 * kKiB}, {"vae", 128 * kKiB}};
  models[3].images = {{"weights", 128 * kKiB}, {"more", 64 * kKiB}};
  models[3].in_place = true;
  models[4].images = {{"model", 192 * kKiB}};
  models[5].images = {{"unet", 64 * kKiB}, {"vae", 128 * kKiB}};
  for (std::size_t i = 0; i < models.size(); ++i) models[i].home = i % kTierDevices;
  return models;
}

// An engine and the reference, taken through the same steps.
class TwoTiers {
 public:
  explicit TwoTiers(std::uint32_t seed)
      : random_(seed), expected_(some_limits(random_), some_models()) {
    EngineOptions options;
    options.machine = machine_;
    options.clock = &clock_;
    options.backends = {watched_};
    options.eviction = EvictionPolicy::Lru;
    options.min_residency = std::chrono::milliseconds(0);
    options.pressure_interval = std::chrono::milliseconds(0);
    options.log = [](LogLevel, std::string_view) {};
    const TiersReference::Limits& limits = expected_.limits();
    if (limits.cache_bytes != UINT64_MAX) options.cache_bytes = limits.cache_bytes;
    if (limits.cache_entries != SIZE_MAX) options.cache_entries = limits.cache_entries;
    for (std::size_t device = 0; device < kTierDevices; ++device) {
      options.device_budget_bytes[id_of(device)] = limits.models[device] * kModelBytes;
    }
    engine_ = std::make_unique<Engine>(options);
    for (std::size_t model = 0; model < expected_.models().size(); ++model) add(model);
  }

  void step();
  void check();
  std::string steps() const { return steps_.str(); }

 private:
  using Images = std::vector<std::size_t>;

  void add(std::size_t number);
  std::size_t some_model() { return random_() % expected_.models().size(); }
  std::size_t some_device() { return random_() % kTierDevices; }
  Images some_images(std::size_t model);
  std::vector<std::string> names(std::size_t model, const Images& images) const;
  static LoadOptions on(std::size_t device);
  void expect_freed(const UnloadReport& report, const MemoryVector& freed);

  void load();
  void clear_cache_beside_a_load();
  void load_on_all();
  void preload();
  void use();
  void unload();
  void unload_device();
  void demote();
  void cache();
  void uncache();
  void clear_cache();
  void lower_a_budget();
  void tear_a_device();
  void defragment();

  // Starts to load a model that is not loaded, and holds it when its images are there.
  std::future<void> start_held_load(std::size_t model, std::size_t device);
  void expect_images_held(std::size_t model);
  void come_to_rest(const std::vector<MemoryId>& memories);
  static std::vector<MemoryId> all_memories();
  std::uint64_t live_bytes(MemoryId memory) const;
  std::uint64_t expected_bytes(MemoryId memory) const;
  void check_memory();
  void check_cache();
  void check_models();
  void check_evictions();

  std::mt19937 random_;
  TiersReference expected_;
  std::ostringstream steps_;
  SteppedClock clock_;
  const Machine machine_ = simulated_machine({.gpu_bytes = {64 * kModelBytes, 64 * kModelBytes}});
  const std::shared_ptr<FakeBackend> backend_ =
      std::make_shared<FakeBackend>(std::vector{ExecutionProvider::Cuda});
  const std::shared_ptr<WatchedBackend> watched_ = std::make_shared<WatchedBackend>(backend_);
  std::unique_ptr<Engine> engine_;
};

// --- steps

void TwoTiers::add(std::size_t number) {
  const TiersReference::Model& model = expected_.models()[number];
  FakeSpec spec;
  spec.placement_bytes = kModelBytes;
  spec.in_place = model.in_place;
  for (const auto& image : model.images) spec.components.push_back({image.component, image.bytes});
  backend_->add(name_of(number), spec);
  ModelRegistration registration;
  registration.id = name_of(number);
  registration.source = "fake:" + name_of(number);
  registration.options.device = id_of(model.home);
  engine_->register_model(registration);
  engine_->uncache(name_of(number));  // its images are known from now on, in this order
  expected_.uncache(number, {});
  if (!model.in_place) return;
  engine_->cache(name_of(number));
  expected_.cache(number, {0, 1});
}

void TwoTiers::step() {
  static constexpr std::array kCalls = {
      &TwoTiers::load,          &TwoTiers::load,        &TwoTiers::clear_cache_beside_a_load,
      &TwoTiers::load,          &TwoTiers::load_on_all, &TwoTiers::preload,
      &TwoTiers::use,           &TwoTiers::use,         &TwoTiers::unload,
      &TwoTiers::demote,        &TwoTiers::demote,      &TwoTiers::unload_device,
      &TwoTiers::cache,         &TwoTiers::cache,       &TwoTiers::uncache,
      &TwoTiers::tear_a_device, &TwoTiers::clear_cache, &TwoTiers::lower_a_budget,
      &TwoTiers::defragment};
  clock_.advance(std::chrono::seconds(1));
  expected_.tick();
  (this->*kCalls[random_() % kCalls.size()])();
}

LoadOptions TwoTiers::on(std::size_t device) {
  LoadOptions options;
  options.device = id_of(device);
  return options;
}

TwoTiers::Images TwoTiers::some_images(std::size_t model) {
  Images images;
  for (std::size_t i = 0; i < expected_.models()[model].images.size(); ++i) {
    if (random_() % 2 == 0) images.push_back(i);
  }
  if (images.empty()) images.push_back(0);
  return images;
}

std::vector<std::string> TwoTiers::names(std::size_t model, const Images& images) const {
  std::vector<std::string> names;
  for (const std::size_t i : images) {
    names.push_back(expected_.models()[model].images[i].component);
  }
  return names;
}

void TwoTiers::expect_freed(const UnloadReport& report, const MemoryVector& freed) {
  EXPECT_TRUE(report.freed == freed)
      << to_string(report.freed) << " instead of " << to_string(freed);
  EXPECT_TRUE(report.lost.empty());
}

std::future<void> TwoTiers::start_held_load(std::size_t model, std::size_t device) {
  Gate& gate = backend_->script(name_of(model)).gate(FakeStep::Load);
  gate.shut();
  std::future<void> loaded = engine_->ready_async(name_of(model), on(device));
  gate.await_arrivals();
  return loaded;
}

void TwoTiers::expect_images_held(std::size_t model) {
  std::size_t held = 0;
  for (const CacheEntry& entry : engine_->cache_report().entries) {
    if (entry.model == name_of(model) && entry.held) ++held;
  }
  EXPECT_EQ(held, expected_.models()[model].images.size());
}

void TwoTiers::load() {
  const std::size_t model = some_model(), device = some_device();
  steps_ << "load " << name_of(model) << " on " << id_of(device) << "\n";
  if (!expected_.models()[model].on[device].loaded) {
    std::future<void> loaded = start_held_load(model, device);
    expect_images_held(model);
    backend_->script(name_of(model)).gate(FakeStep::Load).open();
    loaded.get();
  } else {
    engine_->ready(name_of(model), on(device));
  }
  expected_.load(model, device);
}

void TwoTiers::clear_cache_beside_a_load() {
  const std::size_t model = some_model(), device = some_device();
  if (expected_.models()[model].on[device].loaded) return;
  steps_ << "clear the cache while " << name_of(model) << " loads on " << id_of(device) << "\n";
  std::future<void> loaded = start_held_load(model, device);
  expected_.begin_load(model, device);
  come_to_rest({MemoryId::Host});
  expect_freed(engine_->clear_cache(), expected_.clear_cache());
  expect_images_held(model);
  backend_->script(name_of(model)).gate(FakeStep::Load).open();
  loaded.get();
  expected_.end_load(model, device);
}

// Not when the second load has a victim: what the first one drove from the cache may still be on
// its way out then, and whether it can be saved is chance.
void TwoTiers::load_on_all() {
  const std::size_t model = some_model();
  if (expected_.loaded_on(1) == expected_.limits().models[1]) return;
  steps_ << "load " << name_of(model) << " on all\n";
  engine_->ready_on_all_devices(name_of(model));
  for (std::size_t device = 0; device < kTierDevices; ++device) expected_.load(model, device);
}

void TwoTiers::preload() {
  const std::size_t model = some_model();
  steps_ << "preload " << name_of(model) << "\n";
  const std::string job = engine_->preload({name_of(model)}).front();
  while (engine_->job(job)->state != "done") std::this_thread::yield();
  engine_->pin(name_of(model), false);
  expected_.load(model, expected_.models()[model].home);
}

void TwoTiers::use() {
  const std::size_t model = some_model(), device = some_device();
  steps_ << "use " << name_of(model) << " on " << id_of(device) << "\n";
  engine_->embedder(name_of(model), on(device)).embed("some text");
  expected_.use(model, device);
}

void TwoTiers::unload() {
  const std::size_t model = some_model();
  steps_ << "unload " << name_of(model) << "\n";
  expect_freed(engine_->unload(name_of(model)), expected_.unload(model));
}

// Not while one there runs in place: whether its images come to the cache before those of the
// others have left it is chance, and so is whom its limits drive out.
void TwoTiers::unload_device() {
  const std::size_t device = some_device();
  if (expected_.runs_in_place_on(device)) return;
  steps_ << "unload all of " << id_of(device) << "\n";
  expect_freed(engine_->unload_all({}, id_of(device)), expected_.unload_device(device));
}

// Two copies of a model that has some of its images only: the order in which they go is chance.
void TwoTiers::demote() {
  const std::size_t model = some_model();
  const TiersReference::Model& now = expected_.models()[model];
  const std::size_t missing = now.missing_images();
  if (now.copies() > 1 && missing != 0 && missing != now.images.size()) return;
  steps_ << "demote " << name_of(model) << "\n";
  expect_freed(engine_->demote(name_of(model)), expected_.demote(model));
}

void TwoTiers::cache() {
  const std::size_t model = some_model();
  const Images images = some_images(model);
  steps_ << "cache " << images.size() << " images of " << name_of(model) << "\n";
  engine_->cache(name_of(model), names(model, images));
  expected_.cache(model, images);
}

void TwoTiers::uncache() {
  const std::size_t model = some_model();
  if (expected_.models()[model].in_place) return;
  const Images images = some_images(model);
  steps_ << "uncache " << images.size() << " images of " << name_of(model) << "\n";
  const UnloadReport report = engine_->uncache(name_of(model), names(model, images));
  expect_freed(report, expected_.uncache(model, images));
}

void TwoTiers::clear_cache() {
  steps_ << "clear the cache\n";
  expect_freed(engine_->clear_cache(), expected_.clear_cache());
}

// By the bytes of one model, and back.
void TwoTiers::lower_a_budget() {
  const std::size_t device = some_device();
  const std::size_t loaded = expected_.loaded_on(device);
  if (loaded == 0) return;
  steps_ << "lower the budget of " << id_of(device) << "\n";
  expected_.evict_from(device);
  engine_->set_budget(id_of(device), (loaded - 1) * kModelBytes);
  come_to_rest(all_memories());
  engine_->set_budget(id_of(device), expected_.limits().models[device] * kModelBytes);
}

// Leaves free memory behind that the device keeps. Too little for two models, which would then
// share a piece that neither can give back alone.
void TwoTiers::tear_a_device() {
  SimulatedDevice& device = simulated_gpu(machine_, some_device());
  const std::uint64_t bytes = 1 + random_() % (2 * kModelBytes - 1);
  steps_ << "tear " << device.info().id << " by " << bytes << " bytes\n";
  device.release(device.allocate(bytes), bytes);
}

void TwoTiers::defragment() {
  steps_ << "defragment\n";
  std::vector<std::uint64_t> left;
  for (const auto& device : machine_.devices) left.push_back(device->sample().available_bytes);
  const DefragmentReport report = engine_->defragment();
  for (std::size_t device = 0; device < kTierDevices; ++device) {
    const Fragmentation& before = report.before.at(device + 1);
    const Fragmentation& after = report.after.at(device + 1);
    const std::uint64_t risen =
        simulated_gpu(machine_, device).sample().available_bytes - left[device + 1];
    EXPECT_EQ(report.given_back[device_memory(device)], risen);
    EXPECT_EQ(before.cached_bytes - after.cached_bytes, risen);
    EXPECT_TRUE(after.cached_bytes == 0 || expected_.loaded_on(device) != 0);
    EXPECT_LE(after.ratio(), before.ratio());
  }
}

// --- checks

std::vector<MemoryId> TwoTiers::all_memories() {
  return {MemoryId::Host, device_memory(0), device_memory(1)};
}

std::uint64_t TwoTiers::expected_bytes(MemoryId memory) const {
  if (memory == MemoryId::Host) return expected_.host_bytes();
  return expected_.loaded_on(index_of(memory) - 1) * kModelBytes;
}

std::uint64_t TwoTiers::live_bytes(MemoryId memory) const {
  if (memory == MemoryId::Host) return simulated_host(machine_).live_bytes();
  return simulated_gpu(machine_, index_of(memory) - 1).live_bytes();
}

// Images that are over the limits go after the call that brought them. Looking at the ledger looks
// at the machine too, so the devices are asked first.
void TwoTiers::come_to_rest(const std::vector<MemoryId>& memories) {
  const auto is_back = [&](MemoryId m) { return live_bytes(m) == expected_bytes(m); };
  const auto is_told = [&](const MemoryLine& line) {
    const bool watched = std::find(memories.begin(), memories.end(), line.memory) != memories.end();
    return !watched || line.reserved == expected_bytes(line.memory);
  };
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < give_up) {  // then check_memory() tells
    if (std::all_of(memories.begin(), memories.end(), is_back)) {
      const std::vector<MemoryLine> lines = engine_->memory().memories;
      if (std::all_of(lines.begin(), lines.end(), is_told)) return;
    }
    std::this_thread::yield();
  }
}

void TwoTiers::check() {
  come_to_rest(all_memories());
  check_memory();
  check_cache();
  check_models();
  check_evictions();
}

void TwoTiers::check_memory() {
  for (const MemoryLine& line : engine_->memory().memories) {
    EXPECT_EQ(line.reserved, expected_bytes(line.memory)) << line.device;
    EXPECT_EQ(live_bytes(line.memory), expected_bytes(line.memory)) << line.device;
    EXPECT_LE(line.reserved, line.budget) << line.device;
    EXPECT_EQ(line.lost, 0u) << line.device;
    EXPECT_GE(line.fragmentation.ratio(), 0.0) << line.device;
    EXPECT_LE(line.fragmentation.ratio(), 1.0) << line.device;
    EXPECT_LE(line.fragmentation.cached_bytes, line.fragmentation.free_bytes) << line.device;
  }
}

void TwoTiers::check_cache() {
  using Entry = std::tuple<std::string, std::string, std::uint64_t, bool, bool>;
  std::set<Entry> found, expected;
  const CacheReport report = engine_->cache_report();
  std::size_t free_entries = 0;
  std::uint64_t free_bytes = 0;
  for (const CacheEntry& entry : report.entries) {
    found.emplace(entry.model, entry.component, entry.bytes, entry.held, entry.kept);
    free_entries += entry.held ? 0 : 1;
    free_bytes += entry.held ? 0 : entry.bytes;
  }
  for (std::size_t i = 0; i < expected_.models().size(); ++i) {
    const TiersReference::Model& model = expected_.models()[i];
    for (const auto& image : model.images) {
      if (!image.there) continue;
      expected.emplace(name_of(i), image.component, image.bytes, model.holds(), image.kept);
    }
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(report.bytes, expected_.host_bytes());
  EXPECT_LE(free_entries, expected_.limits().cache_entries);
  EXPECT_LE(free_bytes, expected_.limits().cache_bytes);
  EXPECT_EQ(report.hits, expected_.hits());
  EXPECT_EQ(report.misses, expected_.misses());
  EXPECT_EQ(report.evictions, expected_.cache_evictions());
}

void TwoTiers::check_models() {
  for (std::size_t i = 0; i < expected_.models().size(); ++i) {
    const TiersReference::Model& model = expected_.models()[i];
    FakeScript& script = backend_->script(name_of(i));
    EXPECT_EQ(script.alive(), model.copies()) << name_of(i);
    EXPECT_EQ(script.count(FakeStep::Read), model.reads) << name_of(i);
    const Tier without_copy = model.missing_images() == 0 ? Tier::Host : Tier::None;
    const Tier tier = model.copies() != 0 ? Tier::Device : without_copy;
    EXPECT_EQ(engine_->status(name_of(i)).tier, tier) << name_of(i);
  }
  EXPECT_EQ(watched_->changed(), std::set<std::string>());
}

// The engine keeps the last hundred.
void TwoTiers::check_evictions() {
  std::vector<TiersReference::Eviction> expected = expected_.evictions();
  const std::vector<EvictionReport> found = engine_->evictions();
  ASSERT_EQ(found.size(), std::min<std::size_t>(expected.size(), 100));
  expected.erase(expected.begin(), expected.end() - static_cast<std::ptrdiff_t>(found.size()));
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].model, name_of(expected[i].model)) << "eviction " << i;
    EXPECT_EQ(found[i].demoted, expected[i].demoted) << "eviction " << i;
  }
}

void walk(std::uint32_t seed) {
  TwoTiers tiers(seed);
  for (std::size_t step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
    tiers.step();
    tiers.check();
  }
  if (testing::Test::HasFailure()) {
    ADD_FAILURE() << "ROOST_TIERS_SEED=" << seed << " took these steps:\n" << tiers.steps();
  }
}

TEST(TiersProperty, HoldAfterEveryStep) {
  const char* const chosen = std::getenv("ROOST_TIERS_SEED");
  if (chosen != nullptr) return walk(static_cast<std::uint32_t>(std::strtoul(chosen, nullptr, 10)));
  for (std::uint32_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) walk(seed);
}

}  // namespace
}  // namespace roost::test
