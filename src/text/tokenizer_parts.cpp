#include "text/tokenizer_parts.h"

#include <algorithm>

#include "roost/error.h"
#include "roost/ids.h"

namespace roost::text {
namespace {

constexpr std::size_t kLongestAddedToken = 1'000;  // bytes; bounds the work at each place of a text

[[noreturn]] void refuse(const std::string& what, const AddedToken& token, const std::string& why) {
  constexpr std::size_t kShown = 80;
  throw RoostError(ErrorCode::BadFile,
                   printable(what) + ": the added token '" +
                       printable(std::string_view(token.content).substr(0, kShown)) + "' " + why);
}

std::string normalized_content(const TokenizerParts& parts, const AddedToken& token) {
  AlignedText text;
  text.assign(token.content, 0);
  if (parts.normalizer) parts.normalizer->apply(text);
  return std::string(text.bytes());
}

void enter(TokenizerParts& parts, const AddedToken& token, const std::string& what) {
  if (token.content.empty()) refuse(what, token, "is empty");
  if (token.content.size() > kLongestAddedToken) {
    refuse(what, token,
           "has " + std::to_string(token.content.size()) + " bytes, at most " +
               std::to_string(kLongestAddedToken) + " are allowed");
  }
  const std::string id = std::to_string(token.id);
  if (const auto known = parts.vocabulary->id_of(token.content)) {
    if (*known == token.id) return;
    refuse(what, token,
           "has id " + id + ", but " + std::to_string(*known) + " in the model's vocabulary");
  }
  if (const auto owner = parts.vocabulary->token_of(token.id)) {
    refuse(what, token,
           "has id " + id + ", which is '" + printable(*owner) + "' in the vocabulary");
  }
  switch (parts.added.add(token.content, token.id)) {
    case Vocabulary::Added::Yes:
      return;
    case Vocabulary::Added::IdIsTooLarge:
      refuse(what, token, "has an id that is too large, " + id);
    default:
      refuse(what, token, "or its id " + id + " is given twice");
  }
}

}  // namespace

void add_tokens(TokenizerParts& parts, std::vector<AddedToken> tokens, const std::string& what) {
  std::vector<AddedTokens::Entry> before, after;
  for (AddedToken& token : tokens) {
    enter(parts, token, what);
    if (token.special) parts.special_ids.push_back(token.id);
    if (token.normalized) {
      std::string content = normalized_content(parts, token);
      after.push_back({std::move(content), std::move(token)});
    } else {
      before.push_back({token.content, std::move(token)});
    }
  }
  std::sort(parts.special_ids.begin(), parts.special_ids.end());
  parts.added_before = AddedTokens(std::move(before));
  parts.added_after = AddedTokens(std::move(after));
}

}  // namespace roost::text
