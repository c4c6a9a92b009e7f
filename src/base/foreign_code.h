#pragma once

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "roost/error.h"

namespace roost {

// Runs code that is not ours: a backend's, a model's, a source's. What it throws that is no
// RoostError becomes the one that `as_error(why)` makes.
template <class Work, class AsError>
decltype(auto) run_foreign(Work&& work, AsError&& as_error) {
  std::string why = "something unknown was thrown";
  try {
    return std::forward<Work>(work)();
  } catch (const RoostError&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw RoostError(ErrorCode::OutOfMemory, "the system has no memory left");
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {  // foreign code may throw anything
  }
  throw as_error(why);
}

}  // namespace roost
