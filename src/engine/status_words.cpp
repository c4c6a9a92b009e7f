#include "roost/status_words.h"

namespace roost {

std::string_view document1_status(const ModelStatus& status) {
  switch (status.state) {
    case ModelState::Loading: return "loading";
    case ModelState::Loaded: return "loaded";
    case ModelState::Error: return "error";
    case ModelState::Idle:
    case ModelState::Unloading: break;  // document 1 has no word for it: its files are here
  }
  switch (status.files) {
    case FetchState::Present: return "downloaded";
    case FetchState::Fetching: return "downloading";
    case FetchState::Absent: return "not_downloaded";
  }
  return "not_downloaded";
}

std::string_view document4_status(const ModelStatus& status) {
  switch (status.state) {
    case ModelState::Loading: return "Loading";
    case ModelState::Loaded: return "Loaded";
    case ModelState::Unloading: return "Unloading";
    case ModelState::Error: return "Error";
    case ModelState::Idle: break;
  }
  return status.files == FetchState::Present ? "Available" : "Missing";
}

std::string_view document4_loading_status(const ModelStatus& status) {
  switch (status.state) {
    case ModelState::Loading: return "Loading";
    case ModelState::Loaded: return "Loaded";
    case ModelState::Unloading: return "Unloading";
    case ModelState::Error: return "Failed";
    case ModelState::Idle: break;
  }
  return status.tier == Tier::Host ? "Cached" : "NotLoaded";
}

}  // namespace roost
