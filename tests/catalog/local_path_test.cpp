#include "catalog/local_path.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace roost::catalog {
namespace {

namespace fs = std::filesystem;

TEST(LocalPath, IsToldByItsLooks) {
  for (const char* path : {"/x", "./x", "../x", "file:/x", ".", ".."}) {
    EXPECT_TRUE(looks_like_path(path)) << path;
  }
  for (const char* name : {"x", "a/b", ".hidden", "..x", "hf:a/b", ""}) {
    EXPECT_FALSE(looks_like_path(name)) << name;
  }
}

TEST(LocalPath, IsWhatLiesThere) {
  std::string root = (fs::temp_directory_path() / "roost-local-path-XXXXXX").string();
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  std::ofstream(root + "/model.bin") << "x";
  EXPECT_EQ(find_local_path(root), root);
  EXPECT_EQ(find_local_path(root + "/"), root);
  EXPECT_EQ(find_local_path("file:" + root + "/./model.bin"), root + "/model.bin");
  EXPECT_EQ(find_local_path(root + "/none"), std::nullopt);
  EXPECT_EQ(find_local_path(""), std::nullopt);
  EXPECT_EQ(find_local_path("file:"), std::nullopt);
  EXPECT_EQ(find_local_path(std::string_view("/tmp\0x", 6)), std::nullopt);
  EXPECT_EQ(find_local_path("/dev/null"), std::nullopt);  // neither a file nor a folder
  EXPECT_EQ(find_local_path("/" + std::string(5000, 'a')), std::nullopt);
  fs::remove_all(root);
}

}  // namespace
}  // namespace roost::catalog
