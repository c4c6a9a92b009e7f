#include "backend/backends.h"

#include "backend/builtin/lexical_backend.h"
#include "backend/native/native_backend.h"

namespace roost {

std::vector<std::shared_ptr<Backend>> default_backends() {
  return {std::make_shared<backend::LexicalBackend>(), std::make_shared<backend::NativeBackend>()};
}

}  // namespace roost
