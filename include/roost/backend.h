#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "roost/device.h"
#include "roost/memory.h"
#include "roost/value.h"

namespace roost {

enum class Task : std::uint8_t { Embed, Rerank, Classify, TokenClassify, Tensor };
std::string_view to_string(Task task);

enum class Health : std::uint8_t { Unknown, Healthy, Degraded, Unhealthy };
std::string_view to_string(Health health);

// Files of a model, or the means to get them. Thread-safe.
class ModelSource {
 public:
  virtual ~ModelSource() = default;
  virtual bool is_present() const = 0;               // from the truth on disk, now
  virtual std::uint64_t estimate() const = 0;        // bytes to fetch, or on disk; 0 if unknown
  virtual std::string path() const { return {}; }    // the local folder or file, if there is one
  // From any thread; ignored once fetch() has returned.
  using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;
  virtual void fetch(const Progress& progress, std::stop_token stop) = 0;
};

// What is known of a model before it is loaded. `options` holds exactly the options that change
// the bytes of the loaded model; it is part of the slot's key.
struct ModelDescription {
  std::string id;
  std::string source;    // "builtin:lexical", "file:/models/x", ...
  std::string revision;  // names the content
  std::string path;      // local path, if any
  Value options;
};

// One part of a model that can be kept in host memory on its own ("model", "unet", "vae").
struct Component {
  std::string name = {};
  std::uint64_t host_bytes = 0;  // upper bound
};

// What a load will take: upper bounds that never grow over a model's life.
struct LoadEstimate {
  std::vector<Component> components = {};  // images in host memory; empty: no host tier
  std::uint64_t placement_bytes = 0;       // on the device the model is placed on
  bool in_place = false;                   // the model runs from its images, so it holds them
};

// The weights of one component in host memory: immutable, shared by every placement made of it.
class HostImage {
 public:
  virtual ~HostImage() = default;
  virtual std::uint64_t bytes() const = 0;
  virtual std::uint64_t checksum() const = 0;  // over the weights' bytes
};

using HostImages = std::vector<std::shared_ptr<const HostImage>>;  // in the order of components

// Where a load goes and what it may use.
struct LoadContext {
  std::shared_ptr<Device> device;         // where the model will run
  std::shared_ptr<Device> host;
  std::shared_ptr<MemoryAccount> memory;  // all large memory of the load comes from here
  HostImages images;                      // loaded beforehand, when the backend has components
  unsigned threads = 1;                   // how many a load may use
  // May be empty; 0..1, never falls. From any thread; ignored once the load has returned. Loads run
  // at the lowest priority, and each call offers the processor to requests: call it often, and long
  // work of many small steps hardly delays them.
  std::function<void(double fraction)> progress;
};

// Tokens of one text, or of a pair of texts.
struct Sequence {
  std::vector<std::uint32_t> ids = {};
  std::vector<std::uint32_t> types = {};  // empty: all 0
};

// Sequences that go through the model together. Row i of `outputs` is
// [i * width, (i + 1) * width), width being the model's for the task.
struct Batch {
  Task task = Task::Embed;
  std::span<const Sequence* const> sequences;
  std::span<float> outputs;
};

struct ModelInfo {
  std::string model_id = {};
  std::string path = {};
  std::string backend = {};
  std::string family = {};       // architecture, or "lexical"
  std::string description = {};  // honest about what it is
  std::vector<Task> tasks = {};
  std::size_t dimensions = 0;
  std::size_t max_tokens = 0;  // 0: unlimited
  std::string device_id = {};
  std::vector<ExecutionProvider> active_providers = {};
  bool is_gpu_active = false;
  std::uint64_t estimated_memory_bytes = 0;
  Value extra = {};
};

// A loaded model; its destructor unloads it. tokenize() is called from many threads at once;
// run() by any thread, but one at a time on a device; the rest by the pool, never during run().
// Outputs that are not finite numbers are a failed run, but for raw tensors.
class Model {
 public:
  virtual ~Model() = default;
  virtual ModelInfo info() const = 0;

  // Floats per output row. Throws Unsupported for a task the model cannot do.
  virtual std::size_t width(Task task) const = 0;
  virtual Sequence tokenize(Task task, std::string_view text, std::string_view pair) const = 0;
  virtual void run(const Batch& batch, std::stop_token stop) = 0;

  // A short real run; what it throws is the reason the model is not healthy.
  virtual Health probe_health(std::stop_token stop) = 0;

  // Copies the weights back into host images, one per component, for a demotion when they were
  // not kept. Only called for backends with components.
  virtual HostImages save_images(LoadContext& context, std::stop_token stop);

  // Gives back what is only kept for speed (workspaces). Also called between two runs, when the
  // first found no memory.
  virtual void trim() {}

  // Called before the destructor when the unload may fail or take long (a child, a user's code).
  virtual void unload(std::stop_token) {}
};

// Makes models of one kind. Thread-safe; outlives its models.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;

  // Why this backend cannot run the model; nullopt when it can.
  virtual std::optional<std::string> why_not(const ModelDescription& description) const = 0;

  // Throws UnknownOption or InvalidArgument for options it does not take. Cheap.
  virtual void check_options(const Value& options) const = 0;

  virtual std::vector<ExecutionProvider> providers() const { return {ExecutionProvider::Cpu}; }

  virtual LoadEstimate estimate(const ModelDescription& description,
                                const Device& device) const = 0;

  // Reads one component into host memory, allocated from context.memory. Obeys `stop` within
  // 16 MiB of work. The default throws Unsupported: a backend without components.
  virtual std::shared_ptr<const HostImage> read(const ModelDescription& description,
                                                const std::string& component,
                                                LoadContext& context, std::stop_token stop);

  // Makes the model on context.device, from context.images when it has components.
  virtual std::unique_ptr<Model> load(const ModelDescription& description, LoadContext& context,
                                      std::stop_token stop) = 0;
};

}  // namespace roost
