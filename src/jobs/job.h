#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "roost/error.h"
#include "roost/value.h"

namespace roost::jobs {

using JobId = std::string;  // "job-7", or "<instance>.job-7" on a board that has an instance

enum class JobState : std::uint8_t { Queued, Running, Paused, Done, Failed, Cancelled };
std::string_view to_string(JobState state);  // snake_case

enum class JobEvent : std::uint8_t { Started, Paused, Resumed, Completed, Failed, Cancelled };

struct JobTransition {
  JobState from;
  JobEvent event;
  JobState to;
};

// The whole machine. A pair that is not listed is a bug of the board. A paused job always resumes
// before it ends: its own thread is what ends it.
inline constexpr std::array kJobTransitions = {
    JobTransition{JobState::Queued, JobEvent::Started, JobState::Running},
    JobTransition{JobState::Queued, JobEvent::Failed, JobState::Failed},
    JobTransition{JobState::Queued, JobEvent::Cancelled, JobState::Cancelled},
    JobTransition{JobState::Running, JobEvent::Paused, JobState::Paused},
    JobTransition{JobState::Running, JobEvent::Completed, JobState::Done},
    JobTransition{JobState::Running, JobEvent::Failed, JobState::Failed},
    JobTransition{JobState::Running, JobEvent::Cancelled, JobState::Cancelled},
    JobTransition{JobState::Paused, JobEvent::Resumed, JobState::Running},
};

constexpr std::optional<JobState> next_state(JobState from, JobEvent event) {
  for (const JobTransition& t : kJobTransitions) {
    if (t.from == from && t.event == event) return t.to;
  }
  return std::nullopt;
}

constexpr bool is_final(JobState state) {
  return state == JobState::Done || state == JobState::Failed || state == JobState::Cancelled;
}

struct JobProgress {
  double fraction = 0;  // 0 to 1, never falls
  std::string phase;
  std::string message;
};

struct JobError {
  ErrorCode code = ErrorCode::Internal;
  std::string message;
};

// What a job is at one moment.
struct JobRecord {
  JobId id;
  std::string kind;     // what is done: "ready", "fetch", ...
  std::string subject;  // to what: a model, usually
  JobState state = JobState::Queued;
  JobProgress progress;
  Value result;                   // when Done
  std::optional<JobError> error;  // when Failed or Cancelled
  bool cancel_requested = false;
  bool pause_requested = false;
  WallTime submitted_at;
  std::optional<WallTime> started_at;
  std::optional<WallTime> finished_at;
};

}  // namespace roost::jobs
