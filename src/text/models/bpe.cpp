#include "text/models/bpe.h"

#include <algorithm>
#include <bit>

#include "text/models/unigram.h"
#include "text/unicode/byte_characters.h"
#include "text/unicode/characters.h"

namespace roost::text {
namespace {

constexpr std::size_t kFew = 48;  // symbols that are searched rather than queued

std::shared_ptr<const Vocabulary> spelled_vocabulary(const Vocabulary& vocabulary) {
  auto spelled = std::make_shared<Vocabulary>();
  spelled->reserve(vocabulary.count());
  for (std::uint32_t id = 0; id < vocabulary.id_end(); ++id) {
    const auto token = vocabulary.token_of(id);
    if (!token) continue;
    if (const auto bytes = bytes_spelled_by(*token)) spelled->add(*bytes, id);
  }
  return spelled;
}

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges) {
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(16, 2 * merges.size()));
  entries_.resize(slots);
  mask_ = slots - 1;
  shift_ = 64 - std::countr_zero(slots);
  for (const Merge& merge : merges) {
    const std::uint64_t key = std::uint64_t{merge.left} << 32 | merge.right;
    std::size_t slot = slot_of(key);
    while (entries_[slot].key != kEmpty && entries_[slot].key != key) slot = (slot + 1) & mask_;
    entries_[slot] = {key, {merge.rank, merge.merged}};
  }
}

Bpe::Bpe(std::shared_ptr<const Vocabulary> vocabulary, const std::vector<Merge>& merges,
         Settings settings)
    : vocabulary_(std::move(vocabulary)),
      merges_(merges),
      settings_(std::move(settings)),
      whole_(vocabulary_->id_end()) {
  by_bytes_ = settings_.on_bytes ? spelled_vocabulary(*vocabulary_) : vocabulary_;
  if (!settings_.on_bytes) {
    byte_ids_ = byte_token_ids(*vocabulary_);
    return;
  }
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    const char single = static_cast<char>(byte);
    byte_ids_[byte] = by_bytes_->id_of({&single, 1}).value_or(kNone);
  }
}

void Bpe::tokenize(std::string_view text, std::span<const Offset> pieces, ModelScratch& scratch,
                   std::vector<ModelToken>& out) const {
  for (const Offset at : pieces) {
    const std::string_view piece = text.substr(at.begin, at.size());
    if (const auto id = whole_token(piece, scratch)) {
      out.push_back({*id, at});
    } else {
      tokenize_piece(piece, at.begin, scratch, out);
    }
  }
}

// The token that the whole piece becomes, if that is known without merging.
std::optional<std::uint32_t> Bpe::whole_token(std::string_view piece, ModelScratch& scratch) const {
  const auto id = by_bytes_->id_of(piece);
  if (!id || settings_.ignore_merges) return id;
  const bool plain = settings_.continuing_prefix.empty() && settings_.word_suffix.empty();
  if (!plain) return std::nullopt;
  std::atomic<std::uint8_t>& whole = whole_[*id];
  if (whole.load(std::memory_order_relaxed) == Unasked) {
    scratch.path.clear();
    tokenize_piece(piece, 0, scratch, scratch.path);
    const bool same = scratch.path.size() == 1 && scratch.path.front().id == *id;
    whole.store(same ? Yes : No, std::memory_order_relaxed);
  }
  return whole.load(std::memory_order_relaxed) == Yes ? id : std::nullopt;
}

void Bpe::tokenize_piece(std::string_view piece, std::uint32_t base, ModelScratch& scratch,
                         std::vector<ModelToken>& out) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  symbols.clear();
  if (settings_.on_bytes) {
    start_with_bytes(piece, symbols);
  } else {
    start_with_characters(piece, symbols);
  }
  if (symbols.empty()) return;
  if (symbols.size() <= kFew) {
    merge_few(symbols);
    for (const Symbol& symbol : symbols) {
      out.push_back({symbol.id, {base + symbol.begin, base + symbol.end}});
    }
    return;
  }
  merge_many(scratch);
  for (std::int32_t at = 0; at >= 0; at = symbols[static_cast<std::size_t>(at)].next) {
    const Symbol& symbol = symbols[static_cast<std::size_t>(at)];
    out.push_back({symbol.id, {base + symbol.begin, base + symbol.end}});
  }
}

void Bpe::start_with_bytes(std::string_view piece, std::vector<Symbol>& symbols) const {
  for (std::uint32_t i = 0; i < piece.size(); ++i) {
    const std::uint32_t id = byte_ids_[static_cast<unsigned char>(piece[i])];
    const std::uint32_t known = id != kNone ? id : settings_.unknown.value_or(kNone);
    if (known == kNone) continue;
    const bool fuse = settings_.fuse_unknown && id == kNone && !symbols.empty() &&
                      symbols.back().id == known && symbols.back().end == i;
    if (fuse) {
      symbols.back().end = i + 1;
    } else {
      symbols.push_back({known, i, i + 1, -1, -1});
    }
  }
}

