#include "text/models/trie.h"

#include <algorithm>
#include <array>

namespace roost::text {

// Places the children of one node after the other: a lone child in the first free slot, several
// where they fit within a short search that goes on where the last one gave up. Linear in the
// entries.
class Trie::Builder {
 public:
  Builder(Trie& trie, const std::vector<Entry>& entries) : trie_(trie), entries_(entries) {}

  void run() {
    trie_.nodes_.assign(kLabels + 1, Node{});
    used_.assign(trie_.nodes_.size(), false);
    used_[kRoot] = true;
    std::vector<Job> jobs = {{kRoot, 0, entries_.size(), 0}};
    while (!jobs.empty()) {
      const Job job = jobs.back();
      jobs.pop_back();
      expand(job, jobs);
    }
  }

 private:
  static constexpr std::size_t kLabels = 256;
  static constexpr std::size_t kSlotsTried = 64;
  struct Job {
    std::uint32_t node;
    std::size_t begin, end;  // of entries_
    std::size_t depth;
  };

  void expand(Job job, std::vector<Job>& jobs) {
    while (job.begin < job.end && entries_[job.begin].first.size() == job.depth) {
      if (trie_.nodes_[job.node].value == kNone) {
        trie_.nodes_[job.node].value = entries_[job.begin].second;
      }
      ++job.begin;
    }
    if (job.begin == job.end) return;
    labels_.clear();
    starts_.clear();
    for (std::size_t i = job.begin; i < job.end; ++i) {
      const auto label = static_cast<unsigned char>(entries_[i].first[job.depth]);
      if (!labels_.empty() && labels_.back() == label) continue;
      labels_.push_back(label);
      starts_.push_back(i);
    }
    starts_.push_back(job.end);
    const std::uint32_t base = place();
    trie_.nodes_[job.node].base = base;
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      const std::uint32_t child = base + labels_[i];
      used_[child] = true;
      trie_.nodes_[child].parent = job.node;
      jobs.push_back({child, starts_[i], starts_[i + 1], job.depth + 1});
    }
  }

  // A base whose slots for labels_ are free; the slots exist.
  std::uint32_t place() {
    const std::size_t first = labels_.front();
    if (labels_.size() == 1) {
      while (first_free_ < used_.size() && used_[first_free_]) ++first_free_;
      return make_room(first_free_ - first);
    }
    const std::size_t last = std::min(search_from_ + kSlotsTried, used_.size());
    for (std::size_t at = search_from_; at < last; ++at) {
      if (fits(at - first)) return make_room(at - first);
    }
    search_from_ = used_.size();
    return make_room(used_.size());
  }

  bool fits(std::size_t base) const {
    return std::all_of(labels_.begin(), labels_.end(), [&](unsigned char label) {
      return base + label >= used_.size() || !used_[base + label];
    });
  }

  // Every base has a slot for every label, so that step() needs no bound.
  std::uint32_t make_room(std::size_t base) {
    if (trie_.nodes_.size() < base + kLabels) {
      trie_.nodes_.resize(base + kLabels);
      used_.resize(base + kLabels, false);
    }
    return static_cast<std::uint32_t>(base);
  }

  Trie& trie_;
  const std::vector<Entry>& entries_;
  std::vector<bool> used_;
  std::vector<unsigned char> labels_;
  std::vector<std::size_t> starts_;
  std::size_t first_free_ = kLabels;   // no slot from kLabels on and before it is free
  std::size_t search_from_ = kLabels;  // before it no place for several labels is sought any more
};

Trie::Trie(std::vector<Entry> entries) : empty_(entries.empty()) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.first < b.first; });
  Builder(*this, entries).run();
}

std::uint32_t Trie::walk(std::uint32_t node, std::string_view bytes) const {
  for (const char byte : bytes) {
    if (node == kNone) return kNone;
    node = step(node, byte);
  }
  return node;
}

std::optional<Trie::Match> Trie::longest_prefix(std::string_view text, std::uint32_t node) const {
  Match best;
  for (std::size_t i = 0; node != kNone; ++i) {
    if (const std::uint32_t found = value(node); found != kNone) best = {found, i};
    if (i == text.size()) break;
    node = step(node, text[i]);
  }
  if (best.value == kNone) return std::nullopt;
  return best;
}

}  // namespace roost::text
