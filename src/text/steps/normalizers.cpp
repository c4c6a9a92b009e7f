#include "text/steps/normalizers.h"

#include "text/unicode/byte_characters.h"
#include "text/unicode/characters.h"

namespace roost::text {
namespace {

constexpr char kStop = '\0';  // of Rewriter::map_ascii

bool is_bert_blank(char32_t code) {
  return is(code, kSpace);
}

// Blanks among the control characters stay for the next rule.
bool is_dropped_by_bert(char32_t code) {
  if (code == '\t' || code == '\n' || code == '\r') return false;
  return code == 0 || code == 0xFFFD || is(code, kInvisible);
}

// Calls f(character) for each; f passes it by out.
template <typename F>
void for_each_character(Rewriter& out, const F& f) {
  while (!out.done()) f(character_at(out.rest(), 0));
  out.finish();
}

}  // namespace

void NormalizerSequence::apply(AlignedText& text) const {
  for (const auto& step : steps_) step->apply(text);
}

BertNormalizer::BertNormalizer(Settings settings) : settings_(settings) {
  for (char32_t c = 0; c < ascii_.size(); ++c) {
    char to = static_cast<char>(c);
    if (settings.lowercase && c >= 'A' && c <= 'Z') to = static_cast<char>(c + ('a' - 'A'));
    if (settings.clean_text && is_bert_blank(c)) to = ' ';
    if (settings.clean_text && is_dropped_by_bert(c)) to = kStop;
    ascii_[c] = to;
  }
}

void BertNormalizer::apply(AlignedText& text) const {
  Rewriter out(text);
  std::string written;
  while (!out.done()) {
    out.map_ascii(ascii_);
    if (out.done()) break;
    const Character next = character_at(out.rest(), 0);
    if (next.code < 0x80) {
      next.code == 0 && !settings_.clean_text ? out.keep(1) : out.drop(1);
      continue;
    }
    written.clear();
    write(next.code, written);
    if (settings_.separate_ideographs && is_cjk_ideograph(next.code)) {
      out.replace(0, " ");
      out.replace(next.size, written);
      out.replace(0, " ");
    } else if (written == out.rest().substr(0, next.size)) {
      out.keep(next.size);
    } else {
      out.replace(next.size, written);
    }
  }
  out.finish();
}

void BertNormalizer::write(char32_t code, std::string& out) const {
  if (settings_.clean_text) {
    if (is_dropped_by_bert(code)) return;
    if (is_bert_blank(code)) code = ' ';
  }
  const auto write_one = [&](char32_t c) {
    std::array<char32_t, 2> storage{};
    if (!settings_.lowercase) return append_utf8(out, c);
    for (const char32_t l : lower(c, storage)) append_utf8(out, l);
  };
  if (!settings_.strip_accents) return write_one(code);
  Decomposition parts;
  for (const char32_t part : decompose(code, false, parts)) {
    if (!is(part, kNonspacing)) write_one(part);
  }
}

void Lowercase::apply(AlignedText& text) const {
  static constexpr std::array<char, 128> kAscii = [] {
    std::array<char, 128> map{};
    for (std::size_t c = 0; c < map.size(); ++c) {
      map[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return map;
  }();
  Rewriter out(text);
  std::string written;
  while (!out.done()) {
    out.map_ascii(kAscii);
    if (out.done()) break;
    const Character next = character_at(out.rest(), 0);
    std::array<char32_t, 2> storage{};
    const auto lowered = lower(next.code, storage);
    if (lowered.size() == 1 && lowered.front() == next.code) {
      out.keep(next.size);
      continue;
    }
    written.clear();
    for (const char32_t code : lowered) append_utf8(written, code);
    out.replace(next.size, written);
  }
  out.finish();
}

void Strip::apply(AlignedText& text) const {
  std::string_view middle = text.bytes();
  if (left_) {
    while (!middle.empty() && is(character_at(middle, 0).code, kSpace)) {
      middle.remove_prefix(character_at(middle, 0).size);
    }
  }
  const std::size_t left = text.size() - middle.size();
  if (right_) {
    while (!middle.empty() && is(last_character(middle).code, kSpace)) {
      middle.remove_suffix(last_character(middle).size);
    }
  }
  if (middle.size() == text.size()) return;
  Rewriter out(text);
  out.drop(left);
  out.keep(middle.size());
  out.drop(out.rest().size());
  out.finish();
}

void StripAccents::apply(AlignedText& text) const {
  Rewriter out(text);
  for_each_character(out,
                     [&](Character c) { is(c.code, kMark) ? out.drop(c.size) : out.keep(c.size); });
}

void Replace::apply(AlignedText& text) const {
  std::vector<Offset> matches;
  pattern_->find(text.bytes(), matches);
  if (matches.empty()) return;
  Rewriter out(text);
  for (const Offset match : matches) {
    out.keep(match.begin - out.at());
    out.replace(match.size(), content_);
  }
  out.finish();
}

void Prepend::apply(AlignedText& text) const {
  if (text.size() == 0) return;
  Rewriter out(text);
  out.replace(0, prefix_);
  out.finish();
}

void SqueezeSpaces::apply(AlignedText& text) const {
  Rewriter out(text);
  bool after_space = true;
  while (!out.done()) {
    const std::string_view rest = out.rest();
    const std::size_t word = std::min(rest.find_first_of(' '), rest.size());
    out.keep(word);
    after_space = after_space && word == 0;
    if (out.done()) break;
    const std::size_t end = std::min(rest.find_first_not_of(' ', word), rest.size());
    const std::size_t spaces = end - word;
    const bool kept = !after_space && end < rest.size();
    if (kept) out.keep(1);
    out.drop(spaces - (kept ? 1 : 0));
    after_space = true;
  }
  out.finish();
}

void Nmt::apply(AlignedText& text) const {
  const auto is_dropped = [](char32_t c) {
    return (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F ||
           c == 0x9F;
  };
  const auto is_blank = [](char32_t c) {
    return c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
           (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
           c == 0xFEFF || c == 0xFFFD;
  };
  Rewriter out(text);
  for_each_character(out, [&](Character c) {
    if (is_dropped(c.code)) return out.drop(c.size);
    is_blank(c.code) ? out.replace(c.size, " ") : out.keep(c.size);
  });
}

void ByteLevelNormalizer::apply(AlignedText& text) const {
  Rewriter out(text);
  while (!out.done()) {
    out.replace(1, character_of_byte(static_cast<unsigned char>(out.rest().front())));
  }
  out.finish();
}

}  // namespace roost::text
