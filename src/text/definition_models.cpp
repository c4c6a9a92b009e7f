#include "roost/ids.h"
#include "text/definition.h"
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

// {"token": id, ...}
std::shared_ptr<const Vocabulary> read_vocabulary(const JsonView& view) {
  auto vocabulary = std::make_shared<Vocabulary>();
  vocabulary->reserve(view.size());
  view.for_each_member(
      [&](std::string_view token, JsonView id) { add(*vocabulary, token, id.as_uint(), id); });
  return vocabulary;
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

// Old files do not say which model they have.
std::string model_type(const JsonView& view) {
  if (const auto type = find_value(view, "type")) return std::string(type->as_string());
  if (view.at("vocab").is_array()) return "Unigram";
  if (view.find("merges")) return "BPE";
  return view.find("continuing_subword_prefix") ? "WordPiece" : "WordLevel";
}

}  // namespace

ModelParts read_model(const JsonView& view, bool) {
  const std::string type = model_type(view);
  if (type == "WordPiece") return read_wordpiece(view);
  if (type == "WordLevel") return read_word_level(view);
  unsupported(view, "is of the unsupported type '" + printable(type) + "'");
}

}  // namespace roost::text
