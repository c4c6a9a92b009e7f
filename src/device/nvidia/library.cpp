#include "device/nvidia/library.h"

#include <dlfcn.h>

namespace roost::device::nvidia {

void* SystemLibraries::open(const char* name, std::string& why_not) const {
  void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* error = ::dlerror();
    why_not = error != nullptr ? error : "unknown reason";
  }
  return library;
}

void* SystemLibraries::symbol(void* library, const char* name) const {
  return ::dlsym(library, name);
}

}  // namespace roost::device::nvidia
