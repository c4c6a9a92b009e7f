#include "roost/event.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace roost {
namespace {

struct KindName {
  EventKind kind;
  std::string_view name;
};

constexpr std::array kNames = {
    KindName{EventKind::ModelRegistered, "model_registered"},
    KindName{EventKind::ModelUnregistered, "model_unregistered"},
    KindName{EventKind::DownloadStart, "download_start"},
    KindName{EventKind::DownloadProgress, "download_progress"},
    KindName{EventKind::DownloadComplete, "download_complete"},
    KindName{EventKind::DownloadError, "download_error"},
    KindName{EventKind::LoadStart, "load_start"},
    KindName{EventKind::LoadStep, "load_step"},
    KindName{EventKind::LoadComplete, "load_complete"},
    KindName{EventKind::LoadError, "load_error"},
    KindName{EventKind::LoadCancelled, "load_cancelled"},
    KindName{EventKind::StateChange, "state_change"},
    KindName{EventKind::Unload, "unload"},
    KindName{EventKind::Evict, "evict"},
    KindName{EventKind::Demote, "demote"},
    KindName{EventKind::Restore, "restore"},
    KindName{EventKind::LeaseRevoked, "lease_revoked"},
    KindName{EventKind::HealthChange, "health_change"},
    KindName{EventKind::ConfigUpdate, "config_update"},
    KindName{EventKind::Pressure, "pressure"},
    KindName{EventKind::QueueChange, "queue_change"},
    KindName{EventKind::MemoryLost, "memory_lost"},
    KindName{EventKind::Drift, "drift"},
    KindName{EventKind::ProviderFallback, "provider_fallback"},
};

constexpr bool rows_follow_the_enum() {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (static_cast<std::size_t>(kNames[i].kind) != i) return false;
  }
  return kNames.size() == static_cast<std::size_t>(EventKind::ProviderFallback) + 1;
}
static_assert(rows_follow_the_enum(), "one row per kind, in the order of the enum");

}  // namespace

std::string_view to_string(EventKind kind) {
  return kNames[static_cast<std::size_t>(kind)].name;
}

std::optional<EventKind> parse_event_kind(std::string_view name) {
  const auto row = std::find_if(kNames.begin(), kNames.end(),
                                [&](const KindName& candidate) { return candidate.name == name; });
  if (row == kNames.end()) return std::nullopt;
  return row->kind;
}

std::string to_string(const EventId& id) {
  return id.epoch + '-' + std::to_string(id.sequence);
}

std::optional<EventId> parse_event_id(std::string_view text) {
  const std::size_t dash = text.rfind('-');  // an epoch may have dashes of its own
  if (dash == 0 || dash == std::string_view::npos) return std::nullopt;
  EventId id{std::string(text.substr(0, dash)), 0};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + dash + 1, end, id.sequence);
  if (error != std::errc() || stop != end) return std::nullopt;
  if (to_string(id) != text) return std::nullopt;  // leading zeros
  return id;
}

}  // namespace roost
