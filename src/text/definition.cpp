#include "text/definition.h"

#include "roost/error.h"
#include "roost/ids.h"

namespace roost::text {
namespace {

std::uint32_t read_id(const JsonView& view) {
  const std::uint64_t id = view.as_uint();
  if (id > Vocabulary::kMaxId) {
    view.refuse("is " + std::to_string(id) + ", and ids go up to " +
                std::to_string(Vocabulary::kMaxId));
  }
  return static_cast<std::uint32_t>(id);
}

std::vector<AddedToken> read_added_tokens(const JsonView& view) {
  std::vector<AddedToken> tokens;
  view.for_each([&](JsonView one) {
    AddedToken token;
    token.id = read_id(one.at("id"));
    token.content = one.at("content").as_string();
    token.single_word = flag_or(one, "single_word", false);
    token.lstrip = flag_or(one, "lstrip", false);
    token.rstrip = flag_or(one, "rstrip", false);
    token.special = flag_or(one, "special", false);
    token.normalized = flag_or(one, "normalized", !token.special);
    tokens.push_back(std::move(token));
  });
  return tokens;
}

Side read_side(const JsonView& view) {
  const std::string side = text_or(view, "direction", "Right");
  if (side != "Left" && side != "Right")
    view.refuse("has the unknown direction '" + printable(side) + "'");
  return side == "Left" ? Side::Left : Side::Right;
}

std::optional<TruncationSettings> read_truncation(const MaybeView& view) {
  if (!view) return std::nullopt;
  TruncationSettings settings;
  settings.max_tokens = count_or(*view, "max_length", settings.max_tokens);
  settings.stride = count_or(*view, "stride", 0);
  settings.cut = read_side(*view);
  const std::string strategy = text_or(*view, "strategy", "LongestFirst");
  using Truncate = EncodeOptions::Truncate;
  if (strategy == "OnlyFirst") settings.truncate = Truncate::OnlyFirst;
  if (strategy == "OnlySecond") settings.truncate = Truncate::OnlySecond;
  return settings;
}

std::optional<PaddingSettings> read_padding(const MaybeView& view) {
  if (!view) return std::nullopt;
  PaddingSettings settings;
  settings.side = read_side(*view);
  if (const auto id = find_value(*view, "pad_id")) settings.id = read_id(*id);
  settings.type = static_cast<std::uint32_t>(count_or(*view, "pad_type_id", 0));
  settings.token = text_or(*view, "pad_token", settings.token);
  settings.multiple_of = count_or(*view, "pad_to_multiple_of", 0);
  const auto strategy = find_value(*view, "strategy");
  if (strategy && strategy->is_object()) settings.length = count_or(*strategy, "Fixed", 0);
  return settings;
}

}  // namespace

MaybeView find_value(const JsonView& view, std::string_view key) {
  const auto found = view.find(key);
  return found && !found->is_null() ? found : std::nullopt;
}

bool flag_or(const JsonView& view, std::string_view key, bool otherwise) {
  const auto found = find_value(view, key);
  return found ? found->as_bool() : otherwise;
}

std::string text_or(const JsonView& view, std::string_view key, std::string_view otherwise) {
  const auto found = find_value(view, key);
  return std::string(found ? found->as_string() : otherwise);
}

std::size_t count_or(const JsonView& view, std::string_view key, std::size_t otherwise) {
  const auto found = find_value(view, key);
  return found ? found->as_uint() : otherwise;
}

void unsupported(const JsonView& view, const std::string& problem) {
  throw RoostError(ErrorCode::Unsupported,
                   printable(view.what()) + ": " + view.path() + " " + problem);
}

std::unique_ptr<const Pattern> read_pattern(const JsonView& view) {
  const std::string where = printable(view.what()) + ": " + view.path();
  if (view.is_string()) return literal_pattern(std::string(view.as_string()), where);
  if (const auto regex = view.find("Regex")) return regex_pattern(regex->as_string(), where);
  return literal_pattern(std::string(view.at("String").as_string()), where);
}

std::unique_ptr<const TokenizerParts> read_definition(std::string_view json,
                                                      const std::string& what) {
  const JsonDocument document = JsonDocument::parse(json, what);
  const JsonView root = document.root();
  auto parts = std::make_unique<TokenizerParts>();
  const MaybeView pre_tokenizer = find_value(root, "pre_tokenizer");
  ModelParts model = read_model(root.at("model"), ends_in_byte_level(pre_tokenizer));
  parts->model = std::move(model.model);
  parts->vocabulary = std::move(model.vocabulary);
  parts->normalizer = read_normalizer(find_value(root, "normalizer"));
  parts->pre_tokenizer = read_pre_tokenizer(pre_tokenizer, !model.works_on_bytes);
  parts->output = read_post_processor(find_value(root, "post_processor"));
  parts->decoder = read_decoder(find_value(root, "decoder"));
  parts->truncation = read_truncation(find_value(root, "truncation"));
  parts->padding = read_padding(find_value(root, "padding"));
  if (const auto added = find_value(root, "added_tokens")) {
    add_tokens(*parts, read_added_tokens(*added), what);
  }
  return parts;
}

}  // namespace roost::text
