#include "scripts/life_runner.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "roost/error.h"

namespace roost::test {
namespace {

// So that a script whose `until` never comes true says so rather than hang.
constexpr std::chrono::seconds kPatience{30};

const Command* find_in(std::span<const Command> commands, std::string_view name) {
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const Command& command) { return command.name == name; });
  return found == commands.end() ? nullptr : &*found;
}

const Command& find_command(const std::string& name) {
  if (const Command* command = find_in(api_commands(), name)) return *command;
  if (const Command* command = find_in(world_commands(), name)) return *command;
  throw ScriptError("there is no command '" + name + "'");
}

std::vector<std::string> without_first(const std::vector<std::string>& words, std::size_t n) {
  return {words.begin() + static_cast<std::ptrdiff_t>(std::min(n, words.size())), words.end()};
}

}  // namespace

void Stage::keep_lease(const std::string& name, const std::string& id) {
  const MutexLock lock(mutex_);
  if (!leases_.emplace(name, id).second) {
    throw ScriptError("a lease '" + name + "' is out already; name the other one with as=");
  }
}

std::string Stage::lease(const std::string& name) const {
  const MutexLock lock(mutex_);
  const auto found = leases_.find(name);
  if (found == leases_.end()) throw ScriptError("there is no lease '" + name + "'");
  return found->second;
}

std::string Stage::take_lease(const std::string& name) {
  std::string id = lease(name);
  const MutexLock lock(mutex_);
  leases_.erase(name);
  return id;
}

std::map<std::string, std::string> Stage::take_all_leases() {
  const MutexLock lock(mutex_);
  return std::exchange(leases_, {});
}

// What a failed script left behind must not block the engine's end.
LifeRunner::~LifeRunner() { let_go(); }

void LifeRunner::let_go() {
  stage_.world.open_all_gates();
  for (auto& [name, job] : jobs_) job.stop.request_stop();
  for (const auto& [name, id] : stage_.take_all_leases()) stage_.api.release(id);
  jobs_.clear();
}

std::optional<std::string> LifeRunner::run(const Script& script) {
  for (const ScriptStep& step : script.steps) {
    const std::string where = "line " + std::to_string(step.line) + ": `" + step.text + "`: ";
    try {
      if (auto wrong = run_step(step)) return where + *wrong;
    } catch (const ScriptError& error) {
      return where + error.what();
    }
  }
  return leave_nothing_behind();
}

std::optional<std::string> LifeRunner::run_step(const ScriptStep& step) {
  const std::string& command = step.words.front();
  Answer answer;
  if (command == "until") {
    if (!step.expected) throw ScriptError("'until' needs something to wait for");
    answer = perform_until(without_first(step.words, 1), *step.expected);
  } else if (command == "start") {
    answer = start_job(step.words);
  } else if (command == "await") {
    answer = await_job(step.words);
  } else if (command == "stop") {
    answer = stop_job(step.words);
  } else {
    answer = perform(step.words, {});
  }
  const std::string& seen = answer.message;
  if (!step.expected) {
    if (answer.text.starts_with("error ")) return "it failed with " + answer.text + " (" + seen + ")";
    return std::nullopt;
  }
  if (is_as_expected(*step.expected, answer.text, seen)) return std::nullopt;
  return "it answered '" + answer.text + "'" + (seen == answer.text ? "" : " (" + seen + ")");
}

LifeRunner::Answer LifeRunner::perform(const Words& words, std::stop_token stop) {
  if (words.empty()) throw ScriptError("a command is missing");
  const Command& command = find_command(words.front());
  Arguments arguments(without_first(words, 1));
  try {
    std::string text = command.run(stage_, arguments, std::move(stop));
    arguments.finish();
    return {text, text};
  } catch (const RoostError& error) {
    return {"error " + std::string(to_string(error.code())), error.what()};
  } catch (const ScriptError& error) {
    throw ScriptError(std::string(error.what()) + "; " + std::string(command.name) + " " +
                      std::string(command.usage));
  }
}

LifeRunner::Answer LifeRunner::perform_until(const Words& words, const std::string& expected) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    Answer answer = perform(words, {});
    if (is_as_expected(expected, answer.text, answer.message)) return answer;
    if (std::chrono::steady_clock::now() >= give_up) return answer;
    std::this_thread::yield();
  }
}

LifeRunner::Answer LifeRunner::start_job(const Words& words) {
  if (words.size() < 3) throw ScriptError("start JOB COMMAND ..");
  const Words command = without_first(words, 2);
  if (find_in(api_commands(), command.front()) == nullptr) {
    throw ScriptError("'" + command.front() + "' cannot be started, only done");
  }
  const auto [known, fresh] = jobs_.try_emplace(words[1]);
  if (!fresh) throw ScriptError("a job '" + words[1] + "' runs already");
  Job& job = known->second;
  job.answer = std::async(std::launch::async, [this, command, stop = job.stop.get_token()] {
    return perform(command, stop);
  });
  return {"started", "started"};
}

LifeRunner::Job& LifeRunner::job(const Words& words) {
  const auto known = words.size() == 2 ? jobs_.find(words[1]) : jobs_.end();
  if (known == jobs_.end()) throw ScriptError("it names no job that was started");
  return known->second;
}

LifeRunner::Answer LifeRunner::await_job(const Words& words) {
  Answer answer = job(words).answer.get();
  jobs_.erase(words[1]);
  return answer;
}

LifeRunner::Answer LifeRunner::stop_job(const Words& words) {
  job(words).stop.request_stop();
  return {"stopping", "stopping"};
}

std::optional<std::string> LifeRunner::leave_nothing_behind() {
  if (!jobs_.empty()) return "at its end: nothing awaits the job '" + jobs_.begin()->first + "'";
  let_go();
  UnloadOptions force;
  force.force = true;
  stage_.api.unload_all(force, std::nullopt);
  stage_.api.clear_cache();
  for (const MemoryLine& line : stage_.api.memory().memories) {
    if (line.reserved == 0) continue;
    return "at its end: " + bytes_text(line.reserved) + " of '" + line.device +
           "' are still reserved";
  }
  const std::uint64_t live = stage_.world.live_bytes();
  if (live != 0) return "at its end: " + bytes_text(live) + " are still allocated";
  return std::nullopt;
}

}  // namespace roost::test
