#include "formats/pickle.h"

#include "formats/pickle_bytes.h"

namespace roost::formats {
namespace {

using namespace test;  // the opcodes of a pickle read best without a qualifier

Pickled read(const std::string& bytes) {
  ByteReader reader(std::as_bytes(std::span(bytes)), "p");
  return read_pickle(reader);
}

const std::string kStorage = storage("HalfStorage", "0", 12);
const std::string kTensor = tensor(kStorage, 2, tuple({2, 3}), tuple({3, 1}));

TEST(Pickle, GathersTensorsOfDictsWithinDicts) {
  const Pickled pickled =
      read(pickle(ordered_dict() + "(" + text("a") + kTensor + text("in") + "}(" + text("b") +
                  kTensor + text("n") + number(7) + "u" + text("list") + "](" + kTensor + "N\x88" +
                  "eu}" + text("_metadata") + ordered_dict() + "sb"));
  ASSERT_EQ(pickled.tensors.size(), 3u);
  EXPECT_EQ(pickled.tensors[0].name, "a");
  EXPECT_EQ(pickled.tensors[1].name, "in.b");
  EXPECT_EQ(pickled.tensors[2].name, "list.0");
  EXPECT_EQ(pickled.tensors[0].shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(pickled.tensors[0].strides, (std::vector<std::uint64_t>{3, 1}));
  EXPECT_EQ(pickled.tensors[0].offset, 2u);
  EXPECT_EQ(pickled.tensors[0].dtype, Dtype::F16);
  EXPECT_EQ(pickled.storages[0].key, "0");
  EXPECT_EQ(pickled.storages[0].elements, 12u);
  EXPECT_EQ(pickled.root, "");
}

TEST(Pickle, AStateDictIsTheRoot) {
  const Pickled pickled = read(pickle("}(" + text("epoch") + number(3) + text("state_dict") + "}(" +
                                      text("w") + kTensor + "u" + text("other") + kTensor + "u"));
  ASSERT_EQ(pickled.tensors.size(), 1u);
  EXPECT_EQ(pickled.tensors[0].name, "w");
  EXPECT_EQ(pickled.root, "state_dict");
}

TEST(Pickle, ParametersSizesMemosAndBareTensors) {
  EXPECT_EQ(read(pickle(kTensor)).tensors[0].name, "tensor");
  const std::string parameter =
      global("torch._utils", "_rebuild_parameter") + "(" + kTensor + "\x88" + ordered_dict() + "tR";
  EXPECT_EQ(read(pickle(parameter)).tensors.size(), 1u);
  const std::string sized =
      tensor(kStorage, 0, global("torch", "Size") + tuple({4}) + "\x85R", tuple({1}));
  EXPECT_EQ(read(pickle(sized)).tensors[0].shape, std::vector<std::uint64_t>{4});
  const std::string memo = "}q" + std::string(1, '\0') + text("k") + "q\x01" + kTensor + "s0";
  expect_bad_file("POP", [&] { (void)read(pickle(memo)); });
  EXPECT_EQ(read(pickle("}" + text("k") + "q" + std::string(1, '\0') + kTensor + "s" + "h" +
                        std::string(1, '\0') + "\x86" + "\x85"))
                .tensors.size(),
            1u);
}

TEST(Pickle, Protocol4) {
  const std::string body = text("torch") + "\x94" + text("Size") + "\x93(" + number(1) + "t\x85R";
  EXPECT_EQ(
      read("\x80\x04" + Bytes().u8(0x95).u64(body.size() + 1).str() + body + ".").tensors.size(),
      0u);
}

TEST(Pickle, TypesOfTheirOwn) {
  const std::string bare = storage("UntypedStorage", "0", 6);
  const std::string v3 = global("torch._utils", "_rebuild_tensor_v3") + "(" + bare + number(0) +
                         tuple({6}) + tuple({1}) + "\x89" + ordered_dict() +
                         global("torch", "float8_e4m3fn") + "tR";
  EXPECT_EQ(read(pickle(v3)).tensors[0].dtype, Dtype::F8_E4M3);
}

struct BadCase {
  const char* name;
  std::string bytes;
  const char* words;
};
class BadPickleTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadPickleTest, IsRefused) {
  expect_bad_file(GetParam().words, [&] { (void)read(GetParam().bytes); });
}

std::string with(const std::string& opcodes) {
  return pickle(opcodes);
}
std::string put(std::uint64_t slot) {
  return Bytes().u8('r').u32(slot).str();
}

INSTANTIATE_TEST_SUITE_P(
    Machine, BadPickleTest,
    testing::Values(
        BadCase{"Empty", "", "does not begin with opcode PROTO"},
        BadCase{"NoProto", "}.", "does not begin with opcode PROTO"},
        BadCase{"Protocol1", "\x80\x01}.", "pickle protocol 1"},
        BadCase{"Protocol6", "\x80\x06}.", "pickle protocol 6"},
        BadCase{"SecondProto", with("\x80\x02}"), "opcode PROTO: it is not allowed"},
        BadCase{"NoStop", "\x80\x02}", "no STOP"},
        BadCase{"AfterStop", with("}") + "N", "something follows STOP"},
        BadCase{"TwoLeft", with("}}"), "more or less than one"},
        BadCase{"NoneLeft", with(""), "more or less than one"},
        BadCase{"MarkLeft", with("(}"), "more or less than one"},
        BadCase{"Underflow", with("\x86"), "opcode TUPLE2: the stack has too few"},
        BadCase{"UnderMark", with("}(s"), "too few"},
        BadCase{"NoMark", with("}t"), "there is no MARK"},
        BadCase{"UnknownByte", with("\xFF"), "unknown byte"},
        BadCase{"MemoFar", with("}" + put(std::uint64_t{1} << 31)),
                "opcode LONG_BINPUT: memo 2147483648"},
        BadCase{"MemoEmpty", with("h\x05"), "memo 5 is empty"},
        BadCase{"MemoHole", with("}" + put(9) + "h\x05"), "memo 5 is empty"},
        BadCase{"LongNumber", with(Bytes().u8(0x8a).u8(9).zeros(9).str()), "more than 8 bytes"},
        BadCase{"Long4", with(Bytes().u8(0x8b).u32(0x7FFFFFFF).str()), "opcode LONG4"},
        BadCase{"FrameLies", "\x80\x04" + Bytes().u8(0x95).u64(100).text("}.").str(),
                "opcode FRAME"},
        BadCase{"TextPastEnd", with(Bytes().u8('X').u32(1000).str()), "are left"},
        BadCase{"TextHuge", with(Bytes().u8('X').u32(0xFFFFFFFF).str()), "makes more"},
        BadCase{"AppendToDict", with("}Na"), "opcode APPEND: it appends to what is no list"},
        BadCase{"AppendToTuple", with(")Na"), "no list"},
        BadCase{"SetItemOfTensor", with(kTensor + text("k") + "Ns"),
                "opcode SETITEM: it sets an item of what is no dict"},
        BadCase{"SetItemOfList", with("]" + text("k") + "Ns"), "no dict"},
        BadCase{"OddItems", with("}(Nu"), "a key has no value"},
        BadCase{"KeyIsTuple", with("}()Nu"), "neither a text nor"},
        BadCase{"Deep",
                with("]" +
                     [] {
                       std::string s;
                       for (int i = 0; i < 40; ++i) s += "]";
                       for (int i = 0; i < 40; ++i) s += "a";
                       return s;
                     }()),
                "more than 32 deep"},
        BadCase{"SelfReference", with("]" + put(0) + "j" + std::string(4, '\0') + "a"),
                "more than 32 deep"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Objects, BadPickleTest,
    testing::Values(
        BadCase{"Import", with(global("os", "system") + text("id") + "\x85R"),
                "opcode GLOBAL: it wants to import 'os.system'"},
        BadCase{"Builtin", with(global("builtins", "eval")), "import 'builtins.eval'"},
        BadCase{"StackGlobal", with(text("posix") + text("system") + "\x93"),
                "opcode STACK_GLOBAL: it wants to import"},
        BadCase{"Dotted", with(text("collections") + text("OrderedDict.fromkeys") + "\x93"),
                "import"},
        BadCase{"Inst", with("(ios\nsystem\n"), "opcode INST"},
        BadCase{"Obj", with("(No"), "opcode OBJ"},
        BadCase{"NewObj", with(global("collections", "OrderedDict") + ")\x81"), "opcode NEWOBJ"},
        BadCase{"NewObjEx", with(global("collections", "OrderedDict") + ")}\x92"),
                "opcode NEWOBJ_EX"},
        BadCase{"Ext1", with("\x82\x01"), "opcode EXT1"},
        BadCase{"PersId", with("P0\n"), "opcode PERSID"},
        BadCase{"LongName", with("c" + std::string(300, 'a') + "\nb\n"), "more than 256"},
        BadCase{"CallsText", with(text("f") + ")R"), "calls what is no function"},
        BadCase{"CallsStorageType", with(global("torch", "FloatStorage") + ")R"),
                "which is no function"},
        BadCase{"CallsWithList", with(global("collections", "OrderedDict") + "]R"),
                "a tuple is missing"},
        BadCase{"DictOfSomething", with(global("collections", "OrderedDict") + "]\x85R"),
                "made of something"},
        BadCase{"BuildTensor", with(kTensor + "}b"), "opcode BUILD: it changes what is no dict"},
        BadCase{"BuildWithText", with("}" + text("x") + "b"), "no dict"},
        BadCase{"ParameterOfText",
                with(global("torch._utils", "_rebuild_parameter") + "(" + text("x") + "\x88NtR"),
                "no tensor"},
        BadCase{"NotAStorage", with("(" + text("module") + "NNNNtQ"), "no storage"},
        BadCase{"ShortId", with("(" + text("storage") + "tQ"), "no storage"},
        BadCase{"IdIsText", with(text("storage") + "Q"), "a tuple is missing"},
        BadCase{"KeyUp", with(storage("FloatStorage", "../0", 1)), "no key of a storage"},
        BadCase{"KeyEmpty", with(storage("FloatStorage", "", 1)), "no key of a storage"},
        BadCase{"NegativeElements", with(storage("FloatStorage", "0", UINT64_MAX)), "0 or more"},
        BadCase{"NegativeStride", with(tensor(kStorage, 0, tuple({1}), tuple({UINT64_MAX}))),
                "0 or more"},
        BadCase{"NegativeOffset", with(tensor(kStorage, UINT64_MAX, tuple({1}), tuple({1}))),
                "0 or more"},
        BadCase{"StridesMissing", with(tensor(kStorage, 0, tuple({1, 1}), tuple({1}))),
                "differ in length"},
        BadCase{"TensorOfText", with(tensor(text("x"), 0, tuple({1}), tuple({1}))),
                "something else than a storage"},
        BadCase{"FewArguments",
                with(global("torch._utils", "_rebuild_tensor_v2") + "(" + kStorage + "tR"),
                "something else than a storage"}),
    [](const auto& test) { return test.param.name; });

TEST(BadPickle, ObjectsAreLimitedByThePicklesSize) {
  std::string dicts = "](";
  dicts.append(300'000, '}');
  expect_bad_file("opcode EMPTY_DICT: ", [&] { (void)read(pickle(dicts + "e")); });
  std::string texts = "](";
  for (int i = 0; i < 150'000; ++i) texts += Bytes().u8(0x8c).u8(0).str() + "\x85";
  expect_bad_file("makes more objects than its size allows",
                  [&] { (void)read(pickle(texts + "e")); });
  std::string bomb = "]" + put(0);  // each list holds the one before twice
  for (std::uint64_t i = 0; i < 30; ++i) {
    const std::string again = Bytes().u8('j').u32(i).str();
    bomb += "](" + again + again + "e" + put(i + 1);
  }
  expect_bad_file("again and again", [&] { (void)read(pickle("](" + bomb + "e")); });
}

}  // namespace
}  // namespace roost::formats
