#include "text/steps/pre_tokenizers.h"

#include <array>

#include "text/steps/scanners.h"
#include "text/unicode/byte_characters.h"
#include "text/unicode/characters.h"

namespace roost::text {
namespace {

// Replaces each piece by what f(piece's text, emit) emits: ranges of that text.
template <typename F>
void split_each(Pieces& pieces, const F& f) {
  pieces.spare.clear();
  for (const Offset piece : pieces.ranges) {
    const auto emit = [&](std::size_t begin, std::size_t end) {
      if (begin == end) return;
      pieces.spare.push_back({piece.begin + static_cast<std::uint32_t>(begin),
                              piece.begin + static_cast<std::uint32_t>(end)});
    };
    f(pieces.text.bytes().substr(piece.begin, piece.size()), emit);
  }
  pieces.ranges.swap(pieces.spare);
}

// Rewrites each piece: f(piece, out) passes all of it.
template <typename F>
void rewrite_each(Pieces& pieces, const F& f) {
  Rewriter out(pieces.text);
  for (Offset& piece : pieces.ranges) {
    out.drop(piece.begin - out.at());
    const auto begin = static_cast<std::uint32_t>(out.written());
    f(piece, out);
    piece = {begin, static_cast<std::uint32_t>(out.written())};
  }
  out.drop(out.rest().size());
  out.finish();
}

// What BERT makes of a character.
enum BertKind : std::uint8_t { Word, Blank, Mark };
constexpr std::array<BertKind, 128> kAsciiKinds = [] {
  std::array<BertKind, 128> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    const bool mark = (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
                      (c >= 123 && c <= 126);
    kinds[c] = (kAsciiClasses[c] & kSpace) ? Blank : mark ? Mark : Word;
  }
  return kinds;
}();

// Gathers a piece's parts, matching and not, into pieces.
template <typename Emit>
class Gathering {
 public:
  Gathering(Behavior behavior, const Emit& emit) : behavior_(behavior), emit_(emit) {}

  void add(std::size_t begin, std::size_t end, bool match) {
    if (begin == end) return;
    if (behavior_ == Behavior::Removed) {
      if (!match) emit_(begin, end);
      return;
    }
    if (open_ && joins(match)) {
      end_ = end;
    } else {
      close();
      begin_ = begin;
      end_ = end;
      open_ = true;
    }
    last_matched_ = match;
  }
  void close() {
    if (open_) emit_(begin_, end_);
    open_ = false;
  }

 private:
  // Whether a part belongs to the piece that is open.
  bool joins(bool match) const {
    switch (behavior_) {
      case Behavior::MergedWithPrevious:
        return match && !last_matched_;
      case Behavior::MergedWithNext:
        return !match && last_matched_;
      case Behavior::Contiguous:
        return match == last_matched_;
      default:
        return false;
    }
  }

