#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace roost {

// Lets readers walk shared structures without a lock while a writer replaces parts of them.
// A reader holds a Guard; the writer unlinks a part, then retires it; it is freed once every
// reader that might still see it has left. Readers never wait. Readers on different threads
// mostly count on different cache lines.
class Epoch {
 public:
  class Guard {
   public:
    explicit Guard(std::atomic<std::uint64_t>& readers) : readers_(readers) {
      readers_.fetch_add(1, std::memory_order_seq_cst);
    }
    ~Guard() { readers_.fetch_sub(1, std::memory_order_release); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    std::atomic<std::uint64_t>& readers_;
  };

  Epoch() = default;
  ~Epoch();  // no reader may be left
  Epoch(const Epoch&) = delete;
  Epoch& operator=(const Epoch&) = delete;

  Guard read() { return Guard(stripes_[stripe_of_this_thread()].readers); }

  // The rest is the writer's; the caller serialises it. `free` runs in a later call of reclaim()
  // or in the destructor, never in retire().
  void retire(std::function<void()> free);
  void reclaim();  // cheap; frees what no reader can see any more
  std::size_t retired() const { return retired_.size(); }

 private:
  static constexpr std::size_t kStripes = 64;
  struct alignas(64) Stripe {
    std::atomic<std::uint64_t> readers{0};
  };
  struct Retired {
    std::uint64_t waits_for;  // a bit per stripe not yet seen empty since the retirement
    std::function<void()> free;
  };

  static std::size_t stripe_of_this_thread();

  std::array<Stripe, kStripes> stripes_;
  std::vector<Retired> retired_;
};

}  // namespace roost
