#include "text/unicode/forms.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "text/unicode/characters.h"

namespace roost::text {
namespace {

int combining_class(char32_t code) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(code))->combining_class;
}

// Starters that may combine with what stands before them.
bool joins_backward(char32_t c) {
  if ((c >= 0x1161 && c <= 0x1175) || (c >= 0x11A8 && c <= 0x11C2)) return true;
  static constexpr char32_t kVowelSigns[] = {0x09BE,  0x09D7,  0x0B3E,  0x0B56,  0x0B57,  0x0BBE,
                                             0x0BD7,  0x0CC2,  0x0CD5,  0x0CD6,  0x0D3E,  0x0D57,
                                             0x0DCF,  0x0DDF,  0x102E,  0x1B35,  0x11127, 0x1133E,
                                             0x11357, 0x114B0, 0x114BA, 0x114BD, 0x115AF, 0x11930};
  return std::binary_search(std::begin(kVowelSigns), std::end(kVowelSigns), c);
}

// Rewrites a text one stretch after the other: from a character that nothing before it can touch
// to the next such.
class Normalization {
 public:
  Normalization(AlignedText& text, Form form)
      : out_(text),
        compatibly_(form == Form::Nfkc || form == Form::Nfkd),
        compose_(form == Form::Nfc || form == Form::Nfkc) {}

  void run() {
    while (!out_.done()) {
      keep_ascii();
      if (!out_.done()) normalize_stretch();
    }
    out_.finish();
  }

 private:
  // All ASCII ahead, but for the last character before something else, which it may take on.
  void keep_ascii() {
    const std::string_view ahead = out_.rest();
    std::size_t ascii = 0;
    while (ascii < ahead.size() && static_cast<unsigned char>(ahead[ascii]) < 0x80) ++ascii;
    if (ascii < ahead.size() && ascii > 0) --ascii;
    out_.keep(ascii);
  }

  void normalize_stretch() {
    const std::string_view ahead = out_.rest();
    codes_.clear();
    std::size_t size = 0;
    while (size < ahead.size()) {
      const Character next = character_at(ahead, size);
      const auto parts = decompose(next.code, compatibly_, parts_);
      const bool boundary = combining_class(parts.front()) == 0 && !joins_backward(parts.front());
      if (size > 0 && boundary) break;
      for (const char32_t part : parts) codes_.push_back(static_cast<utf8proc_int32_t>(part));
      size += next.size;
    }
    order_marks();
    if (compose_) compose();
    written_.clear();
    for (const utf8proc_int32_t code : codes_) append_utf8(written_, static_cast<char32_t>(code));
    if (written_ == ahead.substr(0, size)) {
      out_.keep(size);
    } else {
      out_.replace(size, written_);
    }
  }

  void order_marks() {
    const auto is_starter = [](utf8proc_int32_t code) {
      return combining_class(static_cast<char32_t>(code)) == 0;
    };
    for (auto from = codes_.begin(); from != codes_.end();) {
      from = std::find_if_not(from, codes_.end(), is_starter);
      const auto to = std::find_if(from, codes_.end(), is_starter);
      std::stable_sort(from, to, [](utf8proc_int32_t a, utf8proc_int32_t b) {
        return combining_class(static_cast<char32_t>(a)) <
               combining_class(static_cast<char32_t>(b));
      });
      from = to;
    }
  }

  void compose() {
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    const auto size = utf8proc_normalize_utf32(
        codes_.data(), static_cast<utf8proc_ssize_t>(codes_.size()), options);
    if (size >= 0) codes_.resize(static_cast<std::size_t>(size));
  }

  Rewriter out_;
  bool compatibly_, compose_;
  Decomposition parts_{};
  std::vector<utf8proc_int32_t> codes_;
  std::string written_;
};

}  // namespace

std::span<const char32_t> decompose(char32_t code, bool compatibly, Decomposition& storage) {
  storage[0] = code;
  if (code < 0x80) return {storage.data(), 1};
  std::array<utf8proc_int32_t, std::tuple_size_v<Decomposition>> parts{};
  int boundary = 0;
  const int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatibly ? UTF8PROC_COMPAT : 0);
  const auto size = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), parts.data(),
                                            static_cast<utf8proc_ssize_t>(parts.size()),
                                            static_cast<utf8proc_option_t>(options), &boundary);
  if (size <= 0 || size > static_cast<utf8proc_ssize_t>(parts.size())) return {storage.data(), 1};
  const auto count = static_cast<std::size_t>(size);
  for (std::size_t i = 0; i < count; ++i) storage[i] = static_cast<char32_t>(parts[i]);
  return {storage.data(), count};
}

void apply_form(AlignedText& text, Form form) {
  Normalization(text, form).run();
}

std::string to_form(std::string_view text, Form form) {
  AlignedText aligned;
  aligned.assign(text, 0);
  apply_form(aligned, form);
  return std::string(aligned.bytes());
}

}  // namespace roost::text
