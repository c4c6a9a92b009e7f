#include "text/steps/decoders.h"

#include <charconv>

#include "text/unicode/byte_characters.h"
#include "text/unicode/characters.h"

namespace roost::text {
namespace {

std::string replace_all(std::string_view text, std::string_view what, std::string_view with) {
  if (what.empty()) return std::string(text);
  std::string result;
  while (true) {
    const std::size_t at = text.find(what);
    result += text.substr(0, at);
    if (at == text.npos) return result;
    result += with;
    text.remove_prefix(at + what.size());
  }
}

// Spaces before marks and English contractions go.
std::string clean_up(std::string text) {
  static constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  if (text.find(' ') == text.npos) return text;
  for (const auto& [what, with] : kRules) {
    if (text.find(what) != text.npos) text = replace_all(text, what, with);
  }
  return text;
}

}  // namespace

void DecoderSequence::decode(std::vector<std::string>& tokens) const {
  for (const auto& step : steps_) step->decode(tokens);
}

void WordPieceDecoder::decode(std::vector<std::string>& tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) {
      if (tokens[i].starts_with(prefix_)) {
        tokens[i].erase(0, prefix_.size());
      } else {
        tokens[i].insert(0, 1, ' ');
      }
    }
    if (cleanup_) tokens[i] = clean_up(std::move(tokens[i]));
  }
}

void ByteLevelDecoder::decode(std::vector<std::string>& tokens) const {
  std::string bytes;
  for (const std::string& token : tokens) bytes += bytes_spelled_by(token).value_or(token);
  tokens = {to_valid_utf8(bytes)};
}

void MetaspaceDecoder::decode(std::vector<std::string>& tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = replace_all(tokens[i], replacement_, i == 0 && prepended_ ? "" : " ");
  }
}

void BpeDecoder::decode(std::vector<std::string>& tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = replace_all(tokens[i], suffix_, i + 1 == tokens.size() ? "" : " ");
  }
}

void ReplaceDecoder::decode(std::vector<std::string>& tokens) const {
  std::vector<Offset> matches;
  for (std::string& token : tokens) {
    matches.clear();
    pattern_->find(token, matches);
    if (matches.empty()) continue;
    std::string replaced;
    std::size_t at = 0;
    for (const Offset match : matches) {
      replaced.append(token, at, match.begin - at);
      replaced += content_;
      at = match.end;
    }
    token = replaced.append(token, at);
  }
}

void FuseDecoder::decode(std::vector<std::string>& tokens) const {
  std::string all;
  for (const std::string& token : tokens) all += token;
  tokens = {std::move(all)};
}

void StripDecoder::decode(std::vector<std::string>& tokens) const {
  if (character_.empty()) return;
  for (std::string& token : tokens) {
    std::string_view kept = token;
    for (std::size_t i = 0; i < start_ && kept.starts_with(character_); ++i) {
      kept.remove_prefix(character_.size());
    }
    for (std::size_t i = 0; i < stop_ && kept.ends_with(character_); ++i) {
      kept.remove_suffix(character_.size());
    }
    token = std::string(kept);
  }
}

std::optional<unsigned char> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  unsigned byte = 0;
  const char* digits = token.data() + 3;
  if (std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) return std::nullopt;
  return static_cast<unsigned char>(byte);
}

void ByteFallbackDecoder::decode(std::vector<std::string>& tokens) const {
  std::vector<std::string> decoded;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (is_valid_utf8(bytes)) {
      decoded.push_back(bytes);
    } else {
      decoded.insert(decoded.end(), bytes.size(), "\xEF\xBF\xBD");
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    if (const auto byte = byte_of_token(token)) {
      bytes += static_cast<char>(*byte);
    } else {
      flush();
      decoded.push_back(std::move(token));
    }
  }
  flush();
  tokens = std::move(decoded);
}

void CtcDecoder::decode(std::vector<std::string>& tokens) const {
  std::vector<std::string> decoded;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && tokens[i] == tokens[i - 1]) continue;
    std::string text = replace_all(tokens[i], pad_, "");
    if (cleanup_) text = replace_all(clean_up(std::move(text)), delimiter_, " ");
    if (!text.empty()) decoded.push_back(std::move(text));
  }
  tokens = std::move(decoded);
}

}  // namespace roost::text
