#pragma once

namespace roost::faces {

// Says, on the thread that it lives on, that what runs there is part of `whole`, whose end may
// wait for it. Scopes nest. What WorkingFor is to the rooms below.
class PartOf {
 public:
  explicit PartOf(const void* whole) : whole_(whole), outer_(innermost_) { innermost_ = this; }
  ~PartOf() { innermost_ = outer_; }
  PartOf(const PartOf&) = delete;
  PartOf& operator=(const PartOf&) = delete;

  // Is this thread within such a scope?
  static bool is(const void* whole) {
    for (const PartOf* scope = innermost_; scope != nullptr; scope = scope->outer_) {
      if (scope->whole_ == whole) return true;
    }
    return false;
  }

 private:
  const void* const whole_;
  const PartOf* const outer_;
  static inline thread_local const PartOf* innermost_ = nullptr;
};

}  // namespace roost::faces
