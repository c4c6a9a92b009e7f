#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "formats/file.h"
#include "roost/error.h"

namespace roost::test {

// A file of these bytes that is on no disk.
inline formats::File memory_file(const std::uint8_t* data, std::size_t size) {
  formats::Fd fd(::memfd_create("model", MFD_CLOEXEC));
  if (!fd.is_open() || ::write(fd.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
  return {std::move(fd), "model"};
}

// A reader may refuse, with the errors it promises; nothing else.
template <class Read>
int refuse_or_read(Read&& read) {
  try {
    read();
  } catch (const RoostError& error) {
    const bool promised = error.code() == ErrorCode::BadFile ||
                          error.code() == ErrorCode::Unsupported ||
                          error.code() == ErrorCode::IoError;
    if (!promised) std::abort();
  }
  return 0;
}

}  // namespace roost::test
