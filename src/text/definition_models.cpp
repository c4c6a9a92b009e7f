#include "roost/ids.h"
#include "text/definition.h"
#include "text/models/bpe.h"
#include "text/models/unigram.h"
#include "text/models/wordpiece.h"

namespace roost::text {
namespace {

void add(Vocabulary& vocabulary, std::string_view token, std::uint64_t id, const JsonView& view) {
  switch (vocabulary.add(token, id)) {
    case Vocabulary::Added::Yes:
      return;
    case Vocabulary::Added::TokenIsTaken:
      view.refuse("is a token that is given twice");
    case Vocabulary::Added::IdIsTaken:
      view.refuse("gives the id " + std::to_string(id) + " to a second token");
    case Vocabulary::Added::IdIsTooLarge:
      view.refuse("is " + std::to_string(id) + ", and ids go up to " +
                  std::to_string(Vocabulary::kMaxId));
  }
}

std::uint32_t read_unknown(const JsonView& model, const Vocabulary& vocabulary,
                           std::string_view otherwise) {
  const std::string unknown = text_or(model, "unk_token", otherwise);
  const auto id = vocabulary.id_of(unknown);
  if (!id)
    model.refuse("has the unknown token '" + printable(unknown) + "', which its vocabulary lacks");
  return *id;
}

ModelParts read_wordpiece(const JsonView& view) {
  ModelParts parts;
  parts.vocabulary = read_vocabulary(view.at("vocab"));
  parts.model = std::make_unique<WordPiece>(
      parts.vocabulary,
      WordPiece::Settings{.unknown = read_unknown(view, *parts.vocabulary, "[UNK]"),
                          .continuing_prefix = text_or(view, "continuing_subword_prefix", "##"),
                          .max_characters = count_or(view, "max_input_chars_per_word", 100)});
  return parts;
}

ModelParts read_word_level(const JsonView& view) {
  ModelParts parts;
  parts.vocabulary = read_vocabulary(view.at("vocab"));
  parts.model =
      std::make_unique<WordLevel>(parts.vocabulary, read_unknown(view, *parts.vocabulary, "<unk>"));
  return parts;
}

std::uint32_t id_in(const Vocabulary& vocabulary, std::string_view token, const JsonView& merge) {
  if (const auto id = vocabulary.id_of(token)) return *id;
  constexpr std::size_t kShown = 80;
  merge.refuse("needs the token '" + printable(token.substr(0, kShown)) +
               "', which the vocabulary lacks");
}

// "left right", or ["left", "right"].
std::pair<std::string_view, std::string_view> read_merge_sides(const JsonView& merge) {
  if (merge.is_string()) {
    const std::string_view text = merge.as_string();
    const std::size_t space = text.find(' ');
    if (space == text.npos) merge.refuse("is not two tokens with a space between them");
    return {text.substr(0, space), text.substr(space + 1)};
  }
  std::vector<std::string_view> sides;
  merge.for_each([&](JsonView side) { sides.push_back(side.as_string()); });
  if (sides.size() != 2) merge.refuse("is not two tokens");
  return {sides[0], sides[1]};
}

std::vector<Merge> read_merges(const JsonView& list, const Vocabulary& vocabulary,
                               std::string_view continuing_prefix) {
  std::vector<Merge> merges;
  std::string merged;
  list.for_each([&](JsonView merge) {
    const auto sides = read_merge_sides(merge);
    if (sides.second.size() < continuing_prefix.size()) {
      merge.refuse("has a right side shorter than the continuing prefix");
    }
    merged = sides.first;
    merged += sides.second.substr(continuing_prefix.size());
    merges.push_back({id_in(vocabulary, sides.first, merge), id_in(vocabulary, sides.second, merge),
                      id_in(vocabulary, merged, merge), static_cast<std::uint32_t>(merges.size())});
  });
  return merges;
}

void refuse_dropout(const JsonView& view) {
  const auto dropout = find_value(view, "dropout");
  if (dropout && dropout->as_double() != 0.0) {
    unsupported(*dropout, "asks for random merges, which no two encodings would agree on");
  }
}

ModelParts read_bpe(const JsonView& view, bool after_byte_level) {
  refuse_dropout(view);
  ModelParts parts;
  parts.vocabulary = read_vocabulary(view.at("vocab"));
  Bpe::Settings settings{.unknown = std::nullopt,
                         .continuing_prefix = text_or(view, "continuing_subword_prefix", ""),
                         .word_suffix = text_or(view, "end_of_word_suffix", ""),
                         .fuse_unknown = flag_or(view, "fuse_unk", false),
                         .byte_fallback = flag_or(view, "byte_fallback", false),
                         .ignore_merges = flag_or(view, "ignore_merges", false),
                         .on_bytes = false};
  settings.on_bytes =
      after_byte_level && settings.continuing_prefix.empty() && settings.word_suffix.empty();
  parts.works_on_bytes = settings.on_bytes;
  if (find_value(view, "unk_token")) settings.unknown = read_unknown(view, *parts.vocabulary, "");
  const auto merges = read_merges(view.at("merges"), *parts.vocabulary, settings.continuing_prefix);
  parts.model = std::make_unique<Bpe>(parts.vocabulary, merges, std::move(settings));
  return parts;
}

ModelParts read_unigram(const JsonView& view) {
  const JsonView list = view.at("vocab");
  auto vocabulary = std::make_shared<Vocabulary>();
  std::vector<double> scores;
  vocabulary->reserve(list.size());
  list.for_each([&](JsonView piece) {
    std::optional<std::string_view> token;
    std::optional<double> score;
    piece.for_each([&](JsonView part) {
      part.is_string() ? void(token = part.as_string()) : void(score = part.as_double());
    });
    if (!token || !score) piece.refuse("is not a token and its score");
    add(*vocabulary, *token, scores.size(), piece);
    scores.push_back(*score);
  });
  const auto unknown = find_value(view, "unk_id");
  if (!unknown) unsupported(view, "has no unk_id, so that it could not encode every text");
  if (unknown->as_uint() >= scores.size()) {
    unknown->refuse("is " + std::to_string(unknown->as_uint()) + ", and the vocabulary has " +
                    std::to_string(scores.size()) + " tokens");
  }
  ModelParts parts;
  parts.vocabulary = vocabulary;
  parts.model = std::make_unique<Unigram>(
      vocabulary, std::move(scores),
      Unigram::Settings{.unknown = static_cast<std::uint32_t>(unknown->as_uint()),
                        .byte_fallback = flag_or(view, "byte_fallback", false)});
  return parts;
}

// Old files do not say which model they have.
std::string model_type(const JsonView& view) {
  if (const auto type = find_value(view, "type")) return std::string(type->as_string());
  if (view.at("vocab").is_array()) return "Unigram";
  if (view.find("merges")) return "BPE";
  return view.find("continuing_subword_prefix") ? "WordPiece" : "WordLevel";
}

}  // namespace

std::shared_ptr<const Vocabulary> read_vocabulary(const JsonView& view) {
  auto vocabulary = std::make_shared<Vocabulary>();
  vocabulary->reserve(view.size());
  view.for_each_member(
      [&](std::string_view token, JsonView id) { add(*vocabulary, token, id.as_uint(), id); });
  return vocabulary;
}

ModelParts read_model(const JsonView& view, bool after_byte_level) {
  const std::string type = model_type(view);
  if (type == "WordPiece") return read_wordpiece(view);
  if (type == "BPE") return read_bpe(view, after_byte_level);
  if (type == "Unigram") return read_unigram(view);
  if (type == "WordLevel") return read_word_level(view);
  unsupported(view, "is of the unsupported type '" + printable(type) + "'");
}

}  // namespace roost::text
