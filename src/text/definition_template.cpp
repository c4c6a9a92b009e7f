#include "roost/ids.h"
#include "text/definition.h"

namespace roost::text {
namespace {

using Source = Template::Source;

std::uint32_t read_number(const JsonView& view) {
  const std::uint64_t number = view.as_uint();
  if (number > Vocabulary::kMaxId) view.refuse("is too large, " + std::to_string(number));
  return static_cast<std::uint32_t>(number);
}

std::uint32_t type_id(const JsonView& view) {
  const auto id = find_value(view, "type_id");
  return id ? read_number(*id) : 0;
}

Template::Item read_item(const JsonView& view, const MaybeView& special_tokens) {
  if (const auto sequence = view.find("Sequence")) {
    const std::string_view id = sequence->at("id").as_string();
    if (id != "A" && id != "B") sequence->refuse("is neither A nor B");
    return {id == "A" ? Source::First : Source::Second, type_id(*sequence), {}};
  }
  const JsonView token = view.at("SpecialToken");
  if (!special_tokens) view.refuse("needs a special_tokens beside it");
  Template::Item item{Source::Special, type_id(token), {}};
  special_tokens->at(token.at("id").as_string()).at("ids").for_each([&](JsonView id) {
    item.ids.push_back(read_number(id));
  });
  return item;
}

std::vector<Template::Item> read_items(const JsonView& view, const MaybeView& special_tokens) {
  std::vector<Template::Item> items;
  view.for_each([&](JsonView one) { items.push_back(read_item(one, special_tokens)); });
  return items;
}

Template read_template(const JsonView& view) {
  const MaybeView special_tokens = find_value(view, "special_tokens");
  Template result;
  result.single = read_items(view.at("single"), special_tokens);
  if (const auto pair = find_value(view, "pair")) result.pair = read_items(*pair, special_tokens);
  for (const Template::Item& item : result.single) {
    if (item.source == Source::Second) view.at("single").refuse("uses the second text");
  }
  return result;
}

// ["[SEP]", 102]
std::uint32_t read_token_and_id(const JsonView& view) {
  std::optional<std::uint32_t> id;
  view.for_each([&](JsonView part) {
    if (!part.is_string()) id = read_number(part);
  });
  if (!id) view.refuse("has no id");
  return *id;
}

// [CLS] A [SEP] B [SEP]; RoBERTa's has a second [SEP] before B, and no types.
Template read_bert(const JsonView& view, bool roberta) {
  const std::uint32_t cls = read_token_and_id(view.at("cls"));
  const std::uint32_t sep = read_token_and_id(view.at("sep"));
  const std::uint32_t second = roberta ? 0 : 1;
  Template result;
  result.single = {
      {Source::Special, 0, {cls}}, {Source::First, 0, {}}, {Source::Special, 0, {sep}}};
  result.pair = result.single;
  if (roberta) result.pair.push_back({Source::Special, 0, {sep}});
  result.pair.push_back({Source::Second, second, {}});
  result.pair.push_back({Source::Special, second, {sep}});
  result.trim_offsets = roberta && flag_or(view, "trim_offsets", true);
  return result;
}

Template read_sequence(const JsonView& view) {
  Template result;
  bool seen = false, trim = false;
  view.at("processors").for_each([&](JsonView step) {
    Template one = read_post_processor(step);
    trim = trim || one.trim_offsets;
    if (step.at("type").as_string() == "ByteLevel") return;
    if (seen) unsupported(step, "is a second step that adds special tokens; one is supported");
    seen = true;
    result = std::move(one);
  });
  result.trim_offsets = trim;
  return result;
}

}  // namespace

Template read_post_processor(const MaybeView& view) {
  if (!view) return {};
  const std::string type(view->at("type").as_string());
  if (type == "TemplateProcessing") return read_template(*view);
  if (type == "BertProcessing") return read_bert(*view, false);
  if (type == "RobertaProcessing") return read_bert(*view, true);
  if (type == "Sequence") return read_sequence(*view);
  if (type == "ByteLevel") {
    Template result;
    result.trim_offsets = flag_or(*view, "trim_offsets", true);
    return result;
  }
  unsupported(*view, "is of the unsupported type '" + printable(type) + "'");
}

}  // namespace roost::text
