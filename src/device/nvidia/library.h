#pragma once

#include <string>

namespace roost::device::nvidia {

// How libraries are opened. Tests count the attempts and put functions of their own behind it.
class LibraryLoader {
 public:
  virtual ~LibraryLoader() = default;
  virtual void* open(const char* name, std::string& why_not) const = 0;  // nullptr if it fails
  virtual void* symbol(void* library, const char* name) const = 0;       // nullptr if absent
};

// dlopen with RTLD_NOW | RTLD_LOCAL. Never closes: the driver cannot be unloaded safely.
class SystemLibraries final : public LibraryLoader {
 public:
  void* open(const char* name, std::string& why_not) const override;
  void* symbol(void* library, const char* name) const override;
};

}  // namespace roost::device::nvidia
