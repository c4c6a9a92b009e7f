#include "formats/pickle.h"
#include "fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  roost::formats::ByteReader bytes({reinterpret_cast<const std::byte*>(data), size}, "pickle");
  return roost::test::refuse_or_read([&] { (void)roost::formats::read_pickle(bytes); });
}
