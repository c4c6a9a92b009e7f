#pragma once

#include <future>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "scripts/commands.h"
#include "scripts/script.h"

namespace roost::test {

// Runs a script, step by step, through an Api. At its end everything is unloaded, and every byte
// must be back. One script a runner.
class LifeRunner {
 public:
  LifeRunner(Api& api, World& world) : stage_(api, world) {}
  ~LifeRunner();
  LifeRunner(const LifeRunner&) = delete;
  LifeRunner& operator=(const LifeRunner&) = delete;

  // The first thing that went wrong: where, what was expected and what came; or nothing.
  std::optional<std::string> run(const Script& script);

 private:
  struct Answer {
    std::string text;     // "loaded", "error in_use"
    std::string message;  // what "~" looks into
  };
  struct Job {
    std::stop_source stop;
    std::future<Answer> answer;
  };
  using Words = std::vector<std::string>;

  std::optional<std::string> run_step(const ScriptStep& step);
  Answer perform(const Words& words, std::stop_token stop);
  Answer perform_until(const Words& words, const std::string& expected);
  Answer start_job(const Words& words);
  Answer await_job(const Words& words);
  Answer stop_job(const Words& words);
  Job& job(const Words& words);
  std::optional<std::string> leave_nothing_behind();
  void let_go();

  Stage stage_;
  std::map<std::string, Job> jobs_;
};

}  // namespace roost::test
