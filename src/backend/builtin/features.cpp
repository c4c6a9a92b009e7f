#include "backend/builtin/features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <vector>

#include "backend/builtin/frequent_words.h"
#include "backend/builtin/unicode.h"

namespace roost::backend {
namespace {

constexpr std::uint64_t kWordSeed = 0x8F1BBCDC5A827999;
constexpr std::uint64_t kGramSeed = 0x6ED9EBA1CA62C1D6;
constexpr std::size_t kLongest = 16;  // a longer word weighs as one of this length
constexpr std::size_t kShortestGram = 3;
constexpr std::size_t kLongestGram = 5;

constexpr std::uint32_t kEmptyText = 0;
constexpr std::uint32_t kFrequentWord = 1;
constexpr std::uint32_t kIdeographWord = 2;
constexpr std::uint32_t kWord = 16;       // + length
constexpr std::uint32_t kFirstGram = 40;  // + length of the word, likewise the next two
constexpr std::uint32_t kMiddleGram = 60;
constexpr std::uint32_t kLastGram = 80;
static_assert(kWord + kLongest < kFirstGram && kLastGram + kLongest < kFeatureKinds);

constexpr std::uint64_t extend(std::uint64_t hash, char32_t code) {
  hash = (hash ^ code) * 0x9E3779B97F4A7C15;
  return hash ^ hash >> 29;
}

constexpr std::uint64_t finish(std::uint64_t hash) {
  hash = (hash ^ hash >> 32) * 0xD6E8FEB86659FD93;
  return hash ^ hash >> 32;
}

constexpr std::uint64_t hash_of(std::string_view word) {
  std::uint64_t hash = kWordSeed;
  for (std::size_t at = 0; at < word.size();) hash = extend(hash, next_code_point(word, at));
  return finish(hash);
}

constexpr auto kFrequentHashes = [] {
  std::array<std::uint64_t, std::size(kFrequentWords)> hashes{};
  std::transform(std::begin(kFrequentWords), std::end(kFrequentWords), hashes.begin(), hash_of);
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}();

// Cuts a text into words and words into features.
class FeatureWriter {
 public:
  FeatureWriter(Segment segment, std::uint32_t rows, Sequence& to)
      : segment_(static_cast<std::uint32_t>(segment) * kFeatureKinds), rows_(rows), to_(to) {
    word_.reserve(64);
    word_.push_back('<');
  }

  void write(std::string_view text) {
    const std::size_t before = to_.ids.size();
    for (std::size_t at = 0; at < text.size();) {
      const char32_t code = next_code_point(text, at);
      switch (character_kind(code)) {
        case CharacterKind::Letter:
          word_.push_back(fold_case(code));
          break;
        case CharacterKind::Separator:
          end_word();
          break;
        case CharacterKind::Ideograph:
          end_word();
          emit(finish(extend(kWordSeed, code)), kIdeographWord);
      }
    }
    end_word();
    if (to_.ids.size() == before) emit(hash_of("<empty>"), kEmptyText);
  }

 private:
  void emit(std::uint64_t hash, std::uint32_t kind) {
    to_.ids.push_back(static_cast<std::uint32_t>((hash >> 32) * rows_ >> 32));
    to_.types.push_back(segment_ + kind);
  }

  void end_word() {
    const std::size_t length = word_.size() - 1;
    if (length == 0) return;
    std::uint64_t hash = kWordSeed;
    for (std::size_t i = 1; i <= length; ++i) hash = extend(hash, word_[i]);
    hash = finish(hash);
    const auto grade = static_cast<std::uint32_t>(std::min(length, kLongest));
    if (std::binary_search(kFrequentHashes.begin(), kFrequentHashes.end(), hash)) {
      emit(hash, kFrequentWord);
    } else {
      emit(hash, kWord + grade);
      if (length >= kShortestGram) emit_grams(grade);
    }
    word_.resize(1);
  }

  // Every n-gram but the one that is the whole word again.
  void emit_grams(std::uint32_t grade) {
    word_.push_back('>');
    for (std::size_t from = 0; from + kShortestGram <= word_.size(); ++from) {
      std::uint64_t hash = kGramSeed;
      const std::size_t end = std::min(from + kLongestGram, word_.size());
      for (std::size_t i = from; i < end; ++i) {
        hash = extend(hash, word_[i]);
        const std::size_t size = i + 1 - from;
        if (size < kShortestGram || size == word_.size()) continue;
        const std::uint32_t place = from == 0               ? kFirstGram
                                    : i + 1 == word_.size() ? kLastGram
                                                            : kMiddleGram;
        emit(finish(hash), place + grade);
      }
    }
  }

  const std::uint32_t segment_;
  const std::uint64_t rows_;
  Sequence& to_;
  std::vector<char32_t> word_;  // '<', then the letters of the word so far
};

std::size_t grams_in_word(std::size_t length) {
  std::size_t grams = 0;
  for (std::size_t size = kShortestGram; size <= kLongestGram; ++size) {
    if (size < length + 2) grams += length + 3 - size;
  }
  return grams;
}

std::array<float, kFeatureKinds> make_weights() {
  constexpr float kOfLength[] = {0.35f, 0.5f, 0.75f, 0.9f, 1.0f, 1.05f, 1.1f, 1.15f};  // 1, 2, ...
  constexpr float kGramsEnergy = 4.0f;  // of all n-grams of a word, over the word's own
  std::array<float, kFeatureKinds> weights{};
  weights.fill(1.0f);
  weights[kFrequentWord] = 0.1f;
  weights[kIdeographWord] = 0.8f;
  for (std::size_t length = 1; length <= kLongest; ++length) {
    const float weight = kOfLength[std::min(length, std::size(kOfLength)) - 1];
    weights[kWord + length] = weight;
    if (length < kShortestGram) continue;
    const float share = std::sqrt(kGramsEnergy / static_cast<float>(grams_in_word(length)));
    const auto gram = [&](float factor) { return weight * std::min(1.0f, share * factor); };
    weights[kFirstGram + length] = gram(1.8f);
    weights[kMiddleGram + length] = gram(1.0f);
    weights[kLastGram + length] = gram(0.4f);
  }
  return weights;
}

}  // namespace

void append_features(std::string_view text, Segment segment, std::uint32_t rows, Sequence& to) {
  FeatureWriter(segment, rows, to).write(text);
}

const std::array<float, kFeatureKinds>& kind_weights() {
  static const std::array<float, kFeatureKinds> weights = make_weights();
  return weights;
}

}  // namespace roost::backend
