#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/epoch.h"

namespace roost::pool {

// Names as callers say them, each bound to a cell. Finding is lock-free and takes no write to
// shared memory but the reader's own epoch count; binding is the writer's (one at a time).
// `Cell` must outlive its bindings: unbind first, then retire the cell through the same epoch.
template <class Cell>
class DoorIndex {
 public:
  explicit DoorIndex(Epoch& epoch) : epoch_(epoch) { table_.store(make_table(16)); }
  ~DoorIndex() {
    Table* table = table_.load();
    for (auto& bucket : table->buckets) delete bucket.load();
    delete table;
  }
  DoorIndex(const DoorIndex&) = delete;
  DoorIndex& operator=(const DoorIndex&) = delete;

  // Inside an epoch guard. The cell stays valid until the guard is gone.
  Cell* find(std::string_view name) const {
    const std::uint64_t hash = hash_of(name);
    // Paired with the writer's stores before Epoch::reclaim reads the counts.
    const Table* table = table_.load(std::memory_order_seq_cst);
    for (std::size_t i = hash & table->mask;; i = (i + 1) & table->mask) {
      const Door* door = table->buckets[i].load(std::memory_order_seq_cst);
      if (door == nullptr) return nullptr;
      if (door->hash == hash && door->name == name) return door->cell;
    }
  }

  // The writer's part. bind() replaces what was there; null leaves a door without a cell, which
  // the next growth drops.
  void bind(std::string_view name, Cell* cell) {
    Table* table = table_.load(std::memory_order_relaxed);
    if ((used_ + 1) * 2 > table->buckets.size()) table = grow();
    const std::uint64_t hash = hash_of(name);
    for (std::size_t i = hash & table->mask;; i = (i + 1) & table->mask) {
      Door* door = table->buckets[i].load(std::memory_order_relaxed);
      const bool same = door != nullptr && door->hash == hash && door->name == name;
      if (door != nullptr && !same) continue;
      if (door == nullptr) ++used_;
      table->buckets[i].store(new Door{hash, std::string(name), cell}, std::memory_order_seq_cst);
      if (door != nullptr) epoch_.retire([door] { delete door; });
      return;
    }
  }

  void unbind(std::string_view name) {
    const Epoch::Guard guard = epoch_.read();
    if (find(name) != nullptr) bind(name, nullptr);
  }
  void unbind_all() {
    if (used_ != 0) replace_table(16, [](const Door&) { return false; });
  }
  std::size_t size() const { return used_; }

 private:
  struct Door {
    std::uint64_t hash;
    std::string name;
    Cell* cell;
  };
  struct Table {
    explicit Table(std::size_t n) : mask(n - 1), buckets(n) {}
    std::size_t mask;
    std::vector<std::atomic<Door*>> buckets;
  };

  static std::uint64_t hash_of(std::string_view name) {
    return std::hash<std::string_view>()(name) * 0x9E3779B97F4A7C15ull >> 7;
  }
  static Table* make_table(std::size_t n) { return new Table(n); }

  Table* grow() {
    const Table* table = table_.load(std::memory_order_relaxed);
    std::size_t live = 0;
    for (const auto& bucket : table->buckets) {
      const Door* door = bucket.load(std::memory_order_relaxed);
      if (door != nullptr && door->cell != nullptr) ++live;
    }
    std::size_t buckets = 16;
    while (buckets < (live + 1) * 4) buckets *= 2;
    return replace_table(buckets, [](const Door& door) { return door.cell != nullptr; });
  }

  template <class Keep>
  Table* replace_table(std::size_t buckets, const Keep& keep) {
    Table* old = table_.load(std::memory_order_relaxed);
    Table* fresh = make_table(buckets);
    std::vector<Door*> gone;
    used_ = 0;
    for (auto& bucket : old->buckets) {
      Door* door = bucket.load(std::memory_order_relaxed);
      if (door == nullptr) continue;
      if (keep(*door)) {
        place(*fresh, door);
        ++used_;
      } else {
        gone.push_back(door);
      }
    }
    table_.store(fresh, std::memory_order_seq_cst);
    epoch_.retire([old, gone = std::move(gone)] {
      for (Door* door : gone) delete door;
      delete old;
    });
    return fresh;
  }

  static void place(Table& table, Door* door) {
    std::size_t i = door->hash & table.mask;
    while (table.buckets[i].load(std::memory_order_relaxed) != nullptr) i = (i + 1) & table.mask;
    table.buckets[i].store(door, std::memory_order_relaxed);
  }

  Epoch& epoch_;
  std::atomic<Table*> table_{nullptr};
  std::size_t used_ = 0;
};

}  // namespace roost::pool
