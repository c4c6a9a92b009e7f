#include "engine/tiers_reference.h"

#include <algorithm>

namespace roost::test {

std::size_t TiersReference::Model::missing_images() const {
  return static_cast<std::size_t>(
      std::count_if(images.begin(), images.end(), [](const Image& image) { return !image.there; }));
}

void TiersReference::load(std::size_t number, std::size_t device) {
  if (models_[number].on[device].loaded) return;
  begin_load(number, device);
  end_load(number, device);
}

void TiersReference::begin_load(std::size_t number, std::size_t device) {
  Model& model = models_[number];
  model.on[device].known = true;
  loading_ = number;
  if (loaded_on(device) == limits_.models[device]) evict_from(device);
  for (Image& image : model.images) {
    ++(image.there ? hits_ : misses_);
    if (!image.there) read(model, image);
  }
}

void TiersReference::end_load(std::size_t number, std::size_t device) {
  Model& model = models_[number];
  for (Image& image : model.images) image.used = now_;
  model.on[device].loaded = true;
  model.on[device].used = now_;
  loading_.reset();
  keep_limits();
}

void TiersReference::use(std::size_t number, std::size_t device) {
  load(number, device);
  models_[number].on[device].used = now_;
}

MemoryVector TiersReference::unload(std::size_t number) {
  Model& model = models_[number];
  MemoryVector freed;
  for (std::size_t device = 0; device < kTierDevices; ++device) {
    if (model.on[device].loaded) freed[device_memory(device)] += limits_.model_bytes;
    leave(model, device);
  }
  drop_images(model, freed);
  keep_limits();
  return freed;
}

MemoryVector TiersReference::unload_device(std::size_t device) {
  MemoryVector freed;
  for (Model& model : models_) {
    if (!model.on[device].known) continue;
    if (model.on[device].loaded) freed[device_memory(device)] += limits_.model_bytes;
    leave(model, device);
    if (!model.holds()) drop_images(model, freed);
  }
  keep_limits();
  return freed;
}

MemoryVector TiersReference::demote(std::size_t number) {
  Model& model = models_[number];
  MemoryVector freed;
  for (std::size_t device = 0; device < kTierDevices; ++device) {
    if (!model.on[device].loaded) continue;
    freed[device_memory(device)] += limits_.model_bytes;
    demote_copy(model, device);
  }
  return freed;
}

MemoryVector TiersReference::uncache(std::size_t number, const std::vector<std::size_t>& images) {
  Model& model = models_[number];
  model.on[model.home].known = true;
  MemoryVector freed;
  for (const std::size_t i : images) {
    model.images[i].kept = false;
    if (!model.holds()) drop(model.images[i], freed);
  }
  return freed;
}

MemoryVector TiersReference::clear_cache() {
  MemoryVector freed;
  for (const auto& [model, image] : cached()) drop(*image, freed);
  return freed;
}

void TiersReference::cache(std::size_t number, const std::vector<std::size_t>& images) {
  Model& model = models_[number];
  model.on[model.home].known = true;
  for (const std::size_t i : images) {
    Image& image = model.images[i];
    image.kept = true;
    image.used = now_;
    if (!image.there) read(model, image);
    keep_limits();
  }
}

void TiersReference::evict_from(std::size_t device) {
  std::size_t victim = models_.size();
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const Copy& copy = models_[i].on[device];
    if (!copy.loaded) continue;
    if (victim == models_.size() || copy.used < models_[victim].on[device].used) victim = i;
  }
  evictions_.push_back({victim, true});
  demote_copy(models_[victim], device);
}

std::size_t TiersReference::loaded_on(std::size_t device) const {
  return static_cast<std::size_t>(
      std::count_if(models_.begin(), models_.end(),
                    [device](const Model& model) { return model.on[device].loaded; }));
}

bool TiersReference::runs_in_place_on(std::size_t device) const {
  return std::any_of(models_.begin(), models_.end(), [device](const Model& model) {
    return model.in_place && model.on[device].loaded;
  });
}

std::uint64_t TiersReference::host_bytes() const {
  std::uint64_t bytes = 0;
  for (const Model& model : models_) {
    for (const Image& image : model.images) bytes += image.there ? image.bytes : 0;
  }
  return bytes;
}

std::size_t TiersReference::cached_entries() const {
  return const_cast<TiersReference*>(this)->cached().size();
}

std::uint64_t TiersReference::cached_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [model, image] : const_cast<TiersReference*>(this)->cached()) {
    bytes += image->bytes;
  }
  return bytes;
}

// A copy goes; what it ran from is idle from now on.
void TiersReference::leave(Model& model, std::size_t device) {
  if (!model.on[device].loaded) return;
  if (model.in_place) {
    for (Image& image : model.images) image.used = now_;
  }
  model.on[device].loaded = false;
}

void TiersReference::drop_images(Model& model, MemoryVector& freed) {
  for (Image& image : model.images) {
    if (!image.kept) drop(image, freed);
  }
}

void TiersReference::drop(Image& image, MemoryVector& freed) {
  if (image.there) freed[MemoryId::Host] += image.bytes;
  image.there = false;
}

void TiersReference::read(Model& model, Image& image) {
  image.there = true;
  ++model.reads;
}

// What host memory lacks of it is copied back from the device.
void TiersReference::demote_copy(Model& model, std::size_t device) {
  leave(model, device);
  for (Image& image : model.images) {
    if (image.there) continue;
    image.there = true;
    image.used = now_;
  }
  keep_limits();
}

void TiersReference::keep_limits() {
  while (cached_entries() > limits_.cache_entries || cached_bytes() > limits_.cache_bytes) {
    const auto all = cached();
    const auto oldest = std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.second->used < b.second->used;
    });
    oldest->second->there = false;
    evictions_.push_back({oldest->first, false});
    ++cache_evictions_;
  }
}

std::vector<std::pair<std::size_t, TiersReference::Image*>> TiersReference::cached() {
  std::vector<std::pair<std::size_t, Image*>> found;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    if (models_[i].holds() || loading_ == i) continue;
    for (Image& image : models_[i].images) {
      if (image.there) found.emplace_back(i, &image);
    }
  }
  return found;
}

}  // namespace roost::test
