#include "formats/config.h"
#include "formats/json_scanner.h"
#include "fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  roost::test::refuse_or_read([&] { (void)roost::formats::parse_config(text, "config.json"); });
  roost::test::refuse_or_read(
      [&] { (void)roost::formats::parse_tokenizer_config(text, "t.json"); });
  roost::formats::ByteReader bytes({reinterpret_cast<const std::byte*>(data), size}, "json");
  return roost::test::refuse_or_read([&] {
    roost::formats::JsonScanner json(bytes);
    json.skip_value();
    json.end(false);
  });
}
