#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "roost/engine.h"
#include "roost/model_management.h"

namespace roost::faces {

namespace mm = model_management;

// How downloads went, worked out from the engine's events: every look first reads on in the
// event ring, so what a call did is in the book when the call returns. Thread-safe.
class DownloadBook {
 public:
  explicit DownloadBook(const Engine& engine) : engine_(engine) {}

  void follow();  // reads on, so that nothing leaves the ring unread when nobody looks
  std::optional<mm::ModelDownloadProgress> find(const std::string& model_id);
  std::map<std::string, mm::ModelDownloadProgress> all();
  mm::DownloadStatistics statistics();
  bool failed(const std::string& model_id);                // the last one ended with an error
  void clear(const std::optional<std::string>& model_id);  // nullopt: all; running ones stay

 private:
  void read_on();
  void note(const Event& event);

  const Engine& engine_;

  std::mutex mutex_;  // guards all below
  std::optional<EventId> next_;
  std::map<std::string, mm::ModelDownloadProgress> downloads_;
  mm::DownloadStatistics statistics_;  // `active` is counted when asked
};

}  // namespace roost::faces
