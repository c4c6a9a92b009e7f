#include "engine/wait_graph.h"

#include <algorithm>

namespace roost {
namespace {

bool has(const WaitGraph::Slots& slots, pool::SlotId slot) {
  return std::find(slots.begin(), slots.end(), slot) != slots.end();
}

bool meet(const WaitGraph::Slots& some, const WaitGraph::Slots& others) {
  return std::any_of(some.begin(), some.end(),
                     [&](pool::SlotId slot) { return has(others, slot); });
}

}  // namespace

void WaitGraph::End::operator()(const Edge* edge) const {
  MutexLock lock(graph_.mutex_);
  graph_.edges_.remove_if([edge](const Edge& known) { return &known == edge; });
}

WaitGraph::Wait WaitGraph::begin(const Slots& inside, const Slots& wanted) {
  MutexLock lock(mutex_);
  if (meet(reached_from(wanted), inside)) return none();
  return Wait(&edges_.emplace_back(Edge{inside, wanted}), End(*this));
}

WaitGraph::Slots WaitGraph::waiting() const {
  Slots all;
  MutexLock lock(mutex_);
  for (const Edge& edge : edges_) {
    all.insert(all.end(), edge.inside.begin(), edge.inside.end());
  }
  return all;
}

// Those, and all that their code waits for.
WaitGraph::Slots WaitGraph::reached_from(Slots slots) const {
  for (bool grew = true; grew;) {
    grew = false;
    for (const Edge& edge : edges_) {
      if (!meet(edge.inside, slots)) continue;
      for (const pool::SlotId slot : edge.wanted) {
        if (has(slots, slot)) continue;
        slots.push_back(slot);
        grew = true;
      }
    }
  }
  return slots;
}

}  // namespace roost
