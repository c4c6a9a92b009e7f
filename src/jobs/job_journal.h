#pragma once

#include "jobs/job.h"

namespace roost::jobs {

// Where jobs go that must outlive the process.
class JobJournal {
 public:
  virtual ~JobJournal() = default;

  // Called without a lock at every change of state, in order for one job, from any thread. The
  // first call for a job (Queued) comes before submit() returns: if it throws, so does submit()
  // and there is no job. What later calls throw is logged.
  virtual void record(const JobRecord& job) = 0;
};

}  // namespace roost::jobs
