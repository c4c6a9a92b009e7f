#include "text/unicode/aligned_text.h"

#include "roost/error.h"

namespace roost::text {
namespace {

std::uint32_t narrow(std::size_t n) {
  return static_cast<std::uint32_t>(n);
}

bool is_one_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return text.size() == size;
}

}  // namespace

void AlignedText::assign(std::string_view text, std::uint32_t base) {
  bytes_ = text;
  base_ = base;
  assigned_ = text.size();
  shifted_ = true;
  origins_.clear();
}

void AlignedText::assign_part(const AlignedText& whole, Offset part) {
  assign(whole.bytes_.substr(part.begin, part.size()), whole.base_ + part.begin);
  if (whole.shifted_) return;
  shifted_ = false;
  origins_.assign(whole.origins_.begin() + part.begin, whole.origins_.begin() + part.end);
}

Offset AlignedText::origin_of_changed(Offset range) const {
  if (origins_.empty()) return {base_, base_};
  if (range.begin == range.end) {
    const std::uint32_t at =
        range.begin < origins_.size() ? origins_[range.begin].begin : origins_.back().end;
    return {at, at};
  }
  return {origins_[range.begin].begin, origins_[range.end - 1].end};
}

Rewriter::Rewriter(AlignedText& text)
    : text_(text),
      in_(text.bytes_),
      out_(text.spare_),
      origins_(text.spare_origins_),
      most_(64 * text.assigned_ + 65'536),
      shifted_(text.shifted_) {
  out_.clear();
  origins_.clear();
  out_.reserve(in_.size() + in_.size() / 8);
  if (!shifted_) origins_.reserve(in_.size());
}

Offset Rewriter::origin_of(std::size_t bytes) const {
  return text_.origin({narrow(at_), narrow(at_ + bytes)});
}

void Rewriter::start_origins() {
  shifted_ = false;
  origins_.reserve(in_.size() + in_.size() / 8);
  for (std::size_t i = 0; i < out_.size(); ++i) {
    const std::uint32_t origin = text_.base_ + narrow(i);
    origins_.push_back({origin, origin + 1});
  }
}

void Rewriter::refuse_growth() const {
  throw RoostError(ErrorCode::BadFile, "the tokenizer's normalizers make a text of " +
                                           std::to_string(text_.assigned_) + " bytes longer than " +
                                           std::to_string(most_) +
                                           " bytes: its definition is broken");
}

void Rewriter::map_ascii(const std::array<char, 128>& map) {
  const std::string_view ahead = rest();
  std::size_t mapped = 0;
  for (; mapped < ahead.size(); ++mapped) {
    const auto byte = static_cast<unsigned char>(ahead[mapped]);
    if (byte >= map.size() || map[byte] == '\0') break;
  }
  const std::size_t before = out_.size();
  out_.resize(before + mapped);
  char* to = out_.data() + before;
  for (std::size_t i = 0; i < mapped; ++i) to[i] = map[static_cast<unsigned char>(ahead[i])];
  if (!shifted_) {
    for (std::size_t i = 0; i < mapped; ++i) {
      origins_.push_back(text_.origin({narrow(at_ + i), narrow(at_ + i + 1)}));
    }
  }
  at_ += mapped;
}

void Rewriter::keep(std::size_t bytes) {
  out_.append(in_.substr(at_, bytes));
  if (shifted_) {
    at_ += bytes;
    return;
  }
  for (std::size_t i = 0; i < bytes; ++i, ++at_) origins_.push_back(origin_of(1));
}

void Rewriter::replace(std::size_t bytes, std::string_view with) {
  if (out_.size() + with.size() > most_) refuse_growth();
  if (shifted_ && !(bytes == with.size() && (bytes == 0 || is_one_character(with)))) {
    start_origins();
  }
  if (!shifted_) origins_.insert(origins_.end(), with.size(), origin_of(bytes));
  out_ += with;
  at_ += bytes;
}

void Rewriter::finish() {
  keep(in_.size() - at_);
  text_.storage_.swap(text_.spare_);
  text_.origins_.swap(text_.spare_origins_);
  text_.shifted_ = shifted_;
  text_.bytes_ = text_.storage_;
}

}  // namespace roost::text
