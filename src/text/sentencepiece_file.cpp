#include <algorithm>
#include <bit>

#include "roost/error.h"
#include "roost/ids.h"
#include "text/models/bpe.h"
#include "text/models/unigram.h"
#include "text/protobuf.h"
#include "text/steps/precompiled_charsmap.h"
#include "text/unicode/characters.h"
#include "text/vocabulary_files.h"

namespace roost::text {
namespace {

constexpr std::string_view kVisibleSpace = "\u2581";
constexpr std::size_t kLongestPiece = 1'000;  // bytes

enum PieceType { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };
enum ModelType { UnigramModel = 1, BpeModel = 2 };

struct Piece {
  std::string_view text;
  float score = 0;
  std::uint64_t type = Normal;
};

struct File {
  std::vector<Piece> pieces;
  std::uint64_t model = UnigramModel;
  bool byte_fallback = false;
  bool space_as_suffix = false;
  std::string_view charsmap;
  bool add_prefix = true;
  bool squeeze_spaces = true;
};

Piece read_piece(ProtobufReader message) {
  Piece piece;
  while (const auto field = message.next()) {
    if (field->number == 1) piece.text = message.bytes(*field);
    if (field->number == 2) piece.score = std::bit_cast<float>(message.fixed32(*field));
    if (field->number == 3) piece.type = message.number(*field);
  }
  return piece;
}

void read_trainer(ProtobufReader message, File& file) {
  while (const auto field = message.next()) {
    if (field->number == 3) file.model = message.number(*field);
    if (field->number == 24) file.space_as_suffix = message.number(*field) != 0;
    if (field->number == 35) file.byte_fallback = message.number(*field) != 0;
  }
}

void read_normalizer_spec(ProtobufReader message, File& file) {
  while (const auto field = message.next()) {
    if (field->number == 2) file.charsmap = message.bytes(*field);
    if (field->number == 3) file.add_prefix = message.number(*field) != 0;
    if (field->number == 4) file.squeeze_spaces = message.number(*field) != 0;
  }
}

File read_file(std::string_view bytes, const std::string& what) {
  File file;
  ProtobufReader message(bytes, what);
  while (const auto field = message.next()) {
    if (field->number == 1) file.pieces.push_back(read_piece(message.inner(*field)));
    if (field->number == 2) read_trainer(message.inner(*field), file);
    if (field->number == 3) read_normalizer_spec(message.inner(*field), file);
  }
  return file;
}

class Builder {
 public:
  Builder(const File& file, const std::string& what) : file_(file), what_(what) {}

  std::unique_ptr<const TokenizerParts> run() {
    if (file_.space_as_suffix) refuse(ErrorCode::Unsupported, "spaces as suffixes are unsupported");
    add_pieces();
    if (file_.model == UnigramModel) {
      make_unigram();
    } else if (file_.model == BpeModel) {
      make_bpe();
    } else {
      refuse(ErrorCode::Unsupported,
             "only unigram and BPE models of sentencepiece are read, this is of type " +
                 std::to_string(file_.model));
    }
    make_normalizer();
    make_decoder();
    add_tokens(*parts_, std::move(control_), what_);
    parts_->added_after = AddedTokens(std::move(user_defined_));
    return std::move(parts_);
  }

 private:
  [[noreturn]] void refuse(ErrorCode code, const std::string& why) const {
    throw RoostError(code, printable(what_) + ": " + why);
  }

  void add_pieces() {
    auto vocabulary = std::make_shared<Vocabulary>();
    for (std::size_t id = 0; id < file_.pieces.size(); ++id) {
      const Piece& piece = file_.pieces[id];
      const std::string name = "piece " + std::to_string(id);
      if (!is_valid_utf8(piece.text)) refuse(ErrorCode::BadFile, name + " is not UTF-8");
      if (piece.text.empty() || piece.text.size() > kLongestPiece) {
        refuse(ErrorCode::BadFile, name + " has " + std::to_string(piece.text.size()) + " bytes");
      }
      if (!(piece.score > -1e30f && piece.score < 1e30f)) {
        refuse(ErrorCode::BadFile, name + " has a score that is no number");
      }
      if (vocabulary->add(piece.text, id) != Vocabulary::Added::Yes) {
        refuse(ErrorCode::BadFile, name + " repeats '" + printable(piece.text) + "'");
      }
      if (piece.type == Unknown) unknown_ = static_cast<std::uint32_t>(id);
      if (piece.type == Control || piece.type == UserDefined) add_token(piece, id);
    }
    if (!unknown_) refuse(ErrorCode::BadFile, "it has no piece for what is unknown");
    parts_->vocabulary = std::move(vocabulary);
  }

