#include "text/encoder.h"

#include <algorithm>

#include "base/utf8.h"
#include "roost/error.h"
#include "text/unicode/characters.h"

namespace roost::text {
namespace {

constexpr std::size_t kLongestText = std::size_t{1} << 30;

std::uint32_t narrow(std::size_t n) {
  return static_cast<std::uint32_t>(n);
}

void replace_stray_bytes(AlignedText& text) {
  Rewriter out(text);
  while (!out.done()) {
    std::string_view rest = out.rest();
    const std::string_view character = take_character(rest);
    if (is_stray_byte(character)) {
      out.replace(1, "\xEF\xBF\xBD");
    } else {
      out.keep(character.size());
    }
  }
  out.finish();
}

[[noreturn]] void refuse_length(std::size_t tokens, std::size_t most) {
  throw RoostError(ErrorCode::ContextTooLong, "the text has " + std::to_string(tokens) +
                                                  " tokens, and at most " + std::to_string(most) +
                                                  " are taken: shorten it, or let it be cut");
}

struct Lengths {
  std::size_t first, second;
};

// The longer text gives up tokens until both are of a length, then both do.
Lengths cut_longest(std::size_t first, std::size_t second, std::size_t most) {
  const std::size_t shorter = std::min(first, second);
  std::size_t longer = shorter > most ? shorter : std::max(shorter, most - shorter);
  std::size_t kept = shorter;
  if (kept + longer > most) {
    kept = most / 2;
    longer = kept + most % 2;
  }
  return first > second ? Lengths{longer, kept} : Lengths{kept, longer};
}

Lengths lengths_to_keep(Lengths have, std::size_t most, bool with_pair,
                        EncodeOptions::Truncate how) {
  using Truncate = EncodeOptions::Truncate;
  if (!with_pair) return {most, 0};
  const std::size_t excess = have.first + have.second - most;
  const auto without_excess = [&](std::size_t length, const char* which) {
    if (length >= excess) return length - excess;
    throw RoostError(ErrorCode::ContextTooLong,
                     std::string("cutting the ") + which + " text alone cannot make " +
                         std::to_string(have.first + have.second) + " tokens fit into " +
                         std::to_string(most) + ": cut the longest instead");
  };
  if (how == Truncate::OnlyFirst) return {without_excess(have.first, "first"), have.second};
  if (how == Truncate::OnlySecond) return {have.first, without_excess(have.second, "second")};
  return cut_longest(have.first, have.second, most);
}

}  // namespace

void Encoder::Sequence::cut(std::size_t most, Side side) {
  if (tokens.size() <= most) return;
  if (side == Side::Left) {
    tokens.erase(tokens.begin(), tokens.end() - static_cast<std::ptrdiff_t>(most));
  } else {
    tokens.resize(most);
  }
}

Encoding Encoder::encode(std::string_view text, std::optional<std::string_view> pair,
                         const EncodeOptions& options) {
  if (text.size() >= kLongestText || (pair && pair->size() >= kLongestText)) {
    throw RoostError(ErrorCode::InvalidArgument, "a text of 1 GiB or more cannot be tokenized");
  }
  Sequence first{text, {}}, second{pair.value_or(""), {}};
  tokenize(first);
  if (pair) tokenize(second);
  bool truncated = false;
  if (options.max_tokens != 0) {
    const std::size_t special =
        options.add_special_tokens ? parts_.output.special_tokens(pair.has_value()) : 0;
    if (special >= options.max_tokens) {
      throw RoostError(ErrorCode::InvalidArgument,
                       "max_tokens is " + std::to_string(options.max_tokens) +
                           ", and the special tokens alone are " + std::to_string(special));
    }
    const std::size_t most = options.max_tokens - special;
    const Lengths have{first.tokens.size(), second.tokens.size()};
    if (have.first + have.second > most) {
      if (options.truncate == EncodeOptions::Truncate::Refuse) {
        refuse_length(have.first + have.second + special, options.max_tokens);
      }
      const Lengths kept = lengths_to_keep(have, most, pair.has_value(), options.truncate);
      first.cut(kept.first, options.cut);
      second.cut(kept.second, options.cut);
      truncated = true;
    }
  }
  Encoding encoding = assemble(first, second, pair.has_value(), options.add_special_tokens);
  encoding.truncated = truncated;
  return encoding;
}

void Encoder::tokenize(Sequence& sequence) {
  whole_.assign(sequence.text, 0);
  if (!is_valid_utf8(sequence.text)) replace_stray_bytes(whole_);
  parts_before_.clear();
  parts_.added_before.split(whole_.bytes(), parts_before_);
  sequence.tokens.reserve(sequence.text.size() / 4 + 8);
  for (const AddedTokens::Part& part : parts_before_) {
    if (part.token) {
      sequence.tokens.push_back({*part.token, whole_.origin(part.range)});
    } else {
      tokenize_plain(part.range, sequence);
    }
  }
}

void Encoder::tokenize_plain(Offset part, Sequence& sequence) {
  section_.assign_part(whole_, part);
  if (parts_.normalizer) parts_.normalizer->apply(section_);
  const Offset all{0, narrow(section_.size())};
  if (parts_.added_after.empty()) {
    if (all.size() > 0) run_model(section_, all, sequence);
    return;
  }
  parts_after_.clear();
  parts_.added_after.split(section_.bytes(), parts_after_);
  for (const AddedTokens::Part& inner : parts_after_) {
    if (inner.token) {
      sequence.tokens.push_back({*inner.token, section_.origin(inner.range)});
    } else if (inner.range == all) {
      run_model(section_, all, sequence);
    } else {
      subsection_.assign_part(section_, inner.range);
      run_model(subsection_, {0, inner.range.size()}, sequence);
    }
  }
}

void Encoder::run_model(AlignedText& text, Offset part, Sequence& sequence) {
  Pieces pieces{text, std::move(pieces_.ranges), std::move(pieces_.spare),
                std::move(pieces_.matches)};
  pieces.ranges.assign(1, part);
  if (parts_.pre_tokenizer) parts_.pre_tokenizer->split(pieces);
  found_.clear();
  parts_.model->tokenize(text.bytes(), pieces.ranges, scratch_, found_);
  for (const ModelToken& token : found_) {
    sequence.tokens.push_back({token.id, text.origin(token.at)});
  }
  pieces_.ranges.swap(pieces.ranges);
  pieces_.spare.swap(pieces.spare);
  pieces_.matches.swap(pieces.matches);
}

Offset Encoder::trimmed(Offset at, std::string_view text) const {
  if (!parts_.output.trim_offsets) return at;
  const auto blank = [&](std::uint32_t i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    return byte < 0x80 && (kAsciiClasses[byte] & kSpace) != 0;
  };
  while (at.begin < at.end && blank(at.begin)) ++at.begin;
  while (at.begin < at.end && blank(at.end - 1)) --at.end;
  return at;
}

Encoding Encoder::assemble(const Sequence& first, const Sequence& second, bool with_pair,
                           bool add_special_tokens) const {
  Encoding encoding;
  const std::size_t size =
      first.tokens.size() + second.tokens.size() + parts_.output.special_tokens(with_pair);
  encoding.ids.reserve(size);
  encoding.offsets.reserve(size);
  encoding.types.reserve(size);
  encoding.special.reserve(size);
  encoding.sequence.reserve(size);
  for (const Template::Item& item : parts_.output.items(with_pair)) {
    const bool is_special = item.source == Template::Source::Special;
    if (is_special && !add_special_tokens) continue;
    if (is_special) {
      encoding.ids.insert(encoding.ids.end(), item.ids.begin(), item.ids.end());
      encoding.offsets.resize(encoding.ids.size());
    } else {
      const Sequence& sequence = item.source == Template::Source::First ? first : second;
      for (const ModelToken& token : sequence.tokens) {
        encoding.ids.push_back(token.id);
        encoding.offsets.push_back(trimmed(token.at, sequence.text));
      }
    }
    const std::uint8_t number = is_special                               ? Encoding::kNoSequence
                                : item.source == Template::Source::First ? 0
                                                                         : 1;
    encoding.types.resize(encoding.ids.size(), item.type);
    encoding.special.resize(encoding.ids.size(), is_special ? 1 : 0);
    encoding.sequence.resize(encoding.ids.size(), number);
  }
  return encoding;
}

}  // namespace roost::text
