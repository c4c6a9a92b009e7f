#include "formats/safetensors.h"
#include "fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const roost::formats::File file = roost::test::memory_file(data, size);
  return roost::test::refuse_or_read([&] {
    (void)roost::formats::is_safetensors(file);
    const roost::formats::Checkpoint found = roost::formats::open_safetensors(file);
    for (const auto& tensor : found.tensors) {
      if (tensor.offset + tensor.bytes > size || found.find(tensor.name) != &tensor) std::abort();
    }
  });
}
