#include "roost/ids.h"
#include "text/definition.h"
#include "text/steps/precompiled_charsmap.h"

namespace roost::text {
namespace {

constexpr std::size_t kMostSteps = 100;

std::string type_of(const JsonView& view) {
  return std::string(view.at("type").as_string());
}

// The steps of a Sequence, each read by `read`; those within one count too.
template <typename Step, typename Read>
std::vector<std::unique_ptr<const Step>> read_steps(const JsonView& list, const Read& read) {
  if (list.size() > kMostSteps) {
    list.refuse("has " + std::to_string(list.size()) + " steps, and at most " +
                std::to_string(kMostSteps) + " make sense");
  }
  std::vector<std::unique_ptr<const Step>> steps;
  list.for_each([&](JsonView step) { steps.push_back(read(step)); });
  return steps;
}

[[noreturn]] void unknown_type(const JsonView& view) {
  unsupported(view, "is of the unsupported type '" + printable(type_of(view)) + "'");
}

std::unique_ptr<const Normalizer> read_bert_normalizer(const JsonView& view) {
  const bool lowercase = flag_or(view, "lowercase", true);
  return std::make_unique<BertNormalizer>(
      BertNormalizer::Settings{.clean_text = flag_or(view, "clean_text", true),
                               .separate_ideographs = flag_or(view, "handle_chinese_chars", true),
                               .strip_accents = flag_or(view, "strip_accents", lowercase),
                               .lowercase = lowercase});
}

std::unique_ptr<const Normalizer> read_precompiled(const JsonView& view) {
  const auto encoded = find_value(view, "precompiled_charsmap");
  if (!encoded) return std::make_unique<NormalizerSequence>(NormalizerSequence({}));
  const auto bytes = from_base64(encoded->as_string());
  if (!bytes) encoded->refuse("is not base64");
  auto map = PrecompiledCharsmap::parse(*bytes);
  if (!map) encoded->refuse("is not a charsmap of sentencepiece");
  return std::make_unique<PrecompiledCharsmap>(std::move(*map));
}

std::unique_ptr<const Normalizer> read_one_normalizer(const JsonView& view) {
  const std::string type = type_of(view);
  if (type == "Sequence") {
    return std::make_unique<NormalizerSequence>(
        read_steps<Normalizer>(view.at("normalizers"), read_one_normalizer));
  }
  if (type == "BertNormalizer") return read_bert_normalizer(view);
  if (type == "Precompiled") return read_precompiled(view);
  if (type == "NFC") return std::make_unique<UnicodeForm>(Form::Nfc);
  if (type == "NFD") return std::make_unique<UnicodeForm>(Form::Nfd);
  if (type == "NFKC") return std::make_unique<UnicodeForm>(Form::Nfkc);
  if (type == "NFKD") return std::make_unique<UnicodeForm>(Form::Nfkd);
  if (type == "Lowercase") return std::make_unique<Lowercase>();
  if (type == "StripAccents") return std::make_unique<StripAccents>();
  if (type == "Nmt") return std::make_unique<Nmt>();
  if (type == "ByteLevel") return std::make_unique<ByteLevelNormalizer>();
  if (type == "Strip") {
    return std::make_unique<Strip>(flag_or(view, "strip_left", true),
                                   flag_or(view, "strip_right", true));
  }
  if (type == "Prepend") {
    return std::make_unique<Prepend>(std::string(view.at("prepend").as_string()));
  }
  if (type == "Replace") {
    return std::make_unique<Replace>(read_pattern(view.at("pattern")),
                                     std::string(view.at("content").as_string()));
  }
  unknown_type(view);
}

Behavior read_behavior(const JsonView& view) {
  const std::string name = text_or(view, "behavior", "Isolated");
  if (name == "Removed") return Behavior::Removed;
  if (name == "Isolated") return Behavior::Isolated;
  if (name == "MergedWithPrevious") return Behavior::MergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::MergedWithNext;
  if (name == "Contiguous") return Behavior::Contiguous;
  view.refuse("has the unknown behavior '" + printable(name) + "'");
}

Metaspace::Prepend read_prepend(const JsonView& view) {
  const std::string otherwise = flag_or(view, "add_prefix_space", true) ? "always" : "never";
  const std::string scheme = text_or(view, "prepend_scheme", otherwise);
  if (scheme == "always") return Metaspace::Prepend::Always;
  if (scheme == "first") return Metaspace::Prepend::First;
  if (scheme == "never") return Metaspace::Prepend::Never;
  view.refuse("has the unknown prepend_scheme '" + printable(scheme) + "'");
}

std::string read_replacement(const JsonView& view) {
  std::string replacement = text_or(view, "replacement", "\u2581");
  if (replacement.empty()) view.refuse("has an empty replacement");
  return replacement;
}

// `last`: nothing comes after this step.
std::unique_ptr<const PreTokenizer> read_one_pre_tokenizer(const JsonView& view, bool last,
                                                           bool spell_bytes) {
  const std::string type = type_of(view);
  if (type == "Sequence") {
    const JsonView list = view.at("pretokenizers");
    std::size_t left = list.size();
    return std::make_unique<PreTokenizerSequence>(
        read_steps<PreTokenizer>(list, [&](const JsonView& step) {
          --left;
          return read_one_pre_tokenizer(step, last && left == 0, spell_bytes);
        }));
  }
  if (type == "BertPreTokenizer") return std::make_unique<BertPreTokenizer>();
  if (type == "Whitespace") return std::make_unique<Whitespace>();
  if (type == "WhitespaceSplit") return whitespace_split();
  if (type == "Punctuation") return punctuation(read_behavior(view));
  if (type == "Digits") return digits(flag_or(view, "individual_digits", false));
  if (type == "FixedLength") {
    const std::size_t length = count_or(view, "length", 5);
    if (length == 0) view.refuse("has a length of 0");
    return std::make_unique<FixedLength>(length);
  }
  if (type == "ByteLevel") {
    return std::make_unique<ByteLevel>(
        ByteLevel::Settings{.add_prefix_space = flag_or(view, "add_prefix_space", true),
                            .use_regex = flag_or(view, "use_regex", true),
                            .spell_bytes = spell_bytes || !last});
  }
  if (type == "Metaspace") {
    return std::make_unique<Metaspace>(Metaspace::Settings{.replacement = read_replacement(view),
                                                           .prepend = read_prepend(view),
                                                           .split = flag_or(view, "split", true)});
  }
  if (type == "Split") {
    return std::make_unique<Split>(read_pattern(view.at("pattern")), read_behavior(view),
                                   flag_or(view, "invert", false));
  }
  if (type == "CharDelimiterSplit") {
    return std::make_unique<Split>(read_pattern(view.at("delimiter")), Behavior::Removed, false);
  }
  unknown_type(view);
}

std::unique_ptr<const Decoder> read_one_decoder(const JsonView& view) {
  const std::string type = type_of(view);
  if (type == "Sequence") {
    return std::make_unique<DecoderSequence>(
        read_steps<Decoder>(view.at("decoders"), read_one_decoder));
  }
  if (type == "ByteLevel") return std::make_unique<ByteLevelDecoder>();
  if (type == "WordPiece") {
    return std::make_unique<WordPieceDecoder>(text_or(view, "prefix", "##"),
                                              flag_or(view, "cleanup", true));
  }
  if (type == "Metaspace") {
    return std::make_unique<MetaspaceDecoder>(read_replacement(view),
                                              read_prepend(view) != Metaspace::Prepend::Never);
  }
  if (type == "BPEDecoder") return std::make_unique<BpeDecoder>(text_or(view, "suffix", "</w>"));
  if (type == "Fuse") return std::make_unique<FuseDecoder>();
  if (type == "ByteFallback") return std::make_unique<ByteFallbackDecoder>();
  if (type == "Strip") {
    return std::make_unique<StripDecoder>(text_or(view, "content", " "), count_or(view, "start", 0),
                                          count_or(view, "stop", 0));
  }
  if (type == "Replace") {
    return std::make_unique<ReplaceDecoder>(read_pattern(view.at("pattern")),
                                            text_or(view, "content", ""));
  }
  if (type == "CTC") {
    return std::make_unique<CtcDecoder>(text_or(view, "pad_token", "<pad>"),
                                        text_or(view, "word_delimiter_token", "|"),
                                        flag_or(view, "cleanup", true));
  }
  unknown_type(view);
}

}  // namespace

std::unique_ptr<const Normalizer> read_normalizer(const MaybeView& view) {
  return view ? read_one_normalizer(*view) : nullptr;
}

std::unique_ptr<const PreTokenizer> read_pre_tokenizer(const MaybeView& view, bool spell_bytes) {
  return view ? read_one_pre_tokenizer(*view, true, spell_bytes) : nullptr;
}

bool ends_in_byte_level(const MaybeView& view) {
  if (!view) return false;
  const std::string type = type_of(*view);
  if (type != "Sequence") return type == "ByteLevel";
  MaybeView last;
  view->at("pretokenizers").for_each([&](JsonView step) { last = step; });
  return ends_in_byte_level(last);
}

std::unique_ptr<const Decoder> read_decoder(const MaybeView& view) {
  return view ? read_one_decoder(*view) : nullptr;
}

}  // namespace roost::text
