#include "roost/embedding_pool.h"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include "faces/local/after_use.h"

namespace roost {
namespace {

// Everything that makes two requests need two models.
std::string key_of(const std::string& id, const EmbeddingServiceOptions& options) {
  return Value(Value::Array{id, to_string(options.provider), options.device, options.backend})
      .to_json();
}

RoostError closed_error() {
  return RoostError(ErrorCode::EngineClosed, "the embedding service pool is closed");
}

}  // namespace

void EmbeddingServicePoolOptions::validate() const {
  if (max_models == 0) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "EmbeddingServicePoolOptions.max_models is 0; it must be at least 1");
  }
  if (timeout < std::chrono::milliseconds(0)) {
    throw RoostError(ErrorCode::InvalidArgument, "EmbeddingServicePoolOptions.timeout is " +
                                                     std::to_string(timeout.count()) +
                                                     " ms; it must be 0 (none) or more");
  }
}

// Only the order of use and the number of users: leases and weights are the engine's. A place is
// held by a key from before its load until another takes it, so at most max_models are loaded.
struct EmbeddingServicePool::State {
  struct Place {
    std::string key, model;
    std::size_t users = 0;
    bool making_room = false;  // what had this place is being freed
    bool loaded = false;       // at least once, so there may be something to free
  };

  State(Engine& of, EmbeddingServicePoolOptions with) : engine(of), options(std::move(with)) {}

  static EmbeddingServiceContext get(const std::shared_ptr<State>& state,
                                     const std::string& model_name, EmbeddingServiceOptions options,
                                     std::stop_token stop);
  // Waits for a place and counts the caller as its user. What had to give way was freed before.
  void enter(const std::string& key, const std::string& model, std::stop_token stop);
  void loaded(const std::string& key);
  void leave(const std::string& key) noexcept;
  void close() noexcept;
  void free(const std::string& model) const noexcept {
    faces::AfterUse{.engine = &engine, .log = options.log}.free_unused(model);
  }

  std::list<Place>::iterator find(const std::string& key) {
    return std::ranges::find(places, key, &Place::key);
  }
  std::list<Place>::iterator idle() {
    return std::ranges::find(places, std::size_t{0}, &Place::users);
  }
  bool can_enter(const std::string& key) {
    if (closed) return true;
    if (const auto place = find(key); place != places.end()) return !place->making_room;
    return places.size() < options.max_models || idle() != places.end();
  }
  void wait(std::unique_lock<std::mutex>& lock, const std::string& key, const std::string& model,
            std::stop_token stop);
  std::string take_idle();  // its model
  std::string names() const;

  Engine& engine;
  const EmbeddingServicePoolOptions options;

  mutable std::mutex mutex;
  std::condition_variable_any changed;  // a place may have come free
  // Guarded by mutex.
  std::list<Place> places;  // least recently used first
  std::size_t waiting = 0;
  bool closed = false;
};

void EmbeddingServicePool::State::enter(const std::string& key, const std::string& model,
                                        std::stop_token stop) {
  std::string victim;
  {
    std::unique_lock lock(mutex);
    if (!can_enter(key)) wait(lock, key, model, std::move(stop));
    if (closed) throw closed_error();
    if (find(key) == places.end()) {
      if (places.size() == options.max_models) victim = take_idle();
      places.push_back({.key = key, .model = model, .making_room = !victim.empty()});
    }
    const auto place = find(key);
    ++place->users;
    places.splice(places.end(), places, place);
  }
  if (victim.empty()) return;
  free(victim);
  {
    const std::scoped_lock lock(mutex);
    find(key)->making_room = false;
  }
  changed.notify_all();
}

std::string EmbeddingServicePool::State::take_idle() {
  const auto out = idle();
  std::string model = std::move(out->model);
  places.erase(out);
  return model;
}

