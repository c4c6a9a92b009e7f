#include "formats/zip.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/checked.h"
#include "formats/bytes.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50, kLocator64 = 0x07064b50, kDescriptor = 0x08074b50;
constexpr std::uint64_t kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20, kCentralBytes = 46;
constexpr std::uint16_t kHasDescriptor = 0x0008, kUtf8Names = 0x0800;
constexpr std::uint16_t kExtra64 = 0x0001;
constexpr std::size_t kMaxNameBytes = 1024;

struct Directory {
  std::uint64_t entries = 0, bytes = 0, offset = 0;
  std::uint64_t end = 0;  // where the records of the archive's end begin
};

// An entry as a header tells it; sizes of 2^32-1 stand in the extra field.
struct Header {
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc = 0;
  std::uint64_t stored = 0, size = 0, local = 0;
  std::string name;
};

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0xEDB88320u : 0u);
    table[i] = value;
  }
  return table;
}();

void expect_signature(ByteReader& bytes, std::uint32_t wanted, const char* what) {
  if (bytes.u32() != wanted) bytes.fail(std::string("no ") + what + " of a zip archive here");
}

Directory read_end64(const File& file, std::uint64_t locator) {
  ByteReader bytes(file, locator, locator + kLocatorBytes);
  expect_signature(bytes, kLocator64, "locator");
  const bool one_disk = bytes.u32() == 0;
  const std::uint64_t at = bytes.u64();
  if (!one_disk || bytes.u32() != 1) bytes.fail("the archive is split over several files");
  if (at > locator || locator - at != kEnd64Bytes) {
    bytes.fail("the zip64 record is not where its locator says");
  }
  ByteReader record(file, at, locator);
  expect_signature(record, kEnd64, "zip64 record");
  if (record.u64() != kEnd64Bytes - 12) record.fail("the zip64 record has a wrong size");
  record.skip(4);
  if (record.u32() != 0 || record.u32() != 0) record.fail("the archive is split");
  Directory found;
  found.entries = record.u64();
  if (record.u64() != found.entries) record.fail("the archive is split");
  found.bytes = record.u64();
  found.offset = record.u64();
  found.end = at;
  return found;
}

Directory read_end(const File& file) {
  if (file.size() < kEndBytes) bad_file(file.name(), 0, "too short for a zip archive");
  const std::uint64_t at = file.size() - kEndBytes;
  ByteReader bytes(file, at, file.size());
  expect_signature(bytes, kEnd, "end");
  if (bytes.u16() != 0 || bytes.u16() != 0) bytes.fail("the archive is split");
  Directory found;
  found.entries = bytes.u16();
  if (bytes.u16() != found.entries) bytes.fail("the archive is split");
  found.bytes = bytes.u32();
  found.offset = bytes.u32();
  found.end = at;
  if (bytes.u16() != 0) bytes.fail("the archive has a comment");
  const bool has64 = at >= kLocatorBytes + kEnd64Bytes &&
                     ByteReader(file, at - kLocatorBytes, at).u32() == kLocator64;
  if (has64) {
    const Directory large = read_end64(file, at - kLocatorBytes);
    const auto agrees = [](std::uint64_t small, std::uint64_t all_ones, std::uint64_t big) {
      return small == all_ones || small == big;
    };
    if (!agrees(found.entries, 0xFFFF, large.entries) ||
        !agrees(found.bytes, 0xFFFFFFFF, large.bytes) ||
        !agrees(found.offset, 0xFFFFFFFF, large.offset)) {
      bytes.fail("the two records of the archive's end differ");
    }
    found = large;
  }
  const auto end = checked_add(found.offset, found.bytes);
  if (end != found.end) bytes.fail("the directory does not end where the archive's end begins");
  if (found.entries > kMaxZipEntries || found.entries * kCentralBytes > found.bytes) {
    bytes.fail("the archive tells " + std::to_string(found.entries) + " entries");
  }
  return found;
}

// Takes the true sizes from the zip64 field, in its order, each only if the header has none.
void read_extra(ByteReader& bytes, std::uint16_t length, Header& header, bool has_offset) {
  std::uint64_t left = length;
  while (left >= 4) {
    const std::uint16_t id = bytes.u16();
    std::uint64_t size = bytes.u16();
    left -= 4;
    if (size > left) bytes.fail("an extra field is longer than its header says");
    left -= size;
    if (id == kExtra64) {
      const auto take = [&](std::uint64_t& field) {
        if (field != 0xFFFFFFFF || size < 8) return;
        field = bytes.u64();
        size -= 8;
      };
      take(header.size);
      take(header.stored);
      if (has_offset) take(header.local);
    }
    bytes.skip(size);
  }
  bytes.skip(left);
}

void read_common(ByteReader& bytes, Header& header) {
  header.flags = bytes.u16();
  header.method = bytes.u16();
  bytes.skip(4);  // when it was written
  header.crc = bytes.u32();
  header.stored = bytes.u32();
  header.size = bytes.u32();
}

Header read_central(ByteReader& bytes) {
  expect_signature(bytes, kCentral, "directory entry");
  bytes.skip(4);
  Header header;
  read_common(bytes, header);
  const std::uint16_t name = bytes.u16(), extra = bytes.u16(), comment = bytes.u16();
  if (bytes.u16() != 0) bytes.fail("the archive is split");
  bytes.skip(6);
  header.local = bytes.u32();
  header.name = bytes.text(name, kMaxNameBytes, "a name");
  read_extra(bytes, extra, header, true);
  bytes.skip(comment);
  return header;
}

