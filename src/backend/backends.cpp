#include "backend/backends.h"

#include "backend/builtin/lexical_backend.h"

namespace roost {

std::vector<std::shared_ptr<Backend>> default_backends() {
  return {std::make_shared<backend::LexicalBackend>()};
}

}  // namespace roost
