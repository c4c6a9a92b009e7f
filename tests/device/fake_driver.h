#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "device/nvidia/api.h"

namespace roost::test {

// libcuda.so.1 and libnvidia-ml.so.1 in memory: their C entries over GPUs that count every byte.
// C entries take no object, so one of these lives at a time. Its entries are thread-safe.
class FakeDriver final : public device::nvidia::LibraryLoader {
 public:
  static constexpr std::uint64_t kContextBytes = 1000;  // what a context takes on its GPU

  struct Gpu {
    std::string name;
    std::string uuid;  // as NVML spells it
    std::uint64_t total = 0;
    std::uint64_t used = 0;
    int contexts = 0;                                            // retained and not released
    std::map<std::uint64_t, std::vector<unsigned char>> blocks;  // by address
  };

  FakeDriver();
  ~FakeDriver() override;

  Gpu& add_gpu(const std::string& name, std::uint64_t total, bool is_slice = false);
  void remove_library(const std::string& name) { missing_.insert(name); }
  void remove_entry(const std::string& name) { missing_.insert(name); }
  void fail(const std::string& entry, int result) { results_[entry] = result; }  // from now on

  const std::vector<std::string>& opened() const { return opened_; }
  Gpu& gpu(std::size_t index) { return gpus_.at(index); }
  int nvml_users() const { return nvml_users_; }
  std::size_t current_contexts() const;  // pushed and not popped on this thread

  void* open(const char* name, std::string& why_not) const override;
  void* symbol(void* library, const char* name) const override;

 private:
  friend struct FakeEntries;

  std::mutex mutex_;
  std::deque<Gpu> gpus_;
  std::set<std::string> missing_;
  std::map<std::string, int> results_;
  int nvml_users_ = 0;
  mutable std::vector<std::string> opened_;
};

}  // namespace roost::test
