#include "formats/safetensors_writer.h"

#include <cstring>

#include "formats/expect_error.h"
#include "formats/safetensors.h"

namespace roost::formats {
namespace {

using test::expect_error;
using test::FakeTree;

// Every byte of a tensor is the first letter of its name; in two calls.
void give(const TensorSpec& tensor, const ByteSink& sink) {
  const std::vector<std::byte> bytes(*byte_count(tensor.dtype, *element_count(tensor.shape)),
                                     static_cast<std::byte>(tensor.name[0]));
  sink(std::span(bytes).first(bytes.size() / 2));
  sink(std::span(bytes).subspan(bytes.size() / 2));
}

std::size_t files_in(const FakeTree& tree) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(tree.root()),
                                                std::filesystem::directory_iterator()));
}

TEST(SafetensorsWriter, WritesWhatTheReaderReads) {
  FakeTree tree;
  const std::string path = tree.root() / "m.safetensors";
  write_safetensors(path,
                    {{"half", Dtype::F16, {3}},
                     {"x\"\\\xC3\xBC", Dtype::F32, {2, 2}},
                     {"bits", Dtype::F4, {2}},
                     {"a", Dtype::F32, {}},
                     {"none", Dtype::F32, {0, 3}}},
                    Value::Object{{"format", "pt"}}, give);
  const Checkpoint checkpoint = open_safetensors(path);
  ASSERT_EQ(checkpoint.tensors.size(), 5u);
  EXPECT_EQ(checkpoint.metadata.to_json(), "{\"format\":\"pt\"}");
  EXPECT_EQ(checkpoint.find("a")->offset % 8, 0u);
  EXPECT_LT(checkpoint.find("x\"\\\xC3\xBC")->offset, checkpoint.find("half")->offset);
  const File file = File::open(path);
  for (const TensorInfo& tensor : checkpoint.tensors) {
    std::vector<std::byte> bytes(tensor.bytes);
    file.read_at(tensor.offset, bytes);
    for (const std::byte byte : bytes) EXPECT_EQ(byte, static_cast<std::byte>(tensor.name[0]));
  }
  EXPECT_EQ(files_in(tree), 1u);
}

TEST(SafetensorsWriter, ReplacesWhatWasThere) {
  FakeTree tree;
  tree.file("m", "old");
  const std::string path = tree.root() / "m";
  write_safetensors(path, {}, Value::Object{}, give);
  EXPECT_EQ(open_safetensors(path).tensors.size(), 0u);
  EXPECT_EQ(files_in(tree), 1u);
}

TEST(SafetensorsWriter, NothingIsLeftOfAFailure) {
  FakeTree tree;
  tree.file("m", "old");
  const std::string path = tree.root() / "m";
  const std::vector<TensorSpec> one = {{"a", Dtype::F32, {2}}};
  const std::array<std::byte, 9> bytes{};
  const auto write = [&](std::size_t count) {
    write_safetensors(path, one, Value::Object{}, [&](const TensorSpec&, const ByteSink& sink) {
      sink(std::span(bytes).first(count));
    });
  };
  expect_error(ErrorCode::InvalidArgument, "1 bytes are missing of tensor 'a'", [&] { write(7); });
  expect_error(ErrorCode::InvalidArgument, "too many bytes", [&] { write(9); });
  expect_error(ErrorCode::Cancelled, "stop", [&] {
    write_safetensors(path, one, Value::Object{},
                      [](const TensorSpec&, const ByteSink&) { throw CancelledException("stop"); });
  });
  EXPECT_EQ(files_in(tree), 1u);
  EXPECT_EQ(read_text(File::open(path), 10), "old");
  expect_error(ErrorCode::IoError, "No such file",
               [&] { write_safetensors(tree.root() / "no/m", {}, Value::Object{}, give); });
}

TEST(SafetensorsWriter, WhatTheFormatCannotSayIsRefused) {
  FakeTree tree;
  const std::string path = tree.root() / "m";
  const std::vector<TensorSpec> bad[] = {
      {{"a", Dtype::Q4_0, {32}}},
      {{"a", Dtype::Unknown, {1}}},
      {{"a", Dtype::F4, {3}}},
      {{"a", Dtype::F32, {std::uint64_t{1} << 63}}},
      {{"__metadata__", Dtype::F32, {1}}},
      {{"\xFC", Dtype::F32, {1}}},
      {{"a\n", Dtype::F32, {1}}},
      {{"a", Dtype::F32, {1}}, {"b", Dtype::F16, {1}}, {"a", Dtype::F16, {1}}},
      {{"a", Dtype::U8, {UINT64_MAX}}, {"b", Dtype::U8, {1}}}};
  for (const auto& tensors : bad) {
    expect_error(ErrorCode::InvalidArgument, "writing safetensors",
                 [&] { write_safetensors(path, tensors, Value::Object{}, give); });
  }
  expect_error(ErrorCode::InvalidArgument, "the metadata 'n' is no text", [&] {
    write_safetensors(path, {}, Value::Object{{"n", 1}}, give);
  });
  EXPECT_EQ(files_in(tree), 0u);
}

}  // namespace
}  // namespace roost::formats
