#include "catalog/names.h"

#include <algorithm>
#include <array>
#include <utility>

#include "roost/ids.h"
#include "catalog/auto_choice.h"
#include "catalog/local_path.h"
#include "roost/error.h"

namespace roost::catalog {
namespace {

constexpr std::size_t kMaxNameBytes = 4096;  // a path may be one
constexpr std::string_view kAuto = "auto";
constexpr std::string_view kBuiltin = "builtin:lexical";
constexpr std::string_view kHub = "hf:";

bool is_auto(std::string_view name) {
  return lower_ascii(name) == kAuto;
}

bool is_qualifier_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// "large:fp16" is {"large", "fp16"}; nullopt when there is no such variant.
std::optional<std::pair<std::string_view, std::string_view>> split(std::string_view name) {
  const std::size_t colon = name.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == name.size()) {
    return std::nullopt;
  }
  const std::string_view qualifier = name.substr(colon + 1);
  if (!std::all_of(qualifier.begin(), qualifier.end(), is_qualifier_char)) return std::nullopt;
  return std::pair(name.substr(0, colon), qualifier);
}

// "owner/repo" or "owner/repo@revision".
bool is_hub_id(std::string_view id) {
  const std::size_t at = std::min(id.find('@'), id.size());
  const std::string_view repo = id.substr(0, at);
  if (std::count(repo.begin(), repo.end(), '/') != 1) return false;
  if (at + 1 == id.size() || id.find(':') != std::string_view::npos) return false;
  try {
    check_model_id(id);
    return true;
  } catch (const RoostError&) {
    return false;
  }
}

class Resolver {
 public:
  Resolver(Domain domain, const NameContext& context) : domain_(domain), context_(context) {}

  std::optional<Resolution> find(std::string_view name) {
    if (auto found = whole(name)) return found;
    const auto parts = split(name);
    if (!parts) return std::nullopt;
    auto found = whole(parts->first);
    if (found) found->qualifier = parts->second;
    return found;
  }

 private:
  std::optional<Resolution> whole(std::string_view name);
  std::optional<Resolution> user_alias(std::string_view name);
  std::optional<Resolution> system_alias(std::string_view name);
  std::optional<Resolution> not_alias(std::string_view name);
  std::optional<Resolution> not_alias_or_variant(std::string_view name);
  std::optional<Resolution> registered(std::string_view id);
  std::optional<Resolution> hub(std::string_view id);
  Resolution system_model(const SystemModel& model);
  std::string auto_word() const;
  Resolution done(ResolvedKind kind, std::string id, std::string source) {
    return {kind, std::move(id), std::move(source), {}, std::exchange(via_, {})};
  }
  [[noreturn]] void unsupported(Domain domain, std::string_view name) const;

