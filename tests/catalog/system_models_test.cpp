#include "catalog/system_models.h"

#include <gtest/gtest.h>

#include <set>

#include "roost/ids.h"

namespace roost::catalog {
namespace {

TEST(SystemModels, EveryDomainHasTheStandardWords) {
  const auto has = [](Domain domain, std::string_view word) {
    return find_system_alias(domain, word) != nullptr;
  };
  for (const Domain domain : {Domain::Embedder, Domain::Reranker}) {
    for (const char* word : {"default", "fast", "quality", "large", "multilingual"}) {
      EXPECT_TRUE(has(domain, word)) << to_string(domain) << " " << word;
    }
  }
  EXPECT_TRUE(has(Domain::Transcriber, "turbo"));
  EXPECT_TRUE(has(Domain::Generator, "gguf:auto"));
  EXPECT_FALSE(has(Domain::Embedder, "turbo"));
}

TEST(SystemModels, WordsLeadToModelsThatCanBeReckonedWith) {
  std::set<std::pair<Domain, std::string>> words;
  for (const SystemAlias& alias : system_aliases()) {
    EXPECT_TRUE(words.emplace(alias.domain, lower_ascii(alias.word)).second) << alias.word;
    const SystemModel* model = find_short_name(alias.domain, alias.short_name);
    if (alias.domain != Domain::Embedder && alias.domain != Domain::Reranker) continue;
    ASSERT_NE(model, nullptr) << alias.word;
    EXPECT_GT(model->load_bytes(), 0u);
    EXPECT_GT(model->max_tokens, 0u);
    EXPECT_NE(model->pooling, Pooling::None);
  }
}

TEST(SystemModels, NamesAreUniqueAndMatchTheirRepositories) {
  std::set<std::string> names;
  for (const SystemModel& model : system_models()) {
    EXPECT_TRUE(names.insert(lower_ascii(model.short_name)).second) << model.short_name;
    if (model.repo.empty()) continue;
    EXPECT_TRUE(model.repo.ends_with("/" + std::string(model.short_name))) << model.repo;
    EXPECT_NO_THROW(check_model_id(model.repo));
    EXPECT_EQ(find_repo(Domain::Any, lower_ascii(model.repo)), &model);
  }
}

TEST(SystemModels, EmbeddersAreOfTheirTime) {
  const SystemModel* model = find_short_name(Domain::Embedder, "BGE-small-EN-v1.5");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->repo, "BAAI/bge-small-en-v1.5");
  EXPECT_EQ(model->dimensions, 384u);
  EXPECT_EQ(model->max_tokens, 512u);
  EXPECT_EQ(model->pooling, Pooling::Cls);
  EXPECT_EQ(model->load_bytes(), 33'400'000u * 4 / 10 * 11);
}

TEST(Domains, PrintAndParse) {
  for (const Domain domain :
       {Domain::Any, Domain::Embedder, Domain::Reranker, Domain::Transcriber, Domain::Generator}) {
    EXPECT_EQ(parse_domain(to_string(domain)), domain);
  }
  EXPECT_EQ(parse_domain("Reranker"), Domain::Reranker);
  EXPECT_EQ(parse_domain("painter"), std::nullopt);
}

}  // namespace
}  // namespace roost::catalog