void EmbeddingServicePool::State::wait(std::unique_lock<std::mutex>& lock, const std::string& key,
                                       const std::string& model, std::stop_token stop) {
  const std::string what =
      "waiting for a place for '" + model + "' in the embedding service pool: ";
  if (options.fail_fast && find(key) == places.end()) {
    throw RoostError(ErrorCode::InUse, "no place for '" + model +
                                           "' in the embedding service pool: all are in use (" +
                                           names() +
                                           "); close one, raise max_models, or wait for one");
  }
  ++waiting;
  const auto free = [&] { return can_enter(key); };
  const bool entered =
      options.timeout.count() == 0
          ? changed.wait(lock, stop, free)
          : changed.wait_until(lock, stop, std::chrono::steady_clock::now() + options.timeout,
                               free);
  --waiting;
  if (entered) return;
  if (stop.stop_requested()) throw CancelledException(what + "cancelled");
  throw DeadlineExceededException(what + "all stayed in use (" + names() + ") for " +
                                  std::to_string(options.timeout.count()) +
                                  " ms; close one or raise max_models");
}

void EmbeddingServicePool::State::loaded(const std::string& key) {
  const std::scoped_lock lock(mutex);
  if (const auto place = find(key); place != places.end()) place->loaded = true;
}

void EmbeddingServicePool::State::leave(const std::string& key) noexcept {
  std::string to_free;
  {
    const std::scoped_lock lock(mutex);
    const auto place = find(key);
    --place->users;
    places.splice(places.end(), places, place);
    if (place->users == 0 && (closed || !place->loaded)) {
      if (place->loaded) to_free = std::move(place->model);
      places.erase(place);
    }
  }
  changed.notify_all();
  if (!to_free.empty()) free(to_free);
}

void EmbeddingServicePool::State::close() noexcept {
  std::list<Place> idle_places;
  {
    const std::scoped_lock lock(mutex);
    closed = true;
    for (auto place = places.begin(); place != places.end();) {
      const auto next = std::next(place);
      if (place->users == 0) idle_places.splice(idle_places.end(), places, place);
      place = next;
    }
  }
  changed.notify_all();
  for (const Place& place : idle_places) free(place.model);
}

std::string EmbeddingServicePool::State::names() const {
  std::string text;
  for (const Place& place : places) text += (text.empty() ? "" : ", ") + place.model;
  return text;
}

EmbeddingServiceContext EmbeddingServicePool::State::get(const std::shared_ptr<State>& state,
                                                         const std::string& model_name,
                                                         EmbeddingServiceOptions options,
                                                         std::stop_token stop) {
  options.validate();
  options.check_name(model_name);
  if (options.isolated) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "get_service: an isolated instance cannot be pooled; use temporary_model()");
  }
  if (stop.stop_requested()) throw CancelledException("get_service was cancelled before it began");
  const std::string model = state->engine.resolve(model_name, Task::Embed);
  const std::string key = key_of(model, options);
  options.keep_warm = true;  // the pool frees it when another takes its place
  auto service = std::make_shared<DenseEmbeddingService>(state->engine, std::move(options));

  state->enter(key, model, stop);
  EmbeddingServiceContext context(service, [state, key] { state->leave(key); });
  service->initialize(model, std::move(stop));
  state->loaded(key);
  return context;
}

EmbeddingServicePool::EmbeddingServicePool(Engine& engine, EmbeddingServicePoolOptions options) {
  options.validate();
  state_ = std::make_shared<State>(engine, std::move(options));
}

EmbeddingServicePool::~EmbeddingServicePool() {
  close();
}

EmbeddingServiceContext EmbeddingServicePool::get_service(const std::string& model_name,
                                                          EmbeddingServiceOptions options,
                                                          std::stop_token stop) {
  return State::get(state_, model_name, std::move(options), std::move(stop));
}

std::future<EmbeddingServiceContext> EmbeddingServicePool::get_service_async(
    std::string model_name, EmbeddingServiceOptions options, std::stop_token stop) {
  return std::async(std::launch::async, [state = state_, model_name = std::move(model_name),
                                         options = std::move(options), stop = std::move(stop)] {
    return State::get(state, model_name, options, stop);
  });
}

std::vector<PooledModel> EmbeddingServicePool::models() const {
  const std::scoped_lock lock(state_->mutex);
  std::vector<PooledModel> models;
  for (const State::Place& place : state_->places) models.push_back({place.model, place.users});
  return models;
}

std::size_t EmbeddingServicePool::waiting() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->waiting;
}

void EmbeddingServicePool::close() noexcept {
  state_->close();
}

std::future<void> EmbeddingServicePool::close_async() {
  return std::async(std::launch::async, [state = state_] { state->close(); });
}

}  // namespace roost