  Behavior behavior_;
  const Emit& emit_;
  std::size_t begin_ = 0, end_ = 0;
  bool open_ = false, last_matched_ = false;
};

}  // namespace

void PreTokenizerSequence::split(Pieces& pieces) const {
  for (const auto& step : steps_) step->split(pieces);
}

void BertPreTokenizer::split(Pieces& pieces) const {
  split_each(pieces, [](std::string_view text, const auto& emit) {
    std::size_t start = 0;
    for (std::size_t at = 0; at < text.size();) {
      const auto byte = static_cast<unsigned char>(text[at]);
      std::uint32_t size = 1;
      BertKind kind = Word;
      if (byte < 0x80) {
        kind = kAsciiKinds[byte];
      } else {
        const Character next = character_at(text, at);
        size = next.size;
        const std::uint8_t classes = class_of(next.code);
        kind = (classes & kSpace) ? Blank : (classes & kPunctuation) ? Mark : Word;
      }
      if (kind != Word) {
        emit(start, at);
        if (kind == Mark) emit(at, at + size);
        start = at + size;
      }
      at += size;
    }
    emit(start, text.size());
  });
}

void Whitespace::split(Pieces& pieces) const {
  const auto kind_of = [](char32_t code) {
    const std::uint8_t classes = class_of(code);
    return (classes & kWord) ? 1 : (classes & kSpace) ? 0 : 2;
  };
  split_each(pieces, [&](std::string_view text, const auto& emit) {
    std::size_t start = 0;
    int running = 0;
    for (std::size_t at = 0; at < text.size();) {
      const Character next = character_at(text, at);
      const int kind = kind_of(next.code);
      if (kind != running) {
        if (running != 0) emit(start, at);
        start = at;
        running = kind;
      }
      at += next.size;
    }
    if (running != 0) emit(start, text.size());
  });
}

void CharacterSplit::split(Pieces& pieces) const {
  split_each(pieces, [&](std::string_view text, const auto& emit) {
    Gathering gathering(behavior_, emit);
    std::size_t start = 0;
    for (std::size_t at = 0; at < text.size();) {
      const Character next = character_at(text, at);
      if (test_(next.code)) {
        gathering.add(start, at, false);
        gathering.add(at, at + next.size, true);
        start = at + next.size;
      }
      at += next.size;
    }
    gathering.add(start, text.size(), false);
    gathering.close();
  });
}

std::unique_ptr<const PreTokenizer> whitespace_split() {
  return std::make_unique<CharacterSplit>([](char32_t c) { return is(c, kSpace); },
                                          Behavior::Removed);
}

std::unique_ptr<const PreTokenizer> punctuation(Behavior behavior) {
  return std::make_unique<CharacterSplit>(is_bert_punctuation, behavior);
}

std::unique_ptr<const PreTokenizer> digits(bool individual) {
  return std::make_unique<CharacterSplit>([](char32_t c) { return is(c, kNumber); },
                                          individual ? Behavior::Isolated : Behavior::Contiguous);
}

void Split::split(Pieces& pieces) const {
  split_each(pieces, [&](std::string_view text, const auto& emit) {
    pieces.matches.clear();
    pattern_->find(text, pieces.matches);
    Gathering gathering(behavior_, emit);
    std::size_t at = 0;
    for (const Offset match : pieces.matches) {
      gathering.add(at, match.begin, invert_);
      gathering.add(match.begin, match.end, !invert_);
      at = match.end;
    }
    gathering.add(at, text.size(), invert_);
    gathering.close();
  });
}

void FixedLength::split(Pieces& pieces) const {
  split_each(pieces, [&](std::string_view text, const auto& emit) {
    std::size_t start = 0, characters = 0;
    for (std::size_t at = 0; at < text.size();) {
      at += character_at(text, at).size;
      if (++characters == characters_ || at == text.size()) {
        emit(start, at);
        start = at;
        characters = 0;
      }
    }
  });
}

void ByteLevel::split(Pieces& pieces) const {
  if (settings_.add_prefix_space) {
    rewrite_each(pieces, [&](Offset piece, Rewriter& out) {
      if (!out.rest().substr(0, piece.size()).starts_with(' ')) out.replace(0, " ");
      out.keep(piece.size());
    });
  }
  if (settings_.use_regex) {
    split_each(pieces, [](std::string_view text, const auto& emit) {
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = scan_gpt2(text, at);
        emit(at, end);
        at = end;
      }
    });
  }
  if (settings_.spell_bytes) {
    rewrite_each(pieces, [](Offset piece, Rewriter& out) {
      for (std::uint32_t i = 0; i < piece.size(); ++i) {
        out.replace(1, character_of_byte(static_cast<unsigned char>(out.rest().front())));
      }
    });
  }
}

void Metaspace::split(Pieces& pieces) const {
  const std::string& visible = settings_.replacement;
  rewrite_each(pieces, [&](Offset piece, Rewriter& out) {
    const std::string_view text = out.rest().substr(0, piece.size());
    const bool first = pieces.text.origin(piece).begin == 0;
    const bool wanted =
        settings_.prepend == Prepend::Always || (settings_.prepend == Prepend::First && first);
    if (wanted && !text.starts_with(' ') && !text.starts_with(visible)) out.replace(0, visible);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t space = std::min(text.find(' ', at), text.size());
      out.keep(space - at);
      if (space < text.size()) out.replace(1, visible);
      at = space + 1;
    }
  });
  if (!settings_.split) return;
  split_each(pieces, [&](std::string_view text, const auto& emit) {
    std::size_t start = 0;
    for (std::size_t at = text.find(visible); at != text.npos;
         at = text.find(visible, at + visible.size())) {
      emit(start, at);
      start = at;
    }
    emit(start, text.size());
  });
}

}  // namespace roost::text
