#include "text/models/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace roost::text {
namespace {

std::uint64_t load(const char* from, std::size_t bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, bytes);
  return value;
}

std::uint64_t mix(std::uint64_t a) {
  a *= 0x9E3779B97F4A7C15u;
  a ^= a >> 32;
  a *= 0xD6E8FEB86659FD93u;
  return a ^ a >> 29;
}

std::uint32_t hash_of(std::string_view token) {
  const char* from = token.data();
  std::size_t left = token.size();
  std::uint64_t hash = left;
  for (; left > 8; from += 8, left -= 8) hash = mix(hash ^ load(from, 8));
  if (left == 8) return static_cast<std::uint32_t>(mix(hash ^ load(from, 8)));
  if (left >= 4) {
    hash ^= load(from, 4) | load(from + left - 4, 4) << 32;
  } else if (left > 0) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(from[i]); };
    hash ^= std::uint64_t{byte(0)} << 40 | std::uint64_t{byte(left / 2)} << 48 |
            std::uint64_t{byte(left - 1)} << 56;
  }
  return static_cast<std::uint32_t>(mix(hash));
}

}  // namespace

std::size_t Vocabulary::slot_of(std::string_view token, std::uint32_t hash) const {
  const std::size_t mask = table_.size() - 1;
  std::size_t slot = hash & mask;
  while (table_[slot].id != kEmpty &&
         (table_[slot].hash != hash || text_of(table_[slot].id) != token)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void Vocabulary::grow(std::size_t slots) {
  std::vector<Entry> old(slots);
  old.swap(table_);
  for (const Entry& entry : old) {
    if (entry.id != kEmpty) table_[slot_of(text_of(entry.id), entry.hash)] = entry;
  }
}

void Vocabulary::reserve(std::size_t tokens) {
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(16, 2 * tokens));
  if (slots > table_.size()) grow(slots);
  spans_.reserve(tokens);
}

Vocabulary::Added Vocabulary::add(std::string_view token, std::uint64_t id) {
  if (id > kMaxId) return Added::IdIsTooLarge;
  if (2 * (count_ + 1) > table_.size()) grow(std::max<std::size_t>(16, 2 * table_.size()));
  const std::uint32_t hash = hash_of(token);
  Entry& entry = table_[slot_of(token, hash)];
  if (entry.id != kEmpty) return Added::TokenIsTaken;
  const auto narrow_id = static_cast<std::uint32_t>(id);
  if (id < spans_.size() && spans_[id].size != kEmpty) return Added::IdIsTaken;
  if (id >= spans_.size()) spans_.resize(id + 1);
  spans_[id] = {static_cast<std::uint32_t>(bytes_.size()),
                static_cast<std::uint32_t>(token.size())};
  bytes_ += token;
  entry = {hash, narrow_id};
  ++count_;
  longest_ = std::max(longest_, token.size());
  return Added::Yes;
}

std::optional<std::uint32_t> Vocabulary::id_of(std::string_view token) const {
  if (token.size() > longest_ || table_.empty()) return std::nullopt;
  const std::uint32_t id = table_[slot_of(token, hash_of(token))].id;
  if (id == kEmpty) return std::nullopt;
  return id;
}

std::optional<std::string_view> Vocabulary::token_of(std::uint32_t id) const {
  if (id >= spans_.size() || spans_[id].size == kEmpty) return std::nullopt;
  return text_of(id);
}

}  // namespace roost::text
