#pragma once

namespace roost {

// Says, on the thread that it lives on, that what runs there is part of `owner`: code that the
// owner would wait for when it ends. Scopes nest.
class WorkingFor {
 public:
  explicit WorkingFor(const void* owner) : owner_(owner), outer_(innermost_) { innermost_ = this; }
  ~WorkingFor() { innermost_ = outer_; }
  WorkingFor(const WorkingFor&) = delete;
  WorkingFor& operator=(const WorkingFor&) = delete;

  // Is this thread within such a scope?
  static bool is(const void* owner) {
    for (const WorkingFor* scope = innermost_; scope != nullptr; scope = scope->outer_) {
      if (scope->owner_ == owner) return true;
    }
    return false;
  }

 private:
  const void* const owner_;
  const WorkingFor* const outer_;
  static inline thread_local const WorkingFor* innermost_ = nullptr;
};

}  // namespace roost
