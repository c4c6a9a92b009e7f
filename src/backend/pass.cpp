#include "backend/pass.h"

#include <algorithm>
#include <new>

#include "roost/error.h"

namespace roost::backend {

void Pass::begin(Task task, const PassLimits& limits) {
  task_ = task;
  limits_ = limits;
  items_.clear();
  sequences_.clear();
  tokens_ = 0;
  full_ = false;
  smooth_ = true;
  out_of_memory_ = 0;
}

bool Pass::take(Request& request) {
  const std::size_t first = sequences_.size();
  const std::size_t from = request.begun;
  while (request.begun < request.sequences.size() && !full_) {
    const Sequence& next = request.sequences[request.begun];
    const std::uint64_t tokens = std::max<std::uint64_t>(next.ids.size(), 1);
    full_ = sequences_.size() >= limits_.sequences() ||
            (!sequences_.empty() && tokens_ + tokens > limits_.tokens());
    if (full_) break;
    sequences_.push_back(&next);
    tokens_ += tokens;
    ++request.begun;
  }
  if (request.begun == from) return false;
  items_.push_back({&request, first, request.begun - from, nullptr});
  return true;
}

void Pass::execute(Model& model) noexcept {
  if (items_.size() > 1 && run_packed(model)) return;
  for (Item& item : items_) run_alone(model, item);
}

bool Pass::run_packed(Model& model) noexcept {
  try {
    shared_.resize(sequences_.size() * items_.front().request->width);
    run(model, sequences_, shared_, {});
    hand_out();
    return true;
  } catch (...) {  // whose fault it was shows when each runs alone
    smooth_ = false;
    return false;
  }
}

void Pass::run_alone(Model& model, Item& item) noexcept {
  const Request& request = *item.request;
  const std::size_t from = request.begun - item.count;
  try {
    run(model, std::span(sequences_).subspan(item.first, item.count),
        request.outputs.subspan(from * request.width, item.count * request.width), request.stop);
  } catch (...) {
    smooth_ = false;
    item.error = std::current_exception();
  }
}

void Pass::run(Model& model, std::span<const Sequence* const> sequences, std::span<float> outputs,
               const std::stop_token& stop) {
  const std::size_t width = items_.front().request->width;
  while (!sequences.empty()) {
    const std::size_t size = std::min(sequences.size(), limits_.sequences());
    try {
      model.run({task_, sequences.first(size), outputs.first(size * width)}, stop);
    } catch (const RoostError& error) {
      if (error.code() != ErrorCode::OutOfMemory || !can_run_smaller(model, size)) throw;
      continue;
    } catch (const std::bad_alloc&) {
      if (!can_run_smaller(model, size)) throw;
      continue;
    }
    limits_.succeeded();
    sequences = sequences.subspan(size);
    outputs = outputs.subspan(size * width);
  }
}

bool Pass::can_run_smaller(Model& model, std::size_t sequences) {
  smooth_ = false;
  ++out_of_memory_;
  if (!limits_.shrink(sequences)) return false;
  model.trim();
  return true;
}

void Pass::hand_out() {
  for (const Item& item : items_) {
    if (item.error) continue;
    const Request& request = *item.request;
    const std::size_t from = (request.begun - item.count) * request.width;
    std::copy_n(shared_.begin() + static_cast<std::ptrdiff_t>(item.first * request.width),
                item.count * request.width,
                request.outputs.begin() + static_cast<std::ptrdiff_t>(from));
  }
}

}  // namespace roost::backend