  const Domain domain_;
  const NameContext& context_;
  std::vector<std::string> via_;
};

std::optional<Resolution> Resolver::whole(std::string_view name) {
  via_.assign(1, std::string(name));
  if (is_auto(name)) {
    const std::string word = auto_word();
    via_.push_back(word);
    return system_alias(word);
  }
  if (auto found = user_alias(name)) return found;
  if (auto found = system_alias(name)) return found;
  return not_alias(name);
}

std::optional<Resolution> Resolver::user_alias(std::string_view name) {
  auto target = context_.names.alias_target(domain_, name);
  if (!target) {
    const Domain next = domain_ == Domain::Any ? Domain::Embedder : Domain::Any;
    target = context_.names.alias_target(next, name);
  }
  if (!target) return std::nullopt;
  via_.push_back(*target);
  if (auto found = not_alias_or_variant(*target)) return found;
  throw ModelNotFoundException(std::string(name), "it is an alias for '" + printable(*target) +
                                                      "', which is not registered and is no path "
                                                      "or hub id");
}

std::optional<Resolution> Resolver::system_alias(std::string_view name) {
  const SystemAlias* alias = find_system_alias(domain_, name);
  if (alias == nullptr) return std::nullopt;
  const SystemModel* model = find_short_name(alias->domain, alias->short_name);
  if (model == nullptr) unsupported(alias->domain, name);
  Resolution found = system_model(*model);
  found.qualifier = alias->qualifier;
  return found;
}

std::optional<Resolution> Resolver::not_alias_or_variant(std::string_view name) {
  if (auto found = not_alias(name)) return found;
  const auto parts = split(name);
  if (!parts) return std::nullopt;
  auto found = not_alias(parts->first);
  if (found) found->qualifier = parts->second;
  return found;
}

std::optional<Resolution> Resolver::not_alias(std::string_view name) {
  if (auto known = registered(name)) return known;
  if (lower_ascii(name) == kBuiltin) {
    return done(ResolvedKind::Builtin, std::string(kBuiltin), std::string(kBuiltin));
  }
  if (lower_ascii(name.substr(0, kHub.size())) == kHub) return hub(name.substr(kHub.size()));
  if (const SystemModel* model = find_repo(domain_, name)) return system_model(*model);
  if (const SystemModel* model = find_short_name(domain_, name)) return system_model(*model);
  if (const auto path = context_.local_path(name)) {
    const std::string source = "file:" + *path;
    if (auto known = registered(source)) return known;
    return done(ResolvedKind::LocalPath, source, source);
  }
  return looks_like_path(name) ? std::nullopt : hub(name);
}

std::optional<Resolution> Resolver::registered(std::string_view id) {
  auto known = context_.names.registered(id);
  if (!known) return std::nullopt;
  return done(ResolvedKind::Registered, std::move(known->id), std::move(known->source));
}

std::optional<Resolution> Resolver::hub(std::string_view id) {
  if (auto known = registered(id)) return known;
  if (const SystemModel* model = find_repo(domain_, id)) return system_model(*model);
  if (!is_hub_id(id)) return std::nullopt;
  return done(ResolvedKind::Hub, std::string(id), std::string(kHub).append(id));
}

Resolution Resolver::system_model(const SystemModel& model) {
  if (model.domain == Domain::Transcriber || model.domain == Domain::Generator) {
    unsupported(model.domain, model.short_name);
  }
  const std::string repo(model.repo);
  if (via_.back() != repo) via_.push_back(repo);
  if (auto known = registered(repo)) return std::move(*known);
  return done(ResolvedKind::Hub, repo, std::string(kHub) + repo);
}

std::string Resolver::auto_word() const {
  const Domain domain = domain_ == Domain::Any ? Domain::Embedder : domain_;
  if (domain == Domain::Transcriber || domain == Domain::Generator) unsupported(domain, kAuto);
  const HardwareProfile hardware = context_.hardware();
  if (domain == Domain::Reranker) return std::string(reranker_word(hardware.tier()));

  static constexpr std::array<std::string_view, 4> kWords = {"fast", "default", "quality", "large"};
  std::vector<AutoCandidate> candidates;
  for (const std::string_view word : kWords) {
    const SystemModel* model = find_short_name(domain, find_system_alias(domain, word)->short_name);
    candidates.push_back({std::string(word), model->load_bytes()});
  }
  return choose_auto(candidates, hardware).name;
}

void Resolver::unsupported(Domain domain, std::string_view name) const {
  throw RoostError(ErrorCode::Unsupported, "'" + printable(name) + "' is a " +
                                               std::string(to_string(domain)) +
                                               ": no backend here runs that kind of model; "
                                               "embedders and rerankers can be used");
}

std::vector<std::string> all_names(Domain domain, const NameSource& names) {
  std::vector<std::string> candidates = names.known_names(domain);
  candidates.emplace_back(kAuto);
  candidates.emplace_back(kBuiltin);
  for (const SystemAlias& row : system_aliases()) {
    if (names_count(row.domain, domain)) candidates.emplace_back(row.word);
  }
  for (const SystemModel& row : system_models()) {
    if (names_count(row.domain, domain)) candidates.emplace_back(row.short_name);
  }
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return candidates;
}

bool is_usable_here(const std::string& name, Domain domain, const NameContext& context) {
  if (context.names.registered(name)) return true;
  try {
    const auto found = Resolver(domain, context).find(name);
    return found && !found->source.starts_with(kHub);
  } catch (const RoostError&) {  // an alias whose target is gone, a domain that nothing runs
    return false;
  }
}

// What only a hub has is a guess for want of a better one.
std::vector<std::string> suggestions(std::string_view name, Domain domain,
                                     const NameContext& context) {
  std::vector<std::string> names = all_names(domain, context.names);
  const auto elsewhere = std::stable_partition(
      names.begin(), names.end(),
      [&](const std::string& one) { return is_usable_here(one, domain, context); });
  const std::vector<std::string> here(names.begin(), elsewhere);
  auto nearest = nearest_names(name, here);
  return nearest.empty() ? nearest_names(name, {elsewhere, names.end()}) : nearest;
}

bool is_system_word(Domain domain, std::string_view word) {
  if (domain != Domain::Any) return find_system_alias(domain, word) != nullptr;
  const auto rows = system_aliases();
  return std::any_of(rows.begin(), rows.end(), [&](const SystemAlias& row) {
    return lower_ascii(row.word) == lower_ascii(word);
  });
}

bool is_user_alias(Domain domain, std::string_view name, const NameSource& names) {
  for (const Domain each :
       {Domain::Any, Domain::Embedder, Domain::Reranker, Domain::Transcriber, Domain::Generator}) {
    const bool counts = domain == Domain::Any || each == Domain::Any || each == domain;
    if (counts && names.alias_target(each, name)) return true;
  }
  return false;
}

void check_target(const Alias& alias, const NameSource& names) {
  check_text("alias target", alias.target, kMaxNameBytes);
  if (names.registered(alias.target)) return;
  const auto is_alias = [&](std::string_view name) {
    return is_auto(name) || lower_ascii(name) == lower_ascii(alias.name) ||
           is_system_word(alias.domain, name) || is_user_alias(alias.domain, name, names);
  };
  const auto parts = split(alias.target);
  if (is_alias(alias.target) ||
      (parts && !names.registered(parts->first) && is_alias(parts->first))) {
    throw RoostError(ErrorCode::AliasChain,
                     "alias '" + alias.name + "': its target '" + printable(alias.target) +
                         "' is an alias itself; name the model that one leads to");
  }
}

}  // namespace

