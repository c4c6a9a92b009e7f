#include "catalog/system_models.h"

#include <algorithm>
#include <array>

#include "roost/ids.h"

namespace roost::catalog {
namespace {

constexpr std::uint64_t kThousand = 1000;
constexpr std::uint64_t kMillion = kThousand * kThousand;

constexpr auto E = Domain::Embedder;
constexpr auto R = Domain::Reranker;
constexpr auto T = Domain::Transcriber;
constexpr auto G = Domain::Generator;

// Dimensions, tokens, pooling and parameters are those of the models' own cards. Within a domain
// the order is that of `auto`: among equals the later one wins.
constexpr std::array kModels = {
    SystemModel{E, "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2", 384, 256,
                Pooling::Mean, 22'700 * kThousand},
    SystemModel{E, "bge-small-en-v1.5", "BAAI/bge-small-en-v1.5", 384, 512, Pooling::Cls,
                33'400 * kThousand},
    SystemModel{E, "gte-base-en-v1.5", "Alibaba-NLP/gte-base-en-v1.5", 768, 8192, Pooling::Cls,
                137 * kMillion},
    SystemModel{E, "nomic-embed-text-v1.5", "nomic-ai/nomic-embed-text-v1.5", 768, 8192,
                Pooling::Mean, 137 * kMillion},
    SystemModel{E, "multilingual-e5-base", "intfloat/multilingual-e5-base", 768, 512, Pooling::Mean,
                278 * kMillion},
    SystemModel{E, "all-mpnet-base-v2", "sentence-transformers/all-mpnet-base-v2", 768, 384,
                Pooling::Mean, 110 * kMillion},
    SystemModel{E, "bge-base-en-v1.5", "BAAI/bge-base-en-v1.5", 768, 512, Pooling::Cls,
                110 * kMillion},
    SystemModel{E, "bge-large-en-v1.5", "BAAI/bge-large-en-v1.5", 1024, 512, Pooling::Cls,
                335 * kMillion},
    SystemModel{E, "e5-small-v2", "intfloat/e5-small-v2", 384, 512, Pooling::Mean, 33 * kMillion},
    SystemModel{E, "e5-base-v2", "intfloat/e5-base-v2", 768, 512, Pooling::Mean, 110 * kMillion},
    SystemModel{E, "multilingual-e5-small", "intfloat/multilingual-e5-small", 384, 512,
                Pooling::Mean, 118 * kMillion},
    SystemModel{E, "multilingual-e5-large", "intfloat/multilingual-e5-large", 1024, 512,
                Pooling::Mean, 560 * kMillion},
    SystemModel{E, "gte-large-en-v1.5", "Alibaba-NLP/gte-large-en-v1.5", 1024, 8192, Pooling::Cls,
                434 * kMillion},

    SystemModel{R, "ms-marco-TinyBERT-L-2-v2", "cross-encoder/ms-marco-TinyBERT-L-2-v2", 0, 512,
                Pooling::Cls, 4'400 * kThousand},
    SystemModel{R, "ms-marco-MiniLM-L-6-v2", "cross-encoder/ms-marco-MiniLM-L-6-v2", 0, 512,
                Pooling::Cls, 22'700 * kThousand},
    SystemModel{R, "ms-marco-MiniLM-L-12-v2", "cross-encoder/ms-marco-MiniLM-L-12-v2", 0, 512,
                Pooling::Cls, 33'400 * kThousand},
    SystemModel{R, "bge-reranker-base", "BAAI/bge-reranker-base", 0, 512, Pooling::Cls,
                278 * kMillion},
    SystemModel{R, "bge-reranker-large", "BAAI/bge-reranker-large", 0, 512, Pooling::Cls,
                560 * kMillion},
    SystemModel{R, "bge-reranker-v2-m3-ONNX", "onnx-community/bge-reranker-v2-m3-ONNX", 0, 8192,
                Pooling::Cls, 568 * kMillion},
    SystemModel{R, "bge-reranker-v2-m3-GGUF", "gpustack/bge-reranker-v2-m3-GGUF", 0, 8192,
                Pooling::Cls, 568 * kMillion},

    SystemModel{T, "whisper-tiny", "openai/whisper-tiny", 0, 0, Pooling::None, 39 * kMillion},
    SystemModel{T, "whisper-base", "openai/whisper-base", 0, 0, Pooling::None, 74 * kMillion},
    SystemModel{T, "whisper-base.en", "openai/whisper-base.en", 0, 0, Pooling::None, 74 * kMillion},
    SystemModel{T, "whisper-small", "openai/whisper-small", 0, 0, Pooling::None, 244 * kMillion},
    SystemModel{T, "whisper-medium", "openai/whisper-medium", 0, 0, Pooling::None, 769 * kMillion},
    SystemModel{T, "whisper-large-v3", "openai/whisper-large-v3", 0, 0, Pooling::None,
                1550 * kMillion},
    SystemModel{T, "whisper-large-v3-turbo", "openai/whisper-large-v3-turbo", 0, 0, Pooling::None,
                809 * kMillion},
    SystemModel{T, "distil-large-v3", "distil-whisper/distil-large-v3", 0, 0, Pooling::None,
                756 * kMillion},
    SystemModel{T, "parakeet-tdt", "", 0, 0, Pooling::None, 0},

    SystemModel{G, "phi-4-mini", "", 0, 0, Pooling::None, 0},
    SystemModel{G, "phi-4", "", 0, 0, Pooling::None, 0},
    SystemModel{G, "phi-3.5-mini", "", 0, 0, Pooling::None, 0},
};

constexpr std::array kAliases = {
    SystemAlias{E, "default", "bge-small-en-v1.5", ""},
    SystemAlias{E, "fast", "all-MiniLM-L6-v2", ""},
    SystemAlias{E, "quality", "gte-base-en-v1.5", ""},
    SystemAlias{E, "large", "nomic-embed-text-v1.5", ""},
    SystemAlias{E, "multilingual", "multilingual-e5-base", ""},

    SystemAlias{R, "default", "ms-marco-MiniLM-L-6-v2", ""},
    SystemAlias{R, "fast", "ms-marco-TinyBERT-L-2-v2", ""},
    SystemAlias{R, "ms-marco-l12", "ms-marco-MiniLM-L-12-v2", ""},
    SystemAlias{R, "quality", "bge-reranker-base", ""},
    SystemAlias{R, "large", "bge-reranker-large", ""},
    SystemAlias{R, "multilingual", "bge-reranker-v2-m3-ONNX", ""},
    SystemAlias{R, "multilingual-fast", "bge-reranker-v2-m3-GGUF", "Q4_K_M"},

    SystemAlias{T, "fast", "whisper-tiny", ""},
    SystemAlias{T, "default", "whisper-base", ""},
    SystemAlias{T, "quality", "whisper-small", ""},
    SystemAlias{T, "medium", "whisper-medium", ""},
    SystemAlias{T, "large", "whisper-large-v3", ""},
    SystemAlias{T, "turbo", "whisper-large-v3-turbo", ""},
    SystemAlias{T, "distil", "distil-large-v3", ""},
    SystemAlias{T, "english", "whisper-base.en", ""},

    SystemAlias{G, "default", "phi-4-mini", ""},
    SystemAlias{G, "fast", "", ""},
    SystemAlias{G, "quality", "phi-4", ""},
    SystemAlias{G, "medium", "phi-3.5-mini", ""},
    SystemAlias{G, "gguf:auto", "", ""},
    SystemAlias{G, "gguf:fast", "", ""},
    SystemAlias{G, "gguf:default", "", ""},
    SystemAlias{G, "gguf:balanced", "", ""},
    SystemAlias{G, "gguf:quality", "", ""},
    SystemAlias{G, "gguf:large", "", ""},
};

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && lower_ascii(a) == lower_ascii(b);
}

constexpr std::array<std::string_view, 5> kDomains = {"any", "embedder", "reranker", "transcriber",
                                                      "generator"};

}  // namespace

std::string_view to_string(Domain domain) {
  return kDomains[static_cast<std::size_t>(domain)];
}

std::optional<Domain> parse_domain(std::string_view name) {
  for (std::size_t i = 0; i < kDomains.size(); ++i) {
    if (same_name(kDomains[i], name)) return static_cast<Domain>(i);
  }
  return std::nullopt;
}

std::string_view to_string(Pooling pooling) {
  switch (pooling) {
    case Pooling::None:
      return "none";
    case Pooling::Mean:
      return "mean";
    case Pooling::Cls:
      return "cls";
  }
  return "none";
}

std::uint64_t SystemModel::load_bytes() const {
  return parameters * 4 / 10 * 11;
}

std::span<const SystemModel> system_models() {
  return kModels;
}
std::span<const SystemAlias> system_aliases() {
  return kAliases;
}

bool names_count(Domain row, Domain asked) {
  return asked == Domain::Any || row == asked;
}

const SystemAlias* find_system_alias(Domain domain, std::string_view word) {
  const Domain wanted = domain == Domain::Any ? Domain::Embedder : domain;
  const auto it = std::find_if(kAliases.begin(), kAliases.end(), [&](const SystemAlias& row) {
    return row.domain == wanted && same_name(row.word, word);
  });
  return it == kAliases.end() ? nullptr : &*it;
}

const SystemModel* find_short_name(Domain domain, std::string_view short_name) {
  const auto it = std::find_if(kModels.begin(), kModels.end(), [&](const SystemModel& row) {
    return names_count(row.domain, domain) && same_name(row.short_name, short_name);
  });
  return it == kModels.end() ? nullptr : &*it;
}

const SystemModel* find_repo(Domain domain, std::string_view repo) {
  if (repo.empty()) return nullptr;
  const auto it = std::find_if(kModels.begin(), kModels.end(), [&](const SystemModel& row) {
    return names_count(row.domain, domain) && same_name(row.repo, repo);
  });
  return it == kModels.end() ? nullptr : &*it;
}

}  // namespace roost::catalog
