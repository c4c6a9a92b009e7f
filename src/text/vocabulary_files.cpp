#include "text/vocabulary_files.h"

#include "base/json.h"
#include "roost/error.h"
#include "roost/ids.h"
#include "text/definition.h"
#include "text/models/bpe.h"
#include "text/models/wordpiece.h"
#include "text/unicode/characters.h"

namespace roost::text {
namespace {

[[noreturn]] void bad_line(const std::string& what, std::size_t line, const std::string& why) {
  throw RoostError(ErrorCode::BadFile,
                   printable(what) + ": line " + std::to_string(line) + " " + why);
}

// Calls f(line, its number from 1 on).
template <typename F>
void for_each_line(std::string_view text, const std::string& what, const F& f) {
  if (!is_valid_utf8(text)) {
    throw RoostError(ErrorCode::BadFile, printable(what) + ": it is not UTF-8");
  }
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    f(line, number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::vector<AddedToken> special_tokens(const Vocabulary& vocabulary,
                                       std::initializer_list<std::string_view> contents) {
  std::vector<AddedToken> tokens;
  for (const std::string_view content : contents) {
    const auto id = vocabulary.id_of(content);
    if (!id) continue;
    AddedToken token;
    token.id = *id;
    token.content = content;
    token.special = true;
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::vector<Merge> read_merge_lines(std::string_view text, const Vocabulary& vocabulary,
                                    const std::string& what) {
  std::vector<Merge> merges;
  for_each_line(text, what, [&](std::string_view line, std::size_t number) {
    if (line.empty() || (number == 1 && line.starts_with("#version"))) return;
    const std::size_t space = line.find(' ');
    if (space == line.npos) bad_line(what, number, "is not two tokens with a space between them");
    const std::string_view left = line.substr(0, space), right = line.substr(space + 1);
    const auto a = vocabulary.id_of(left), b = vocabulary.id_of(right);
    const auto merged = vocabulary.id_of(std::string(left) + std::string(right));
    if (!a || !b || !merged) bad_line(what, number, "merges to or from what the vocabulary lacks");
    merges.push_back({*a, *b, *merged, static_cast<std::uint32_t>(merges.size())});
  });
  return merges;
}

using Source = Template::Source;

}  // namespace

std::unique_ptr<const TokenizerParts> read_vocab_txt(std::string_view vocab,
                                                     const std::string& what,
                                                     const BertOptions& options) {
  auto vocabulary = std::make_shared<Vocabulary>();
  for_each_line(vocab, what, [&](std::string_view line, std::size_t number) {
    if (line.empty()) bad_line(what, number, "is empty");
    if (vocabulary->add(line, number - 1) != Vocabulary::Added::Yes) {
      bad_line(what, number, "repeats the token '" + printable(line) + "', or is one too many");
    }
  });
  const auto unknown = vocabulary->id_of("[UNK]");
  if (!unknown) throw RoostError(ErrorCode::BadFile, printable(what) + ": it has no [UNK]");
  auto parts = std::make_unique<TokenizerParts>();
  parts->vocabulary = vocabulary;
  parts->model = std::make_unique<WordPiece>(vocabulary, WordPiece::Settings{.unknown = *unknown});
  parts->normalizer = std::make_unique<BertNormalizer>(
      BertNormalizer::Settings{.clean_text = true,
                               .separate_ideographs = options.separate_ideographs,
                               .strip_accents = options.strip_accents.value_or(options.lowercase),
                               .lowercase = options.lowercase});
  parts->pre_tokenizer = std::make_unique<BertPreTokenizer>();
  parts->decoder = std::make_unique<WordPieceDecoder>("##", true);
  const auto cls = vocabulary->id_of("[CLS]"), sep = vocabulary->id_of("[SEP]");
  if (cls && sep) {
    parts->output.single = {
        {Source::Special, 0, {*cls}}, {Source::First, 0, {}}, {Source::Special, 0, {*sep}}};
    parts->output.pair = parts->output.single;
    parts->output.pair.push_back({Source::Second, 1, {}});
    parts->output.pair.push_back({Source::Special, 1, {*sep}});
  }
  add_tokens(*parts, special_tokens(*vocabulary, {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}),
             what);
  return parts;
}

std::unique_ptr<const TokenizerParts> read_vocab_and_merges(std::string_view vocab_json,
                                                            std::string_view merges_txt,
                                                            const std::string& what) {
  const JsonDocument document = JsonDocument::parse(vocab_json, what);
  auto parts = std::make_unique<TokenizerParts>();
  parts->vocabulary = read_vocabulary(document.root());
  const auto merges = read_merge_lines(merges_txt, *parts->vocabulary, what);
  parts->model = std::make_unique<Bpe>(parts->vocabulary, merges,
                                       Bpe::Settings{.unknown = std::nullopt, .on_bytes = true});
  parts->pre_tokenizer = std::make_unique<ByteLevel>(
      ByteLevel::Settings{.add_prefix_space = false, .use_regex = true, .spell_bytes = false});
  parts->decoder = std::make_unique<ByteLevelDecoder>();
  std::vector<AddedToken> special = special_tokens(
      *parts->vocabulary, {"<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>"});
  for (AddedToken& token : special) token.lstrip = token.content == "<mask>";
  const auto begin = parts->vocabulary->id_of("<s>"), end = parts->vocabulary->id_of("</s>");
  if (begin && end) {
    parts->output.single = {
        {Source::Special, 0, {*begin}}, {Source::First, 0, {}}, {Source::Special, 0, {*end}}};
    parts->output.pair = parts->output.single;
    parts->output.pair.push_back({Source::Special, 0, {*end}});
    parts->output.pair.push_back({Source::Second, 0, {}});
    parts->output.pair.push_back({Source::Special, 0, {*end}});
  }
  parts->output.trim_offsets = true;
  add_tokens(*parts, std::move(special), what);
  return parts;
}

}  // namespace roost::text
