#pragma once

#include <cstdint>
#include <vector>

#include "pool/core/plan.h"

namespace roost::pool {

// Picks whom to give up for the bytes that are missing: lower retention first, then the policy's
// order; in the end nobody stays picked who turned out unnecessary.
class VictimChoice {
 public:
  VictimChoice(const Snapshot& snapshot, const MemoryVector& missing,
               Duration idle_for = Duration::zero());

  void force(std::uint32_t row);  // must go whatever it frees; before pick()
  void pick();
  // What is missing after all that was picked.
  const MemoryVector& missing() const { return missing_; }
  std::vector<Victim> victims();  // models first, then images

  // True when this row may be given up at all, now.
  static bool movable(const Snapshot& snapshot, const Row& row);

 private:
  struct Candidate {
    LoadPriority retention;
    double worth;  // 0 under Lru
    Instant last_used;
    std::uint32_t row;
  };
  static bool sooner(const Candidate& a, const Candidate& b);
  static bool later(const Candidate& a, const Candidate& b) { return sooner(b, a); }

  Candidate candidate(std::uint32_t row, std::uint64_t reach) const;
  std::uint64_t reach(std::uint32_t row) const;
  bool helps(std::uint32_t row) const;
  void take(std::uint32_t row);
  void let_image_go(std::uint32_t row);
  void drop_unnecessary();
  MemoryVector given_by(std::uint32_t row) const;
  void untake(std::uint32_t row);
  template <class F>
  void for_each_image(std::uint32_t row, F&& f) const;
  MemoryVector bytes_of(std::uint32_t row) const;

  const Snapshot& snapshot_;
  const MemoryVector wanted_;
  std::vector<MemoryId> memories_;  // those with bytes wanted
  const Duration idle_for_;
  MemoryVector missing_;
  MemoryVector freed_;  // on the wanted memories
  std::vector<Candidate> heap_;
  std::vector<std::uint32_t> picked_;
  std::vector<std::uint8_t> is_picked_;
  std::vector<std::uint32_t> holders_left_;  // of images
  std::size_t forced_ = 0;  // the first so many of picked_
};

}  // namespace roost::pool