void Bpe::start_with_characters(std::string_view piece, std::vector<Symbol>& symbols) const {
  for (std::uint32_t at = 0; at < piece.size();) {
    const std::uint32_t end = at + character_at(piece, at).size;
    add_character(piece, at, end, symbols);
    at = end;
  }
}

void Bpe::add_character(std::string_view piece, std::uint32_t begin, std::uint32_t end,
                        std::vector<Symbol>& symbols) const {
  std::string_view character = piece.substr(begin, end - begin);
  std::string decorated;
  const bool prefix = begin > 0 && !settings_.continuing_prefix.empty();
  const bool suffix = end == piece.size() && !settings_.word_suffix.empty();
  if (prefix || suffix) {
    decorated = (prefix ? settings_.continuing_prefix : "") + std::string(character) +
                (suffix ? settings_.word_suffix : "");
    character = decorated;
  }
  if (const auto id = vocabulary_->id_of(character)) {
    symbols.push_back({*id, begin, end, -1, -1});
    return;
  }
  const std::size_t before = symbols.size();
  if (settings_.byte_fallback) {
    for (std::uint32_t i = 0; i < character.size(); ++i) {
      const std::uint32_t id = byte_ids_[static_cast<unsigned char>(character[i])];
      if (id == kNone) break;
      const std::uint32_t at = std::min(begin + i, end);
      symbols.push_back({id, at, std::min(at + 1, end), -1, -1});
    }
    if (symbols.size() == before + character.size()) return;
    symbols.resize(before);
  }
  if (!settings_.unknown) return;
  const bool fuse = settings_.fuse_unknown && before > 0 && symbols.back().id == *settings_.unknown;
  if (fuse) {
    symbols.back().end = end;
  } else {
    symbols.push_back({*settings_.unknown, begin, end, -1, -1});
  }
}

// Searches the best pair each time; `previous` holds the rank of a symbol with the one after it.
void Bpe::merge_few(std::vector<Symbol>& symbols) const {
  std::array<std::uint32_t, kFew> ranks{};
  std::array<std::uint32_t, kFew> results{};
  const auto look_up = [&](std::size_t i) {
    const auto* found =
        i + 1 < symbols.size() ? merges_.find(symbols[i].id, symbols[i + 1].id) : nullptr;
    ranks[i] = found ? found->rank : kNone;
    results[i] = found ? found->merged : kNone;
  };
  for (std::size_t i = 0; i < symbols.size(); ++i) look_up(i);
  while (symbols.size() > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < symbols.size(); ++i) {
      if (ranks[i] < ranks[best]) best = i;
    }
    if (ranks[best] == kNone) return;
    symbols[best].id = results[best];
    symbols[best].end = symbols[best + 1].end;
    const std::size_t gone = best + 1;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(gone));
    std::copy(ranks.begin() + static_cast<std::ptrdiff_t>(gone) + 1,
              ranks.begin() + static_cast<std::ptrdiff_t>(symbols.size()) + 1,
              ranks.begin() + static_cast<std::ptrdiff_t>(gone));
    std::copy(results.begin() + static_cast<std::ptrdiff_t>(gone) + 1,
              results.begin() + static_cast<std::ptrdiff_t>(symbols.size()) + 1,
              results.begin() + static_cast<std::ptrdiff_t>(gone));
    look_up(best);
    if (best > 0) look_up(best - 1);
  }
}

// A heap of pairs over a list of symbols; pairs that are no longer neighbours are passed over.
void Bpe::merge_many(ModelScratch& scratch) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  heap.clear();
  using Candidate = ModelScratch::Candidate;
  const auto later = [](const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  };
  const auto symbol = [&](std::int32_t i) -> Symbol& {
    return symbols[static_cast<std::size_t>(i)];
  };
  const auto offer = [&](std::int32_t left) {
    if (left < 0 || symbol(left).next < 0) return;
    const Symbol& right = symbol(symbol(left).next);
    const auto* found = merges_.find(symbol(left).id, right.id);
    if (!found) return;
    heap.push_back(
        {found->rank, static_cast<std::uint32_t>(left), symbol(left).id, right.id, found->merged});
    std::push_heap(heap.begin(), heap.end(), later);
  };
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    symbols[i].previous = static_cast<std::int32_t>(i) - 1;
    symbols[i].next = i + 1 < symbols.size() ? static_cast<std::int32_t>(i) + 1 : -1;
  }
  for (std::size_t i = 0; i < symbols.size(); ++i) offer(static_cast<std::int32_t>(i));
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const Candidate best = heap.back();
    heap.pop_back();
    const auto at = static_cast<std::int32_t>(best.left);
    Symbol& left = symbol(at);
    if (left.id != best.left_id || left.next < 0) continue;
    Symbol& right = symbol(left.next);
    if (right.id != best.right_id) continue;
    left.id = best.merged;
    left.end = right.end;
    right.id = kNone;
    left.next = right.next;
    if (left.next >= 0) symbol(left.next).previous = at;
    offer(left.previous);
    offer(at);
  }
}

}  // namespace roost::text
