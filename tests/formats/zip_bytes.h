#pragma once

#include <functional>
#include <string>
#include <vector>

#include "formats/expect_error.h"
#include "formats/zip.h"

namespace roost::test {

struct ZipParts {
  std::string name, data;
};

// What a test may bend before it is written.
struct ZipFields {
  std::string name;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc = 0;
  std::uint64_t stored = 0, size = 0, local = 0;
};
struct ZipBend {
  std::function<void(ZipFields&)> local = [](ZipFields&) {};
  std::function<void(ZipFields&)> central = [](ZipFields&) {};
  bool descriptors = false;
  bool zip64 = false;
  std::string before, between, after;
};

inline void header(Bytes& out, const ZipFields& fields, bool central) {
  out.u32(central ? 0x02014b50 : 0x04034b50);
  if (central) out.u16(0);
  out.u16(0).u16(fields.flags).u16(fields.method).u32(0).u32(fields.crc);
  out.u32(fields.stored).u32(fields.size).u16(fields.name.size()).u16(0);
  if (central) out.u16(0).u16(0).u16(0).u32(0).u32(fields.local);
  out.text(fields.name);
}

inline std::string zip_bytes(const std::vector<ZipParts>& parts, const ZipBend& bend = {}) {
  Bytes out, directory;
  out.text(bend.before);
  for (const ZipParts& part : parts) {
    ZipFields fields{part.name};
    fields.crc = formats::crc32(std::as_bytes(std::span(part.data)));
    fields.size = fields.stored = part.data.size();
    fields.local = out.size();
    if (bend.descriptors) fields.flags = 0x0808;
    ZipFields local = fields, central = fields;
    if (bend.descriptors) local.crc = 0, local.size = local.stored = 0;
    bend.local(local);
    bend.central(central);
    header(out, local, false);
    out.text(part.data);
    if (bend.descriptors) out.u32(0x08074b50).u32(fields.crc).u32(fields.size).u32(fields.size);
    header(directory, central, true);
  }
  out.text(bend.between);
  const std::size_t offset = out.size();
  out.text(directory.str());
  if (bend.zip64) {
    const std::size_t at = out.size();
    out.u32(0x06064b50).u64(44).u16(0).u16(0).u32(0).u32(0).u64(parts.size()).u64(parts.size());
    out.u64(directory.size()).u64(offset);
    out.u32(0x07064b50).u32(0).u64(at).u32(1);
    out.u32(0x06054b50).u16(0).u16(0).u16(0xFFFF).u16(0xFFFF).u32(0xFFFFFFFF).u32(0xFFFFFFFF);
  } else {
    out.u32(0x06054b50).u16(0).u16(0).u16(parts.size()).u16(parts.size());
    out.u32(directory.size()).u32(offset);
  }
  return out.u16(0).text(bend.after).str();
}

}  // namespace roost::test
