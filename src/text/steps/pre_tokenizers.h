#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/steps/patterns.h"
#include "text/unicode/aligned_text.h"

namespace roost::text {

// A normalized text and the pieces of it that the model will see; between them is what was dropped.
struct Pieces {
  AlignedText& text;
  std::vector<Offset> ranges;
  std::vector<Offset> spare;    // memory of the next step
  std::vector<Offset> matches;  // memory of a step
};

// A step that splits pieces further, and may rewrite them. Immutable and thread-safe.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void split(Pieces& pieces) const = 0;
};

// What becomes of the matches a piece is split at.
enum class Behavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

class PreTokenizerSequence final : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<const PreTokenizer>> steps)
      : steps_(std::move(steps)) {}
  void split(Pieces& pieces) const override;

 private:
  std::vector<std::unique_ptr<const PreTokenizer>> steps_;
};

// At blanks, and around each punctuation mark.
class BertPreTokenizer final : public PreTokenizer {
 public:
  void split(Pieces& pieces) const override;
};

// Words, and runs of what is neither word nor blank.
class Whitespace final : public PreTokenizer {
 public:
  void split(Pieces& pieces) const override;
};

// At characters of a kind.
class CharacterSplit final : public PreTokenizer {
 public:
  using Test = bool (*)(char32_t);
  CharacterSplit(Test test, Behavior behavior) : test_(test), behavior_(behavior) {}
  void split(Pieces& pieces) const override;

 private:
  Test test_;
  Behavior behavior_;
};
std::unique_ptr<const PreTokenizer> whitespace_split();
std::unique_ptr<const PreTokenizer> punctuation(Behavior behavior);
std::unique_ptr<const PreTokenizer> digits(bool individual);

// At the matches of a pattern, or (inverted) at what lies between them.
class Split final : public PreTokenizer {
 public:
  Split(std::unique_ptr<const Pattern> pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void split(Pieces& pieces) const override;

 private:
  std::unique_ptr<const Pattern> pattern_;
  Behavior behavior_;
  bool invert_;
};

// Pieces of so many characters.
class FixedLength final : public PreTokenizer {
 public:
  explicit FixedLength(std::size_t characters) : characters_(characters) {}
  void split(Pieces& pieces) const override;

 private:
  std::size_t characters_;
};

class ByteLevel final : public PreTokenizer {
 public:
  struct Settings {
    bool add_prefix_space = true;
    bool use_regex = true;
    bool spell_bytes = true;  // as characters; off when the model works on bytes
  };
  explicit ByteLevel(Settings settings) : settings_(settings) {}
  void split(Pieces& pieces) const override;

 private:
  Settings settings_;
};

// Spaces become a visible character, and one is put in front.
class Metaspace final : public PreTokenizer {
 public:
  enum class Prepend { Always, Never, First };  // First: at the beginning of the text only
  struct Settings {
    std::string replacement = "\u2581";
    Prepend prepend = Prepend::Always;
    bool split = true;
  };
  explicit Metaspace(Settings settings) : settings_(std::move(settings)) {}
  void split(Pieces& pieces) const override;

 private:
  Settings settings_;
};

}  // namespace roost::text