std::string_view to_string(ResolvedKind kind) {
  switch (kind) {
    case ResolvedKind::Registered:
      return "registered";
    case ResolvedKind::Builtin:
      return "builtin";
    case ResolvedKind::LocalPath:
      return "local_path";
    case ResolvedKind::Hub:
      return "hub";
  }
  return "registered";
}

Resolution resolve_name(std::string_view name, Domain domain, const NameContext& context) {
  check_text("model name", name, kMaxNameBytes);
  Resolver resolver(domain, context);
  if (auto found = resolver.find(name)) return std::move(*found);
  const std::string why = looks_like_path(name)
                              ? "there is no file or folder of that path"
                              : "it is no alias, registered id, local path or hub id (owner/name)";
  throw ModelNotFoundException(std::string(name), why, suggestions(name, domain, context));
}

void check_alias(const Alias& alias, bool overwrite, const NameSource& names) {
  if (alias.name.find(':') != std::string::npos) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "alias '" + printable(alias.name) +
                         "': a ':' is not allowed, it separates a name from its variant");
  }
  check_model_id(alias.name);
  const std::string what = "alias '" + alias.name + "'";
  if (is_auto(alias.name)) {
    throw RoostError(ErrorCode::AliasConflict,
                     what + ": reserved, it means the best model for the hardware");
  }
  if (const auto known = names.registered(alias.name)) {
    throw RoostError(ErrorCode::AliasConflict,
                     what + ": a model is registered as '" + known->id + "'; choose another name");
  }
  check_target(alias, names);
  const auto now = names.alias_target(alias.domain, alias.name);
  if (now && *now != alias.target && !overwrite) {
    throw RoostError(ErrorCode::AliasConflict, what + " leads to '" + printable(*now) +
                                                   "' already; overwrite it to lead to '" +
                                                   printable(alias.target) + "'");
  }
}

}  // namespace roost::catalog