  void add_token(const Piece& piece, std::size_t id) {
    AddedToken token;
    token.id = static_cast<std::uint32_t>(id);
    token.content = piece.text;
    token.special = piece.type == Control;
    if (token.special) {
      control_.push_back(std::move(token));
    } else {
      user_defined_.push_back({token.content, std::move(token)});
    }
  }

  // Only normal pieces take part; the others are hidden behind an infinite score.
  void make_unigram() {
    std::vector<double> scores;
    for (const Piece& piece : file_.pieces) {
      scores.push_back(piece.type == Normal ? static_cast<double>(piece.score) : Unigram::kHidden);
    }
    parts_->model = std::make_unique<Unigram>(
        parts_->vocabulary, std::move(scores),
        Unigram::Settings{.unknown = *unknown_, .byte_fallback = file_.byte_fallback});
  }

  // Any two pieces that make up a third merge; the higher the third's score, the sooner.
  void make_bpe() {
    std::vector<std::uint32_t> order;
    for (std::uint32_t id = 0; id < file_.pieces.size(); ++id) {
      if (file_.pieces[id].type == Normal) order.push_back(id);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return file_.pieces[a].score > file_.pieces[b].score;
    });
    std::vector<Merge> merges;
    for (std::uint32_t rank = 0; rank < order.size(); ++rank) {
      const std::string_view text = file_.pieces[order[rank]].text;
      for (std::size_t at = character_at(text, 0).size; at < text.size();
           at += character_at(text, at).size) {
        const auto left = normal_id(text.substr(0, at)), right = normal_id(text.substr(at));
        if (left && right) merges.push_back({*left, *right, order[rank], rank});
      }
    }
    parts_->model = std::make_unique<Bpe>(
        parts_->vocabulary, merges,
        Bpe::Settings{
            .unknown = unknown_, .fuse_unknown = true, .byte_fallback = file_.byte_fallback});
  }

  std::optional<std::uint32_t> normal_id(std::string_view text) const {
    const auto id = parts_->vocabulary->id_of(text);
    return id && file_.pieces[*id].type == Normal ? id : std::nullopt;
  }

  void make_normalizer() {
    std::vector<std::unique_ptr<const Normalizer>> steps;
    if (!file_.charsmap.empty()) {
      auto map = PrecompiledCharsmap::parse(file_.charsmap);
      if (!map) refuse(ErrorCode::BadFile, "its charsmap is broken");
      steps.push_back(std::make_unique<PrecompiledCharsmap>(std::move(*map)));
    }
    if (file_.squeeze_spaces) steps.push_back(std::make_unique<SqueezeSpaces>());
    if (file_.add_prefix) steps.push_back(std::make_unique<Prepend>(std::string(kVisibleSpace)));
    steps.push_back(
        std::make_unique<Replace>(literal_pattern(" ", what_), std::string(kVisibleSpace)));
    parts_->normalizer = std::make_unique<NormalizerSequence>(std::move(steps));
  }

  void make_decoder() {
    std::vector<std::unique_ptr<const Decoder>> steps;
    steps.push_back(
        std::make_unique<ReplaceDecoder>(literal_pattern(std::string(kVisibleSpace), what_), " "));
    if (file_.byte_fallback) steps.push_back(std::make_unique<ByteFallbackDecoder>());
    steps.push_back(std::make_unique<FuseDecoder>());
    if (file_.add_prefix) steps.push_back(std::make_unique<StripDecoder>(" ", 1, 0));
    parts_->decoder = std::make_unique<DecoderSequence>(std::move(steps));
  }

  const File& file_;
  const std::string& what_;
  std::unique_ptr<TokenizerParts> parts_ = std::make_unique<TokenizerParts>();
  std::optional<std::uint32_t> unknown_;
  std::vector<AddedToken> control_;
  std::vector<AddedTokens::Entry> user_defined_;  // found in the normalized text
};

}  // namespace

std::unique_ptr<const TokenizerParts> read_sentencepiece(std::string_view bytes,
                                                         const std::string& what) {
  constexpr std::size_t kLargest = 100'000'000;
  if (bytes.size() > kLargest) {
    throw RoostError(ErrorCode::BadFile, printable(what) + ": " + std::to_string(bytes.size()) +
                                             " bytes are more than a sentencepiece model has");
  }
  const File file = read_file(bytes, what);
  return Builder(file, what).run();
}

}  // namespace roost::text
