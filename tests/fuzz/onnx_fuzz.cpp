#include "formats/onnx.h"
#include "fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const roost::formats::Folder empty = roost::formats::Folder::open("/proc/self/task");
  const roost::formats::File file = roost::test::memory_file(data, size);
  return roost::test::refuse_or_read([&] {
    (void)roost::formats::is_onnx(file);
    const roost::formats::OnnxModel found = roost::formats::open_onnx(empty, file);
    for (const auto& tensor : found.checkpoint.tensors) {
      if (tensor.contiguous && tensor.bytes > 0 && tensor.offset + tensor.bytes > size)
        std::abort();
    }
  });
}
