#include "jobs/job_outcome.h"

#include <utility>

#include "roost/ids.h"

namespace roost::jobs {
namespace {

Outcome failed(const RoostError& error, std::exception_ptr failure) {
  const JobEvent event =
      error.code() == ErrorCode::Cancelled ? JobEvent::Cancelled : JobEvent::Failed;
  return {event, {}, JobError{error.code(), error.what()}, std::move(failure)};
}

}  // namespace

std::string name_of(const JobRecord& job) {
  return "job " + job.id + " (" + job.kind + " '" + printable(job.subject) + "')";
}

Outcome past_deadline(const JobRecord& job) {
  const DeadlineExceededException error(name_of(job) + " did not end by its deadline");
  return failed(error, std::make_exception_ptr(error));
}

Outcome cancelled_early(const JobRecord& job) {
  const CancelledException error(name_of(job) + " was cancelled before it started");
  return failed(error, std::make_exception_ptr(error));
}

Outcome outcome_of(std::exception_ptr failure, StopCause cause, const JobRecord& job) {
  try {
    std::rethrow_exception(failure);
  } catch (const RoostError& error) {
    if (error.code() == ErrorCode::Cancelled && cause == StopCause::Deadline) {
      return past_deadline(job);
    }
    return failed(error, std::move(failure));
  } catch (const std::exception& error) {
    return {JobEvent::Failed, {}, JobError{ErrorCode::Internal, error.what()}, std::move(failure)};
  } catch (...) {
    return {JobEvent::Failed,
            {},
            JobError{ErrorCode::Internal, "an unknown exception"},
            std::move(failure)};
  }
}

}  // namespace roost::jobs
