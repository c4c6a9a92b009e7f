#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

#include "roost/error.h"
#include "roost/ids.h"

namespace roost::cli {
namespace {

constexpr const char* kVersion = "0.1.0";

// The options as they are written.
struct Words {
  std::optional<std::string> budget, provider, device, rows, top_k;
  std::map<std::string, std::string> sizes;  // of `make`
};

// What `make` takes, and where it goes.
struct SizeOption {
  const char* name;
  const char* help;
  std::size_t MakeOptions::*to;
};
constexpr SizeOption kSizes[] = {
    {"--layers", "6 by default", &MakeOptions::layers},
    {"--hidden", "Width of a token's state; 384 by default", &MakeOptions::hidden},
    {"--heads", "They divide --hidden; 12 by default", &MakeOptions::heads},
    {"--intermediate", "Four times --hidden by default", &MakeOptions::intermediate},
    {"--vocabulary", "Tokens; 30522 by default", &MakeOptions::vocabulary},
    {"--positions", "Most tokens of a text; 512 by default", &MakeOptions::positions},
    {"--labels", "Of a head: 1 ranks, more classify; none by default", &MakeOptions::labels}};

[[noreturn]] void reject(const std::string& why) {
  throw RoostError(ErrorCode::InvalidArgument, why);
}

// The power of two that a unit stands for: 1 KiB is 1024 bytes, and so are 1 KB and 1 K.
std::optional<unsigned> unit_bits(std::string_view unit) {
  const std::string small = lower_ascii(unit.substr(std::min(unit.find_first_not_of(' '), unit.size())));
  if (small.empty() || small == "b") return 0;
  const std::size_t scale = std::string_view("kmgtpe").find(small.front());
  const std::string_view rest = std::string_view(small).substr(1);
  if (scale == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib")) return {};
  return 10 * static_cast<unsigned>(scale + 1);
}

std::uint64_t bytes_of(const std::string& text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  const auto bits = unit_bits(std::string_view(stopped, static_cast<std::size_t>(end - stopped)));
  if (error != std::errc() || !bits || number > UINT64_MAX >> *bits) {
    reject("--budget is '" + printable(text) + "'; give whole bytes, like 512MiB or 8GiB");
  }
  return number << *bits;
}

std::int64_t whole_number(const std::string& option, const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stopped == end) return number;
  const bool too_big = error == std::errc::result_out_of_range;
  reject(option + " is '" + printable(text) + "'; " +
         (too_big ? "that is beyond 64 bits" : "give a whole number"));
}

ExecutionProvider provider_of(const std::string& text) {
  if (const auto provider = parse_execution_provider(text)) return *provider;
  reject("--provider is '" + printable(text) +
         "'; there are auto, cuda, directml, coreml and cpu");
}

std::string exit_codes() {
  std::map<int, std::string> names = {{0, "done"}};
  for (const ErrorKind& kind : error_kinds()) {
    std::string& line = names[kind.exit_code];
    line += (line.empty() ? "" : ", ") + std::string(kind.name);
  }
  std::string text = "Exit codes:";
  for (const auto& [code, line] : names) {
    const std::string number = std::to_string(code);
    text += "\n  " + number;
    text.append(5 - number.size(), ' ').append(line);
  }
  return text;
}

std::string version(bool json) {
  if (!json) return std::string("roost ") + kVersion;
  Value out;
  out["version"] = kVersion;
  return out.to_json(true);
}

// Taken before and after the command alike.
void add_common(CLI::App& app, Arguments& to, Words& words) {
  app.add_flag("--json", to.common.json, "Print one JSON document, errors too");
  app.add_option("--budget", words.budget, "Host memory that models may take, like 2GiB (KB = KiB)")
      ->type_name("BYTES");
  app.add_option("--provider", words.provider,
                 "auto (default), cuda, directml, coreml or cpu")
      ->type_name("NAME");
}

void add_model(CLI::App& app, Arguments& to, Words& words) {
  app.add_option("model", to.model.model, "builtin:lexical, an alias, or the path of a folder")
      ->required()
      ->type_name("NAME");
  app.add_option("--precision", to.model.precision, "Models from folders: auto, f32 or bf16")
      ->type_name("NAME");
  app.add_option("--device", words.device, "A device id, as 'roost devices' prints it")
      ->type_name("ID");
  app.add_option("--rows", words.rows, "builtin:lexical: how many token vectors")
      ->type_name("NUMBER");
}

void add_texts(CLI::App& app, Arguments& to, Words& words, const char* what) {
  add_model(app, to, words);
  if (app.get_name() == "rerank") {
    app.add_option("query", to.text.query, "What is asked for")->required()->type_name("QUERY");
    app.add_option("--top-k", words.top_k, "How many of the best; all by default")
        ->type_name("NUMBER");
  }
  app.add_option("texts", to.text.texts, what)->type_name("TEXT");
  app.add_option("--file", to.text.file, "One text a line, empty ones passed over; - is stdin")->type_name("PATH");
}

void add_make(CLI::App& app, Arguments& to, Words& words) {
  app.add_option("folder", to.make.folder, "A new or empty folder")->required()->type_name("PATH");
  std::string families;
  for (const std::string& family : makeable_families()) {
    families += (families.empty() ? "" : ", ") + family;
  }
  app.add_option("--family", to.make.options.family, families)->type_name("NAME");
  for (const SizeOption& size : kSizes) {
    app.add_option(size.name, words.sizes[size.name], size.help)->type_name("NUMBER");
  }
  app.add_option("--seed", words.sizes["--seed"], "Another seed, other numbers")
      ->type_name("NUMBER");
}

void add_commands(CLI::App& app, Arguments& to, Words& words) {
  app.set_version_flag("--version", version(false));
  app.require_subcommand(1);
  app.footer(exit_codes());
  add_common(app, to, words);
  app.add_subcommand("demo", "Embed, rank and unload with the built-in model, event by event");
  app.add_subcommand("devices", "What this machine offers");
  add_model(*app.add_subcommand("plan", "What loading a model would do, without doing it"), to,
            words);
  add_model(*app.add_subcommand("info", "What a model is; loads it to tell"), to, words);
  add_texts(*app.add_subcommand("embed", "Texts to vectors, a JSON line each"), to, words,
            "What to embed");
  add_texts(*app.add_subcommand("rerank", "Documents by how well they answer a query"), to, words,
            "The documents");
  add_texts(*app.add_subcommand("classify", "Texts to labels"), to, words, "What to classify");
  add_make(*app.add_subcommand("make", "Write a random model, for tests and benchmarks"), to,
           words);
  for (CLI::App* command : app.get_subcommands({})) add_common(*command, to, words);
}

std::string unknown_command(const std::string& word) {
  std::string text = "there is no command '" + printable(word) + "'";
  const auto near = nearest_names(word, 
                                  {"demo", "devices", "plan", "info", "embed", "rerank", "classify",
                                   "make"});
  return near.empty() ? text : text + "; did you mean '" + near.front() + "'?";
}

std::string why_not(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> rest = app.remaining(true);
  const bool has_command = !app.get_subcommands().empty();
  const bool lacks = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (rest.empty()) return lacks && !has_command ? "a command is missing" : printable(error.what());
  const std::string& word = rest.front();
  if (word.starts_with("-")) return "there is no option '" + printable(word) + "'";
  return has_command ? "'" + printable(word) + "' is one word too many" : unknown_command(word);
}

[[noreturn]] void reject(const CLI::App& app, const CLI::ParseError& error) {
  std::string help = "roost ";
  for (const CLI::App* command : app.get_subcommands()) help += command->get_name() + " ";
  reject(why_not(app, error) + " ('" + help + "--help' tells what there is)");
}

// A parse that ended early may not have come as far as --json.
bool asks_for_json(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc,
                     [](std::string_view word) { return word == "--json"; });
}

std::size_t size_of(const std::string& option, const std::string& text) {
  const std::int64_t number = whole_number(option, text);
  if (number < 0) reject(option + " is '" + printable(text) + "'; give a number from 0 on");
  return static_cast<std::size_t>(number);
}

void apply(Words& words, Arguments& to) {
  if (words.budget) to.common.engine.host_budget_bytes = bytes_of(*words.budget);
  if (words.provider) to.common.engine.provider = provider_of(*words.provider);
  if (words.rows) to.model.rows = whole_number("--rows", *words.rows);
  if (words.device && words.device->empty()) reject("--device is empty; give a device id");
  to.model.device = words.device;
  to.text.model = to.model;
  if (words.top_k) to.text.top_k = size_of("--top-k", *words.top_k);
  for (const SizeOption& size : kSizes) {
    const std::string& text = words.sizes[size.name];
    if (!text.empty()) to.make.options.*size.to = size_of(size.name, text);
  }
  if (const std::string& seed = words.sizes["--seed"]; !seed.empty()) {
    to.make.options.seed = size_of("--seed", seed);
  }
}

}  // namespace

void read_arguments(int argc, char** argv, Arguments& to) {
  CLI::App app("Roost: the whole life of a machine-learning model on one machine", "roost");
  Words words;
  add_commands(app, to, words);
  try {
    app.parse(argc, argv);
    to.command = app.get_subcommands().front()->get_name();
  } catch (const CLI::CallForHelp&) {
    to.help = app.help();
    return;
  } catch (const CLI::CallForVersion&) {
    to.help = version(asks_for_json(argc, argv)) + "\n";
    return;
  } catch (const CLI::ParseError& error) {
    to.common.json = asks_for_json(argc, argv);
    reject(app, error);
  }
  apply(words, to);
}

}  // namespace roost::cli
