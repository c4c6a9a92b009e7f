#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "roost/memory.h"

namespace roost::test {

inline constexpr std::size_t kTierDevices = 2;

// What the host tier and the devices must hold after each call, told without threads, bytes or a
// pool. Every model takes the same on a device, and a device has room for so many. One step is one
// moment: tick() between two of them.
class TiersReference {
 public:
  struct Image {
    std::string component;
    std::uint64_t bytes = 0;
    bool there = false;
    bool kept = false;  // a user asked for it
    std::uint64_t used = 0;
  };
  struct Copy {
    bool known = false;  // the model was meant for this device before
    bool loaded = false;
    std::uint64_t used = 0;
  };
  struct Model {
    std::vector<Image> images;
    bool in_place = false;  // holds its images while it is loaded
    std::size_t home = 0;   // the device when none is named
    std::array<Copy, kTierDevices> on{};
    std::uint64_t reads = 0;

    std::size_t copies() const { return on[0].loaded + on[1].loaded; }
    bool holds() const { return in_place && copies() != 0; }
    std::size_t missing_images() const;
  };
  struct Limits {
    std::array<std::size_t, kTierDevices> models{};
    std::uint64_t model_bytes = 0;
    std::uint64_t cache_bytes = UINT64_MAX;
    std::size_t cache_entries = SIZE_MAX;
  };
  struct Eviction {
    std::size_t model;
    bool demoted;
    friend bool operator==(const Eviction&, const Eviction&) = default;
  };

  TiersReference(Limits limits, std::vector<Model> models)
      : limits_(limits), models_(std::move(models)) {}

  void tick() { ++now_; }
  void load(std::size_t model, std::size_t device);
  // The two halves of a load that is needed: its images are there and held, then it is loaded.
  void begin_load(std::size_t model, std::size_t device);
  void end_load(std::size_t model, std::size_t device);
  void use(std::size_t model, std::size_t device);
  // These say what they free.
  MemoryVector unload(std::size_t model);
  MemoryVector unload_device(std::size_t device);
  MemoryVector demote(std::size_t model);
  MemoryVector uncache(std::size_t model, const std::vector<std::size_t>& images);
  MemoryVector clear_cache();
  void cache(std::size_t model, const std::vector<std::size_t>& images);
  void evict_from(std::size_t device);  // whoever was used least recently

  const std::vector<Model>& models() const { return models_; }
  const Limits& limits() const { return limits_; }
  const std::vector<Eviction>& evictions() const { return evictions_; }  // all, oldest first
  std::uint64_t hits() const { return hits_; }
  std::uint64_t misses() const { return misses_; }
  std::uint64_t cache_evictions() const { return cache_evictions_; }
  std::size_t loaded_on(std::size_t device) const;
  bool runs_in_place_on(std::size_t device) const;
  std::uint64_t host_bytes() const;
  // Of what no model holds.
  std::size_t cached_entries() const;
  std::uint64_t cached_bytes() const;

 private:
  void leave(Model& model, std::size_t device);
  void drop_images(Model& model, MemoryVector& freed);
  void drop(Image& image, MemoryVector& freed);
  void read(Model& model, Image& image);
  void demote_copy(Model& model, std::size_t device);
  void keep_limits();
  std::vector<std::pair<std::size_t, Image*>> cached();  // with the model of each

  const Limits limits_;
  std::vector<Model> models_;
  std::optional<std::size_t> loading_;  // its images are held
  std::vector<Eviction> evictions_;
  std::uint64_t hits_ = 0, misses_ = 0, cache_evictions_ = 0;
  std::uint64_t now_ = 1;
};

}  // namespace roost::test
