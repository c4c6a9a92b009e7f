#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "roost/options.h"
#include "roost/value.h"

namespace roost::test {

// What stands after a command: words, and KEY=VALUE. A command takes what it knows; what nobody
// took is an error of the script. All throw ScriptError.
class Arguments {
 public:
  explicit Arguments(const std::vector<std::string>& words)  // without the command
      : left_(words) {}

  bool flag(const std::string& word);                            // takes it if it is there
  std::optional<std::string> option(const std::string& key);     // KEY=VALUE's value
  std::string next(const std::string& what);                     // the first word that is left
  std::optional<std::string> maybe_next();                       // likewise
  std::vector<std::string> rest();                               // all words that are left
  std::vector<std::pair<std::string, std::string>> all_options();
  void finish() const;

 private:
  std::vector<std::string> left_;
};

std::uint64_t parse_bytes(const std::string& text);                // "6MB", "512KB", "1GB", "0"
std::chrono::milliseconds parse_duration(const std::string& text); // "5s", "200ms", "10min"
std::uint64_t parse_count(const std::string& text);
std::string bytes_text(std::uint64_t bytes);                       // the inverse; "7 bytes"

// priority= timeout= device= variant=, and the flags fail_fast, retry_now, warm_up, isolated.
LoadOptions take_load_options(Arguments& arguments);
// timeout=, and the flags force, at_once.
UnloadOptions take_unload_options(Arguments& arguments);
// pin= priority= ttl= group= device=; "none" takes an option away.
Value take_model_options(Arguments& arguments);

}  // namespace roost::test
