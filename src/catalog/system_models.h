#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace roost::catalog {

// What a name is wanted for. Each domain has its own "default", "fast", "large" and so on.
// Any stands for callers that did not say: it takes the embedders' words and aliases, and
// everyone's names of models.
enum class Domain : std::uint8_t { Any, Embedder, Reranker, Transcriber, Generator };
std::string_view to_string(Domain domain);
std::optional<Domain> parse_domain(std::string_view name);

enum class Pooling : std::uint8_t { None, Mean, Cls };
std::string_view to_string(Pooling pooling);

// A model the system has a name for. Figures are 0 where nobody states them.
struct SystemModel {
  Domain domain = Domain::Embedder;
  std::string_view short_name;  // without the owner
  std::string_view repo;        // empty where no repository is known
  std::uint32_t dimensions = 0;
  std::uint32_t max_tokens = 0;
  Pooling pooling = Pooling::None;
  std::uint64_t parameters = 0;

  std::uint64_t load_bytes() const;  // what `auto` reckons with: f32 weights and a tenth more
};

// A word of a domain, for one of its models and perhaps a variant of it.
struct SystemAlias {
  Domain domain = Domain::Embedder;
  std::string_view word;
  std::string_view short_name;
  std::string_view qualifier;
};

std::span<const SystemModel> system_models();
std::span<const SystemAlias> system_aliases();

// Whether a table row of `row` counts for someone who asks in `asked`.
bool names_count(Domain row, Domain asked);

// By any case. Null when there is none.
const SystemAlias* find_system_alias(Domain domain, std::string_view word);
const SystemModel* find_short_name(Domain domain, std::string_view short_name);
const SystemModel* find_repo(Domain domain, std::string_view repo);

}  // namespace roost::catalog
