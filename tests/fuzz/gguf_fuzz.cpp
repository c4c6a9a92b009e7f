#include "formats/gguf.h"
#include "fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const roost::formats::File file = roost::test::memory_file(data, size);
  return roost::test::refuse_or_read([&] {
    const roost::formats::GgufFile found = roost::formats::open_gguf(file);
    for (const auto& tensor : found.checkpoint.tensors) {
      if (tensor.offset + tensor.bytes > size) std::abort();
    }
    (void)roost::formats::gguf_config(found);
  });
}
