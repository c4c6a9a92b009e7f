#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "formats/file.h"

namespace roost::formats {

inline constexpr std::size_t kMaxZipEntries = 200'000;

struct ZipEntry {
  std::string name;
  std::uint64_t offset = 0;  // of its first byte in the file
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
};

// By content: begins like an archive.
bool is_zip(const File& file);

// The entries of an archive, sorted by name, in the strictest reading: nothing before the first, no
// gap between them, none of them compressed, encrypted or split; local headers say what the central
// directory says; the archive ends where the file ends. Names are relative, unique also without
// regard to case, and lead nowhere. Throws BadFile otherwise. Reads no entry's data.
std::vector<ZipEntry> read_zip(const File& file);

// Throws BadFile unless the entry's bytes have its checksum.
void check_crc(const File& file, const ZipEntry& entry, const std::stop_token& stop = {});

// CRC-32 of zip, going on from `crc`, which is 0 at first.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc = 0);

}  // namespace roost::formats
