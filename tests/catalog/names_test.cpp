#include "catalog/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "roost/ids.h"
#include "catalog/local_path.h"
#include "roost/error.h"

namespace roost::catalog {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

class FakeNames final : public NameSource {
 public:
  std::optional<RegisteredName> registered(std::string_view id) const override {
    const auto it = models.find(lower_ascii(id));
    if (it == models.end()) return std::nullopt;
    return it->second;
  }
  std::optional<std::string> alias_target(Domain domain, std::string_view name) const override {
    const auto it = aliases.find({domain, lower_ascii(name)});
    if (it == aliases.end()) return std::nullopt;
    return it->second;
  }
  std::vector<std::string> known_names(Domain) const override {
    std::vector<std::string> names;
    for (const auto& [key, model] : models) names.push_back(model.id);
    for (const auto& [key, target] : aliases) names.push_back(key.second);
    return names;
  }

  std::map<std::string, RegisteredName> models = {
      {"my-model", {"My-Model", "file:/models/mine"}},
      {"lexical:fp16", {"lexical:fp16", "builtin:lexical"}},
      {"intfloat/e5-base-v2", {"intfloat/e5-base-v2", "hf:intfloat/e5-base-v2@v1"}},
      {"file:/known", {"file:/known", "file:/known"}},
  };
  std::map<std::pair<Domain, std::string>, std::string> aliases = {
      {{Domain::Any, "mine"}, "my-model"},
      {{Domain::Embedder, "mine-too"}, "BAAI/bge-m3:int8"},
      {{Domain::Reranker, "large"}, "BAAI/bge-reranker-base"},
      {{Domain::Any, "dangling"}, "nowhere"},
      {{Domain::Any, "domain-first"}, "my-model"},
      {{Domain::Reranker, "domain-first"}, "builtin:lexical"},
  };
};

class NamesTest : public testing::Test {
 protected:
  Resolution resolve(std::string_view name, Domain domain) const {
    return resolve_name(name, domain, context());
  }
  NameContext context() const {
    return {.names = names_,
            .hardware = [this] { return hardware_; },
            .local_path = [](std::string_view name) -> std::optional<std::string> {
              if (name == "/models/x" || name == "file:/models/x" || name == "./x")
                return "/models/x";
              if (name == "/with:colon") return "/with:colon";
              if (name == "bare-folder") return "/cwd/bare-folder";
              if (name == "org/folder") return "/cwd/org/folder";
              if (name == "/known") return "/known";
              return std::nullopt;
            }};
  }
  FakeNames names_;
  HardwareProfile hardware_{.system_total_bytes = 16 * kGiB, .system_available_bytes = 16 * kGiB};
};

struct ResolveCase {
  const char* name;
  std::string given;
  Domain domain;
  ResolvedKind kind;
  std::string id;
  std::string source;
  std::string qualifier;
};

class ResolveTest : public NamesTest, public testing::WithParamInterface<ResolveCase> {};

TEST_P(ResolveTest, Resolves) {
  const ResolveCase& test = GetParam();
  const Resolution found = resolve(test.given, test.domain);
  EXPECT_EQ(to_string(found.kind), to_string(test.kind));
  EXPECT_EQ(found.id, test.id);
  EXPECT_EQ(found.source, test.source);
  EXPECT_EQ(found.qualifier, test.qualifier);
}

constexpr auto kE = Domain::Embedder;
constexpr auto kR = Domain::Reranker;
constexpr auto kAny = Domain::Any;
constexpr auto kRegistered = ResolvedKind::Registered;
constexpr auto kHubKind = ResolvedKind::Hub;
constexpr auto kPath = ResolvedKind::LocalPath;

const std::string kBge = "BAAI/bge-small-en-v1.5";

INSTANTIATE_TEST_SUITE_P(
    Order, ResolveTest,
    testing::Values(
        // System words, per domain.
        ResolveCase{"Default", "default", kE, kHubKind, kBge, "hf:" + kBge, ""},
        ResolveCase{"DefaultAny", "DEFAULT", kAny, kHubKind, kBge, "hf:" + kBge, ""},
        ResolveCase{"DefaultReranker", "Default", kR, kHubKind,
                    "cross-encoder/ms-marco-MiniLM-L-6-v2",
                    "hf:cross-encoder/ms-marco-MiniLM-L-6-v2", ""},
        ResolveCase{"Variant", "large:fp16", kE, kHubKind, "nomic-ai/nomic-embed-text-v1.5",
                    "hf:nomic-ai/nomic-embed-text-v1.5", "fp16"},
        ResolveCase{"WordWithItsOwnVariant", "multilingual-fast", kR, kHubKind,
                    "gpustack/bge-reranker-v2-m3-GGUF", "hf:gpustack/bge-reranker-v2-m3-GGUF",
                    "Q4_K_M"},
        // User aliases come before system words, a domain's before everyone's.
        ResolveCase{"UserAlias", "Mine", kE, kRegistered, "My-Model", "file:/models/mine", ""},
        ResolveCase{"UserAliasVariant", "mine:int8", kR, kRegistered, "My-Model",
                    "file:/models/mine", "int8"},
        ResolveCase{"TargetWithVariant", "mine-too", kE, kHubKind, "BAAI/bge-m3", "hf:BAAI/bge-m3",
                    "int8"},
        ResolveCase{"GivenVariantWins", "mine-too:fp16", kE, kHubKind, "BAAI/bge-m3",
                    "hf:BAAI/bge-m3", "fp16"},
        ResolveCase{"UserBeforeSystem", "large", kR, kHubKind, "BAAI/bge-reranker-base",
                    "hf:BAAI/bge-reranker-base", ""},
        ResolveCase{"OtherDomainKeepsSystem", "large", kE, kHubKind,
                    "nomic-ai/nomic-embed-text-v1.5", "hf:nomic-ai/nomic-embed-text-v1.5", ""},
        ResolveCase{"DomainBeforeAny", "domain-first", kR, ResolvedKind::Builtin, "builtin:lexical",
                    "builtin:lexical", ""},
        ResolveCase{"AnyElsewhere", "domain-first", kE, kRegistered, "My-Model",
                    "file:/models/mine", ""},
        ResolveCase{"EmbeddersAliasWhereNoDomainIsSaid", "mine-too", kAny, kHubKind, "BAAI/bge-m3",
                    "hf:BAAI/bge-m3", "int8"},
        // Full ids, those with a colon included.
        ResolveCase{"Registered", "MY-MODEL", kE, kRegistered, "My-Model", "file:/models/mine", ""},
        ResolveCase{"RegisteredVariant", "my-model:q4", kE, kRegistered, "My-Model",
                    "file:/models/mine", "q4"},
        ResolveCase{"Builtin", "builtin:lexical", kE, ResolvedKind::Builtin, "builtin:lexical",
                    "builtin:lexical", ""},
        ResolveCase{"BuiltinAnyCase", "Builtin:Lexical", kR, ResolvedKind::Builtin,
                    "builtin:lexical", "builtin:lexical", ""},
        ResolveCase{"BuiltinVariant", "builtin:lexical:small", kE, ResolvedKind::Builtin,
                    "builtin:lexical", "builtin:lexical", "small"},
        ResolveCase{"IdWithColonBeatsVariant", "lexical:fp16", kE, kRegistered, "lexical:fp16",
                    "builtin:lexical", ""},
        ResolveCase{"SystemRepoInTheHubsCase", "baai/BGE-small-en-v1.5", kE, kHubKind, kBge,
                    "hf:" + kBge, ""},
        // Short names.
        ResolveCase{"ShortName", "Bge-Small-EN-v1.5", kE, kHubKind, kBge, "hf:" + kBge, ""},
        ResolveCase{"ShortNameAny", "bge-reranker-base", kAny, kHubKind, "BAAI/bge-reranker-base",
                    "hf:BAAI/bge-reranker-base", ""},
        ResolveCase{"ShortNameIsRegistered", "e5-base-v2", kE, kRegistered, "intfloat/e5-base-v2",
                    "hf:intfloat/e5-base-v2@v1", ""},
        // Paths, before the hub.
        ResolveCase{"Path", "/models/x", kE, kPath, "file:/models/x", "file:/models/x", ""},
        ResolveCase{"PathWithScheme", "file:/models/x", kE, kPath, "file:/models/x",
                    "file:/models/x", ""},
        ResolveCase{"PathVariant", "./x:q4", kE, kPath, "file:/models/x", "file:/models/x", "q4"},
        ResolveCase{"PathWithColon", "/with:colon", kE, kPath, "file:/with:colon",
                    "file:/with:colon", ""},
        ResolveCase{"BareFolder", "bare-folder", kE, kPath, "file:/cwd/bare-folder",
                    "file:/cwd/bare-folder", ""},
        ResolveCase{"FolderLikeAHubId", "org/folder", kE, kPath, "file:/cwd/org/folder",
                    "file:/cwd/org/folder", ""},
        ResolveCase{"HubInSpiteOfFolder", "hf:org/folder", kE, kHubKind, "org/folder",
                    "hf:org/folder", ""},
        ResolveCase{"PathThatIsRegistered", "/known", kE, kRegistered, "file:/known", "file:/known",
                    ""},
        // The hub.
        ResolveCase{"HubId", "Org/Name", kE, kHubKind, "Org/Name", "hf:Org/Name", ""},
        ResolveCase{"HubRevision", "org/name@v1.0", kE, kHubKind, "org/name@v1.0",
                    "hf:org/name@v1.0", ""},
        ResolveCase{"HubVariant", "hf:org/name@main:fp16", kE, kHubKind, "org/name@main",
                    "hf:org/name@main", "fp16"},
        ResolveCase{"HubScheme", "HF:" + kBge, kE, kHubKind, kBge, "hf:" + kBge, ""}),
    [](const auto& test) { return test.param.name; });

struct RefusedCase {
  const char* name;
  std::string given;
  Domain domain;
  ErrorCode code;
  std::string says;
};

class RefusedNameTest : public NamesTest, public testing::WithParamInterface<RefusedCase> {};

TEST_P(RefusedNameTest, SaysWhy) {
  try {
    const Resolution found = resolve(GetParam().given, GetParam().domain);
    FAIL() << "resolved to " << found.id;
  } catch (const RoostError& error) {
    EXPECT_EQ(to_string(error.code()), to_string(GetParam().code)) << error.what();
    EXPECT_NE(std::string(error.what()).find(GetParam().says), std::string::npos) << error.what();
  }
}

using C = ErrorCode;
INSTANTIATE_TEST_SUITE_P(
    Names, RefusedNameTest,
    testing::Values(
        RefusedCase{"Empty", "", kE, C::InvalidArgument, "empty"},
        RefusedCase{"Long", std::string(10'000, 'a'), kE, C::InvalidArgument, "10000 bytes"},
        RefusedCase{"Control", "a\nb", kE, C::InvalidArgument, "control"},
        RefusedCase{"Unknown", "zzzzzzzz", kE, C::ModelNotFound, "'zzzzzzzz'"},
        RefusedCase{"Typo", "defualt", kE, C::ModelNotFound, "did you mean 'default'"},
        RefusedCase{"TypoOfRegistered", "my-modle", kE, C::ModelNotFound, "My-Model"},
        RefusedCase{"OtherDomainsWord", "ms-marco-l12", kE, C::ModelNotFound, "ms-marco-l12"},
        RefusedCase{"EmptyVariant", "large:", kE, C::ModelNotFound, "large:"},
        RefusedCase{"VariantOnly", ":fp16", kE, C::ModelNotFound, ":fp16"},
        RefusedCase{"BadVariant", "large:a b", kE, C::ModelNotFound, "large:a b"},
        RefusedCase{"UnknownBuiltin", "builtin:lexcial", kE, C::ModelNotFound, "builtin:lexical"},
        RefusedCase{"AbsentPath", "/models/none", kE, C::ModelNotFound, "no file or folder"},
        RefusedCase{"Traversal", "../../etc/none", kE, C::ModelNotFound, "no file or folder"},
        RefusedCase{"InnerDots", "a/../b", kE, C::ModelNotFound, "hub id"},
        RefusedCase{"ThreeParts", "a/b/c", kE, C::ModelNotFound, "hub id"},
        RefusedCase{"EmptyRevision", "a/b@", kE, C::ModelNotFound, "hub id"},
        RefusedCase{"SchemeTwice", "hf:hf:a/b", kE, C::ModelNotFound, "hub id"},
        RefusedCase{"DanglingAlias", "dangling", kE, C::ModelNotFound, "alias for 'nowhere'"},
        RefusedCase{"TranscriberWord", "turbo", Domain::Transcriber, C::Unsupported, "transcriber"},
        RefusedCase{"TranscriberAuto", "auto", Domain::Transcriber, C::Unsupported, "transcriber"},
        RefusedCase{"TranscriberRepo", "openai/whisper-tiny", kAny, C::Unsupported, "transcriber"},
        RefusedCase{"GeneratorWord", "gguf:Balanced", Domain::Generator, C::Unsupported,
                    "generator"},
        RefusedCase{"GeneratorName", "phi-4", kAny, C::Unsupported, "generator"},
        RefusedCase{"TranscriberUnknown", "zzzzzzzz", Domain::Transcriber, C::ModelNotFound, ""}),
    [](const auto& test) { return test.param.name; });

TEST_F(NamesTest, NotFoundCarriesIdAndSuggestions) {
  try {
    resolve("multilingal", kE);
    FAIL() << "resolved";
  } catch (const ModelNotFoundException& error) {
    EXPECT_EQ(error.model_id(), "multilingal");
    EXPECT_THAT(error.suggestions(), testing::Contains("multilingual"));
  }
}

TEST_F(NamesTest, WhatOnlyAHubHasIsSuggestedForWantOfABetterOne) {
  const auto suggested = [this](std::string_view name) {
    try {
      resolve(name, kE);
    } catch (const ModelNotFoundException& error) {
      return error.suggestions();
    }
    ADD_FAILURE() << "resolved";
    return std::vector<std::string>{};
  };
  EXPECT_THAT(suggested("fas"), testing::ElementsAre("fast"));
  names_.models["fasr"] = {"fasr", "file:/models/fasr"};
  EXPECT_THAT(suggested("fas"), testing::ElementsAre("fasr"));
  names_.aliases[{Domain::Any, "fasx"}] = "BAAI/bge-m3";
  EXPECT_THAT(suggested("fas"), testing::ElementsAre("fasr"));
  names_.aliases[{Domain::Any, "fasx"}] = "my-model";
  EXPECT_THAT(suggested("fas"), testing::ElementsAre("fasr", "fasx"));
}

TEST_F(NamesTest, ViaNamesTheWay) {
  EXPECT_THAT(resolve("mine", kE).via, testing::ElementsAre("mine", "my-model"));
  EXPECT_THAT(resolve("fast", kE).via,
              testing::ElementsAre("fast", "sentence-transformers/all-MiniLM-L6-v2"));
  EXPECT_THAT(resolve("my-model", kE).via, testing::ElementsAre("my-model"));
  EXPECT_THAT(resolve("auto", kR).via,
              testing::ElementsAre("auto", "quality", "BAAI/bge-reranker-base"));
}

struct AutoCase {
  const char* name;
  std::uint64_t gpu_mib;
  std::uint64_t ram_gib;
  std::string embedder;
  std::string reranker;
};

class AutoNameTest : public NamesTest, public testing::WithParamInterface<AutoCase> {};

TEST_P(AutoNameTest, GoesByTheHardwareOfTheMoment) {
  hardware_ = {.gpu_total_bytes = GetParam().gpu_mib << 20,
               .gpu_free_bytes = GetParam().gpu_mib << 20,
               .system_total_bytes = GetParam().ram_gib * kGiB,
               .system_available_bytes = GetParam().ram_gib * kGiB};
  EXPECT_EQ(resolve("AUTO", kE).id, GetParam().embedder);
  EXPECT_EQ(resolve("auto", kAny).id, GetParam().embedder);
  EXPECT_EQ(resolve("auto", kR).id, GetParam().reranker);
}

const std::string kNomic = "nomic-ai/nomic-embed-text-v1.5";
const std::string kMiniLm6 = "cross-encoder/ms-marco-MiniLM-L-6-v2";
INSTANTIATE_TEST_SUITE_P(
    Tiers, AutoNameTest,
    testing::Values(AutoCase{"Low", 2048, 8, kNomic, kMiniLm6},
                    AutoCase{"Medium", 6 * 1024, 16, kNomic, "BAAI/bge-reranker-base"},
                    AutoCase{"UltraGpu", 24 * 1024, 64, kNomic, "BAAI/bge-reranker-large"},
                    AutoCase{"CpuOnly", 0, 32, kNomic, "BAAI/bge-reranker-large"},
                    AutoCase{"TinyGpuTinyHost", 256, 4, kBge, kMiniLm6},
                    AutoCase{"NothingFits", 0, 2, "sentence-transformers/all-MiniLM-L6-v2",
                             kMiniLm6}),
    [](const auto& test) { return test.param.name; });

TEST_F(NamesTest, AutoTakesVariantsToo) {
  EXPECT_EQ(resolve("auto:int8", kE).qualifier, "int8");
}

struct AliasCase {
  const char* name;
  Alias alias;
  bool overwrite;
  std::optional<ErrorCode> code;
};

class AliasTest : public NamesTest, public testing::WithParamInterface<AliasCase> {};

TEST_P(AliasTest, IsTakenOrRefused) {
  const AliasCase& test = GetParam();
  if (!test.code) {
    EXPECT_NO_THROW(check_alias(test.alias, test.overwrite, names_));
    return;
  }
  try {
    check_alias(test.alias, test.overwrite, names_);
    FAIL() << "taken";
  } catch (const RoostError& error) {
    EXPECT_EQ(to_string(error.code()), to_string(*test.code)) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rules, AliasTest,
    testing::Values(
        AliasCase{"New", {kE, "new", "org/name"}, false, std::nullopt},
        AliasCase{"ToRegistered", {kAny, "new", "my-model"}, false, std::nullopt},
        AliasCase{"ToRegisteredVariant", {kAny, "new", "my-model:int8"}, false, std::nullopt},
        AliasCase{"ToShortName", {kE, "new", "bge-small-en-v1.5"}, false, std::nullopt},
        AliasCase{"ToBuiltin", {kE, "new", "builtin:lexical"}, false, std::nullopt},
        AliasCase{"OverASystemWord", {kE, "default", "my-model"}, false, std::nullopt},
        AliasCase{"SameAgain", {kAny, "mine", "my-model"}, false, std::nullopt},
        AliasCase{"OtherTarget", {kAny, "Mine", "org/name"}, false, C::AliasConflict},
        AliasCase{"OtherTargetOverwritten", {kAny, "mine", "org/name"}, true, std::nullopt},
        AliasCase{"OfAnotherDomain", {kE, "mine", "org/name"}, false, std::nullopt},
        AliasCase{"RegisteredId", {kAny, "MY-model", "org/name"}, false, C::AliasConflict},
        AliasCase{"RegisteredIdOverwritten", {kAny, "my-model", "a/b"}, true, C::AliasConflict},
        AliasCase{"Auto", {kE, "Auto", "org/name"}, true, C::AliasConflict},
        AliasCase{"Colon", {kE, "a:b", "org/name"}, false, C::InvalidArgument},
        AliasCase{"Empty", {kE, "", "org/name"}, false, C::InvalidModelId},
        AliasCase{"Control", {kE, "a\n", "org/name"}, false, C::InvalidModelId},
        AliasCase{"Long", {kE, std::string(10'000, 'a'), "org/name"}, false, C::InvalidModelId},
        AliasCase{"EmptyTarget", {kE, "new", ""}, false, C::InvalidArgument},
        AliasCase{"ToUserAlias", {kE, "new", "MINE"}, false, C::AliasChain},
        AliasCase{"ToUserAliasVariant", {kE, "new", "mine:fp16"}, false, C::AliasChain},
        AliasCase{"ToSystemWord", {kE, "new", "large"}, false, C::AliasChain},
        AliasCase{"ToSystemWordVariant", {kR, "new", "fast:int8"}, false, C::AliasChain},
        AliasCase{"ToAnyDomainsWord", {kAny, "new", "ms-marco-l12"}, false, C::AliasChain},
        AliasCase{"ToAnotherDomainsAlias", {kR, "new", "mine-too"}, false, std::nullopt},
        AliasCase{"ToAuto", {kE, "new", "auto"}, false, C::AliasChain},
        AliasCase{"ToItself", {kE, "new", "New"}, false, C::AliasChain}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace roost::catalog
