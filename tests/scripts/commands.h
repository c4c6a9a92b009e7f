#pragma once

#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "scripts/api.h"
#include "scripts/arguments.h"
#include "scripts/world.h"

namespace roost::test {

// What the commands of one script share. Thread-safe as far as Api commands use it.
class Stage {
 public:
  Stage(Api& for_models, World& around) : api(for_models), world(around) {}

  Api& api;
  World& world;

  void keep_lease(const std::string& name, const std::string& id);
  std::string lease(const std::string& name) const;       // ScriptError when there is none
  std::string take_lease(const std::string& name);        // likewise
  std::map<std::string, std::string> take_all_leases();

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::string> leases_ ROOST_GUARDED_BY(mutex_);  // a script's name: the id
};

// One command: does it, and says in a few words what came of it. Throws RoostError when the
// system refuses, ScriptError when the script is wrong.
struct Command {
  std::string_view name;
  std::string_view usage;
  std::string (*run)(Stage& stage, Arguments& arguments, std::stop_token stop);
};

std::span<const Command> api_commands();    // what every door can do; may run in the background
std::span<const Command> world_commands();  // the machine, the clock, the scripted backend

}  // namespace roost::test
