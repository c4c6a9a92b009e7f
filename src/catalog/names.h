#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/system_models.h"
#include "roost/device.h"

namespace roost::catalog {

// A user's alias. In domain Any it counts in every domain that has none of that name itself.
struct Alias {
  Domain domain = Domain::Any;
  std::string name;
  std::string target;

  friend bool operator==(const Alias&, const Alias&) = default;
};

struct RegisteredName {
  std::string id;  // in the case it was registered with
  std::string source;
};

// What resolving names needs to know of a catalog. Names are found by any case.
class NameSource {
 public:
  virtual ~NameSource() = default;
  virtual std::optional<RegisteredName> registered(std::string_view id) const = 0;
  virtual std::optional<std::string> alias_target(Domain domain, std::string_view name) const = 0;
  virtual std::vector<std::string> known_names(Domain domain) const = 0;  // ids and user aliases
};

enum class ResolvedKind : std::uint8_t { Registered, Builtin, LocalPath, Hub };
std::string_view to_string(ResolvedKind kind);

struct Resolution {
  ResolvedKind kind = ResolvedKind::Registered;
  std::string id;      // the catalog's; else "builtin:lexical", "file:/path", "owner/repo[@rev]"
  std::string source;  // the registered one; else "builtin:lexical", "file:/path", "hf:owner/..."
  std::string qualifier = {};         // the variant asked for: "fp16"
  std::vector<std::string> via = {};  // for diagnostics: the names the given one went through
};

struct NameContext {
  const NameSource& names;
  std::function<HardwareProfile()> hardware;  // asked for `auto` only
  // The absolute path of what a name denotes on disk, nullopt when nothing is there.
  std::function<std::optional<std::string>(std::string_view)> local_path;
};

// What `name` means in `domain`. Throws InvalidArgument for a name that cannot be one,
// ModelNotFoundException with suggestions for one that means nothing, and Unsupported for models
// of domains that cannot run yet (transcribers, generators).
Resolution resolve_name(std::string_view name, Domain domain, const NameContext& context);

// Throws unless the alias may be set: InvalidModelId or InvalidArgument for what cannot be a name,
// AliasConflict when it is a registered id, is reserved, or leads elsewhere now and `overwrite` is
// false, AliasChain when its target is an alias.
void check_alias(const Alias& alias, bool overwrite, const NameSource& names);

}  // namespace roost::catalog
