#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/steps/patterns.h"
#include "text/unicode/aligned_text.h"
#include "text/unicode/forms.h"

namespace roost::text {

// A step that changes a text before it is split. Immutable and thread-safe.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(AlignedText& text) const = 0;
};

class NormalizerSequence final : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<const Normalizer>> steps)
      : steps_(std::move(steps)) {}
  void apply(AlignedText& text) const override;

 private:
  std::vector<std::unique_ptr<const Normalizer>> steps_;
};

// Invisible characters go, blanks become spaces, ideographs stand alone, accents go, all is lower
// case: each if asked for, in this order.
class BertNormalizer final : public Normalizer {
 public:
  struct Settings {
    bool clean_text = true;
    bool separate_ideographs = true;
    bool strip_accents = true;
    bool lowercase = true;
  };
  explicit BertNormalizer(Settings settings);
  void apply(AlignedText& text) const override;

 private:
  // What becomes of one character that is not ASCII.
  void write(char32_t code, std::string& out) const;

  Settings settings_;
  std::array<char, 128> ascii_{};
};

class UnicodeForm final : public Normalizer {
 public:
  explicit UnicodeForm(Form form) : form_(form) {}
  void apply(AlignedText& text) const override { apply_form(text, form_); }

 private:
  Form form_;
};

class Lowercase final : public Normalizer {
 public:
  void apply(AlignedText& text) const override;
};

// Blanks at the ends go.
class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(AlignedText& text) const override;

 private:
  bool left_, right_;
};

// All marks go; the text should be decomposed before.
class StripAccents final : public Normalizer {
 public:
  void apply(AlignedText& text) const override;
};

class Replace final : public Normalizer {
 public:
  Replace(std::unique_ptr<const Pattern> pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(AlignedText& text) const override;

 private:
  std::unique_ptr<const Pattern> pattern_;
  std::string content_;
};

// Before a text that is not empty.
class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(AlignedText& text) const override;

 private:
  std::string prefix_;
};

// Spaces at the ends go, and of several in a row all but one.
class SqueezeSpaces final : public Normalizer {
 public:
  void apply(AlignedText& text) const override;
};

// Blanks of many kinds become spaces, control characters go, as in Moses and Google's NMT.
class Nmt final : public Normalizer {
 public:
  void apply(AlignedText& text) const override;
};

// Every byte becomes the printable character that stands for it.
class ByteLevelNormalizer final : public Normalizer {
 public:
  void apply(AlignedText& text) const override;
};

}  // namespace roost::text
