#include "formats/pickle_globals.h"

#include <array>

namespace roost::formats {
namespace {

using Global = PickleGlobal;

constexpr std::array kGlobals = {
    PickleGlobalFacts{"collections", "OrderedDict", Global::OrderedDict, Dtype::Unknown},
    PickleGlobalFacts{"torch", "Size", Global::Size, Dtype::Unknown},
    PickleGlobalFacts{"torch", "device", Global::Device, Dtype::Unknown},
    PickleGlobalFacts{"torch._utils", "_rebuild_tensor", Global::RebuildTensor, Dtype::Unknown},
    PickleGlobalFacts{"torch._utils", "_rebuild_tensor_v2", Global::RebuildTensorV2,
                      Dtype::Unknown},
    PickleGlobalFacts{"torch._utils", "_rebuild_tensor_v3", Global::RebuildTensorV3,
                      Dtype::Unknown},
    PickleGlobalFacts{"torch._utils", "_rebuild_parameter", Global::RebuildParameter,
                      Dtype::Unknown},
    PickleGlobalFacts{"torch", "FloatStorage", Global::Storage, Dtype::F32},
    PickleGlobalFacts{"torch", "DoubleStorage", Global::Storage, Dtype::F64},
    PickleGlobalFacts{"torch", "HalfStorage", Global::Storage, Dtype::F16},
    PickleGlobalFacts{"torch", "BFloat16Storage", Global::Storage, Dtype::BF16},
    PickleGlobalFacts{"torch", "LongStorage", Global::Storage, Dtype::I64},
    PickleGlobalFacts{"torch", "IntStorage", Global::Storage, Dtype::I32},
    PickleGlobalFacts{"torch", "ShortStorage", Global::Storage, Dtype::I16},
    PickleGlobalFacts{"torch", "CharStorage", Global::Storage, Dtype::I8},
    PickleGlobalFacts{"torch", "ByteStorage", Global::Storage, Dtype::U8},
    PickleGlobalFacts{"torch", "BoolStorage", Global::Storage, Dtype::Bool},
    PickleGlobalFacts{"torch", "ComplexFloatStorage", Global::Storage, Dtype::C64},
    PickleGlobalFacts{"torch", "ComplexDoubleStorage", Global::Storage, Dtype::C128},
    PickleGlobalFacts{"torch", "UntypedStorage", Global::UntypedStorage, Dtype::U8},
    PickleGlobalFacts{"torch.storage", "UntypedStorage", Global::UntypedStorage, Dtype::U8},
    PickleGlobalFacts{"torch", "float32", Global::DtypeName, Dtype::F32},
    PickleGlobalFacts{"torch", "float64", Global::DtypeName, Dtype::F64},
    PickleGlobalFacts{"torch", "float16", Global::DtypeName, Dtype::F16},
    PickleGlobalFacts{"torch", "bfloat16", Global::DtypeName, Dtype::BF16},
    PickleGlobalFacts{"torch", "int64", Global::DtypeName, Dtype::I64},
    PickleGlobalFacts{"torch", "int32", Global::DtypeName, Dtype::I32},
    PickleGlobalFacts{"torch", "int16", Global::DtypeName, Dtype::I16},
    PickleGlobalFacts{"torch", "int8", Global::DtypeName, Dtype::I8},
    PickleGlobalFacts{"torch", "uint8", Global::DtypeName, Dtype::U8},
    PickleGlobalFacts{"torch", "uint16", Global::DtypeName, Dtype::U16},
    PickleGlobalFacts{"torch", "uint32", Global::DtypeName, Dtype::U32},
    PickleGlobalFacts{"torch", "uint64", Global::DtypeName, Dtype::U64},
    PickleGlobalFacts{"torch", "bool", Global::DtypeName, Dtype::Bool},
    PickleGlobalFacts{"torch", "complex32", Global::DtypeName, Dtype::C32},
    PickleGlobalFacts{"torch", "complex64", Global::DtypeName, Dtype::C64},
    PickleGlobalFacts{"torch", "complex128", Global::DtypeName, Dtype::C128},
    PickleGlobalFacts{"torch", "float8_e4m3fn", Global::DtypeName, Dtype::F8_E4M3},
    PickleGlobalFacts{"torch", "float8_e5m2", Global::DtypeName, Dtype::F8_E5M2},
    PickleGlobalFacts{"torch", "float8_e4m3fnuz", Global::DtypeName, Dtype::F8_E4M3FNUZ},
    PickleGlobalFacts{"torch", "float8_e5m2fnuz", Global::DtypeName, Dtype::F8_E5M2FNUZ},
    PickleGlobalFacts{"torch", "float8_e8m0fnu", Global::DtypeName, Dtype::F8_E8M0},
};

struct OpcodeName {
  int opcode;
  std::string_view name;
};
constexpr std::array kOpcodes = {
    OpcodeName{'(', "MARK"},
    OpcodeName{'.', "STOP"},
    OpcodeName{'0', "POP"},
    OpcodeName{'1', "POP_MARK"},
    OpcodeName{'2', "DUP"},
    OpcodeName{'F', "FLOAT"},
    OpcodeName{'I', "INT"},
    OpcodeName{'J', "BININT"},
    OpcodeName{'K', "BININT1"},
    OpcodeName{'L', "LONG"},
    OpcodeName{'M', "BININT2"},
    OpcodeName{'N', "NONE"},
    OpcodeName{'P', "PERSID"},
    OpcodeName{'Q', "BINPERSID"},
    OpcodeName{'R', "REDUCE"},
    OpcodeName{'S', "STRING"},
    OpcodeName{'T', "BINSTRING"},
    OpcodeName{'U', "SHORT_BINSTRING"},
    OpcodeName{'V', "UNICODE"},
    OpcodeName{'X', "BINUNICODE"},
    OpcodeName{'a', "APPEND"},
    OpcodeName{'b', "BUILD"},
    OpcodeName{'c', "GLOBAL"},
    OpcodeName{'d', "DICT"},
    OpcodeName{'}', "EMPTY_DICT"},
    OpcodeName{'e', "APPENDS"},
    OpcodeName{'g', "GET"},
    OpcodeName{'h', "BINGET"},
    OpcodeName{'i', "INST"},
    OpcodeName{'j', "LONG_BINGET"},
    OpcodeName{'l', "LIST"},
    OpcodeName{']', "EMPTY_LIST"},
    OpcodeName{'o', "OBJ"},
    OpcodeName{'p', "PUT"},
    OpcodeName{'q', "BINPUT"},
    OpcodeName{'r', "LONG_BINPUT"},
    OpcodeName{'s', "SETITEM"},
    OpcodeName{'t', "TUPLE"},
    OpcodeName{')', "EMPTY_TUPLE"},
    OpcodeName{'u', "SETITEMS"},
    OpcodeName{'G', "BINFLOAT"},
    OpcodeName{'B', "BINBYTES"},
    OpcodeName{'C', "SHORT_BINBYTES"},
    OpcodeName{0x80, "PROTO"},
    OpcodeName{0x81, "NEWOBJ"},
    OpcodeName{0x82, "EXT1"},
    OpcodeName{0x83, "EXT2"},
    OpcodeName{0x84, "EXT4"},
    OpcodeName{0x85, "TUPLE1"},
    OpcodeName{0x86, "TUPLE2"},
    OpcodeName{0x87, "TUPLE3"},
    OpcodeName{0x88, "NEWTRUE"},
    OpcodeName{0x89, "NEWFALSE"},
    OpcodeName{0x8a, "LONG1"},
    OpcodeName{0x8b, "LONG4"},
    OpcodeName{0x8c, "SHORT_BINUNICODE"},
    OpcodeName{0x8d, "BINUNICODE8"},
    OpcodeName{0x8e, "BINBYTES8"},
    OpcodeName{0x8f, "EMPTY_SET"},
    OpcodeName{0x90, "ADDITEMS"},
    OpcodeName{0x91, "FROZENSET"},
    OpcodeName{0x92, "NEWOBJ_EX"},
    OpcodeName{0x93, "STACK_GLOBAL"},
    OpcodeName{0x94, "MEMOIZE"},
    OpcodeName{0x95, "FRAME"},
    OpcodeName{0x96, "BYTEARRAY8"},
    OpcodeName{0x97, "NEXT_BUFFER"},
    OpcodeName{0x98, "READONLY_BUFFER"},
};

}  // namespace

std::optional<std::size_t> find_pickle_global(std::string_view module, std::string_view name) {
  for (std::size_t i = 0; i < kGlobals.size(); ++i) {
    if (kGlobals[i].module == module && kGlobals[i].name == name) return i;
  }
  return std::nullopt;
}

const PickleGlobalFacts& pickle_global(std::size_t number) {
  return kGlobals[number];
}

std::string_view pickle_opcode_name(int opcode) {
  for (const OpcodeName& known : kOpcodes) {
    if (known.opcode == opcode) return known.name;
  }
  return "of an unknown byte";
}

}  // namespace roost::formats
