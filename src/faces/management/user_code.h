#pragma once

#include <exception>
#include <new>
#include <stop_token>
#include <string>

#include "faces/management/part_of.h"
#include "roost/error.h"

namespace roost::faces {

struct UserCall {
  const std::string& model;
  const char* function;
  ErrorCode failed;  // what an exception that is not ours becomes
};

[[noreturn]] void throw_user_failure(const UserCall& call, ErrorCode code, const std::string& why);

// While a user's code runs, its thread is PartOf this: it may be inside a manager's gate.
inline constexpr char kUserCode = 0;

// Calls into a user's code. A RoostError goes through as it is, anything else becomes a typed
// error that names the model and the function. Whatever is thrown once `stop` has fired is a
// cancellation.
template <class F>
void call_user(const UserCall& call, const std::stop_token& stop, F&& f) {
  std::string why;
  ErrorCode code = call.failed;
  const PartOf mark(&kUserCode);
  try {
    f();
    return;
  } catch (const RoostError& error) {
    if (!stop.stop_requested()) throw;
  } catch (const std::bad_alloc&) {
    code = ErrorCode::OutOfMemory;
    why = "there was no memory";
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {
    why = "it threw something that is no std::exception";
  }
  throw_user_failure(call, stop.stop_requested() ? ErrorCode::Cancelled : code, why);
}

// For user code whose failure changes nothing for who asked.
template <class F>
bool call_user_quietly(F&& f) noexcept {
  const PartOf mark(&kUserCode);
  try {
    f();
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace roost::faces
