#pragma once

#include <exception>
#include <string>

#include "jobs/job.h"

namespace roost::jobs {

enum class StopCause : std::uint8_t { None, Cancel, Deadline };

// How a job ends.
struct Outcome {
  JobEvent event = JobEvent::Completed;
  Value result = {};
  std::optional<JobError> error = {};
  std::exception_ptr failure = {};  // what waiters get
};

// What an exception out of the work means. `cause` is why the job was told to stop, if it was.
Outcome outcome_of(std::exception_ptr failure, StopCause cause, const JobRecord& job);

// Ends of a job that had not started.
Outcome past_deadline(const JobRecord& job);
Outcome cancelled_early(const JobRecord& job);

std::string name_of(const JobRecord& job);  // for messages: "job job-7 (ready 'm')"

}  // namespace roost::jobs