void check_name(const Header& header, const ByteReader& bytes) {
  const std::string_view name = header.name;
  const auto bad = [&](const char* why) {
    bytes.fail("the entry '" + printable(name) + "' has a name that " + why);
  };
  if (name.empty()) bad("is empty");
  if (!is_utf8(name)) bad("is not UTF-8");
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == ':') bad("leads elsewhere");
  }
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") bad("leads elsewhere");
    begin = end + 1;
  }
}

void check_kind(const Header& header, const ByteReader& bytes) {
  check_name(header, bytes);
  const std::string entry = "the entry '" + printable(header.name) + "' ";
  if ((header.flags & ~(kHasDescriptor | kUtf8Names)) != 0) {
    bytes.fail(entry + "is encrypted or has flags that no checkpoint has");
  }
  if (header.method != 0) bytes.fail(entry + "is compressed; checkpoints are not: save it again");
  if (header.stored != header.size) bytes.fail(entry + "has two sizes");
}

// A checksum and two sizes after the data, of 4 or of 8 bytes each; there is no telling but by
// them.
void check_descriptor(ByteReader& bytes, const Header& central) {
  expect_signature(bytes, kDescriptor, "descriptor");
  if (bytes.u32() != central.crc) bytes.fail("a descriptor tells another checksum");
  const std::uint64_t low = bytes.u32(), high = bytes.u32();
  if (low == central.size && high == central.size) return;
  if (low + (high << 32) != central.size || bytes.u64() != central.size) {
    bytes.fail("a descriptor tells another size");
  }
}

// Where the entry's data end, its descriptor included.
std::uint64_t check_local(const File& file, const Header& central, const Directory& directory,
                          ZipEntry& entry) {
  ByteReader bytes(file, central.local, directory.offset, 512);
  expect_signature(bytes, kLocal, "entry");
  bytes.skip(2);
  Header local;
  read_common(bytes, local);
  const std::uint16_t name = bytes.u16(), extra = bytes.u16();
  local.name = bytes.text(name, kMaxNameBytes, "a name");
  read_extra(bytes, extra, local, false);
  const bool later = (local.flags & kHasDescriptor) != 0;
  const auto same = [later](std::uint64_t here, std::uint64_t there) {
    return here == there || (later && here == 0);
  };
  if (local.name != central.name || local.flags != central.flags ||
      local.method != central.method || !same(local.crc, central.crc) ||
      !same(local.stored, central.stored) || !same(local.size, central.size)) {
    bytes.fail("the entry '" + printable(central.name) + "' differs from the directory");
  }
  entry = {central.name, bytes.position(), central.size, central.crc};
  bytes.skip(central.size);
  if (later) check_descriptor(bytes, central);
  return bytes.position();
}

void check_unique(std::vector<ZipEntry>& entries, const File& file) {
  std::sort(entries.begin(), entries.end(),
            [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; });
  std::vector<std::string> folded;
  folded.reserve(entries.size());
  for (const ZipEntry& entry : entries) folded.push_back(lower_ascii(entry.name));
  std::sort(folded.begin(), folded.end());
  const auto twin = std::adjacent_find(folded.begin(), folded.end());
  if (twin != folded.end())
    bad_file(file.name(), "two entries are called '" + printable(*twin) + "'");
}

}  // namespace

bool is_zip(const File& file) {
  return file.size() >= kEndBytes && ByteReader(file, 0, 4).u32() == kLocal;
}

std::vector<ZipEntry> read_zip(const File& file) {
  const Directory directory = read_end(file);
  ByteReader bytes(file, directory.offset, directory.offset + directory.bytes);
  std::vector<ZipEntry> entries;
  std::uint64_t next = 0;  // entries lie in the order of the directory, one after the other
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    const Header header = read_central(bytes);
    check_kind(header, bytes);
    if (header.local != next) {
      bytes.fail("the entry '" + printable(header.name) + "' begins at " +
                 std::to_string(header.local) + ", not at " + std::to_string(next));
    }
    next = check_local(file, header, directory, entries.emplace_back());
  }
  if (!bytes.at_end()) bytes.fail("something follows the directory");
  if (next != directory.offset) bytes.fail("something lies between the entries and the directory");
  check_unique(entries, file);
  return entries;
}

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc) {
  crc = ~crc;
  for (const std::byte byte : bytes) {
    crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<std::uint32_t>(byte)) & 0xFF];
  }
  return ~crc;
}

void check_crc(const File& file, const ZipEntry& entry, const std::stop_token& stop) {
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(entry.size, 1 << 20)));
  std::uint32_t crc = 0;
  for (std::uint64_t done = 0; done < entry.size;) {
    const auto step =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), entry.size - done));
    const auto part = std::span(buffer).first(step);
    file.read_at(entry.offset + done, part, stop);
    crc = crc32(part, crc);
    done += step;
  }
  if (crc != entry.crc) {
    bad_file(file.name(), entry.offset,
             "the entry '" + printable(entry.name) +
                 "' is damaged: its checksum is wrong; fetch it again");
  }
}

}  // namespace roost::formats
