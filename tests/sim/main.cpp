// roost_sim --seeds N --steps M [--first-seed S] [--plant NAME] [--trace]
// Exit 0: no violation. 1: a violation, with the seed and what led to it. 2: bad usage.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/simulation.h"

namespace {

using roost::pool::TestFaults;

constexpr std::pair<const char*, bool TestFaults::*> kFaults[] = {
    {"evict_leased", &TestFaults::evict_leased},
    {"keep_reservation_of_failed_load", &TestFaults::keep_reservation_of_failed_load},
    {"start_load_twice", &TestFaults::start_load_twice},
    {"lose_waiter_on_cancel", &TestFaults::lose_waiter_on_cancel},
    {"count_releasing_as_free", &TestFaults::count_releasing_as_free},
    {"ignore_claims", &TestFaults::ignore_claims},
    {"skip_min_residency", &TestFaults::skip_min_residency},
    {"forget_the_queue", &TestFaults::forget_the_queue},
};

struct Arguments {
  std::uint64_t seeds = 50, steps = 2000, first_seed = 1;
  TestFaults faults;
  bool planted = false, trace = false;
};

std::optional<std::uint64_t> number(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return std::strtoull(text.c_str(), nullptr, 10);
}

bool plant(Arguments& arguments, const std::string& name) {
  for (const auto& [known, fault] : kFaults) {
    if (name != known) continue;
    arguments.faults.*fault = true;
    arguments.planted = true;
    return true;
  }
  return false;
}

std::optional<Arguments> parse(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--trace") {
      arguments.trace = true;
      continue;
    }
    if (i + 1 == words.size()) return std::nullopt;
    const std::string& name = words[i];
    const std::string& value = words[++i];
    if (name == "--plant") {
      if (!plant(arguments, value)) return std::nullopt;
      continue;
    }
    const auto n = number(value);
    if (!n) return std::nullopt;
    if (name == "--seeds") {
      arguments.seeds = *n;
    } else if (name == "--steps") {
      arguments.steps = *n;
    } else if (name == "--first-seed") {
      arguments.first_seed = *n;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

int run(const Arguments& arguments) {
  for (std::uint64_t i = 0; i < arguments.seeds; ++i) {
    const std::uint64_t seed = arguments.first_seed + i;
    roost::sim::Trace trace(arguments.trace);
    try {
      roost::sim::Simulation simulation(seed, trace,
                                        arguments.planted ? &arguments.faults : nullptr);
      simulation.run(arguments.steps);
    } catch (const roost::sim::Violation& violation) {
      trace.print_kept();
      std::printf("violation: %s\nseed=%llu steps=%llu violations=1\n", violation.what(),
                  static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(arguments.steps));
      return 1;
    }
  }
  std::printf("seeds=%llu steps=%llu violations=0\n",
              static_cast<unsigned long long>(arguments.seeds),
              static_cast<unsigned long long>(arguments.steps));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = parse(std::vector<std::string>(argv + 1, argv + argc));
  if (!arguments) {
    std::fprintf(stderr,
                 "usage: roost_sim --seeds N --steps M [--first-seed S] [--plant NAME] [--trace]\n"
                 "NAME is one of:\n");
    for (const auto& [name, fault] : kFaults) std::fprintf(stderr, "  %s\n", name);
    return 2;
  }
  return run(*arguments);
}
