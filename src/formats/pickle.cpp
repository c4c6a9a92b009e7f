#include "formats/pickle.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "formats/pickle_globals.h"
#include "formats/pickle_objects.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

using Kind = PickleKind;
using Ref = PickleRef;

constexpr std::size_t kMaxStack = 262'144;
constexpr std::uint64_t kMaxMemo = 4'000'000;
constexpr std::uint64_t kMaxText = 1 << 20;

// The machine of pickle protocols 2 to 5, as far as tensors need it.
class Machine {
 public:
  explicit Machine(ByteReader& bytes)
      : bytes_(bytes), left_(3 * bytes.remaining() + (std::uint64_t{12} << 20)) {}

  Pickled run() {
    if (bytes_.peek() != 0x80) bytes_.fail("no pickle: it does not begin with opcode PROTO");
    bytes_.advance();
    const unsigned protocol = bytes_.u8();
    if (protocol < 2 || protocol > 5) fail("pickle protocol " + std::to_string(protocol));
    while (step()) {
    }
    if (!bytes_.at_end()) fail("something follows STOP");
    if (stack_.size() != 1 || !marks_.empty()) fail("STOP leaves more or less than one object");
    return gather_tensors(heap_, stack_.back(), bytes_);
  }

 private:
  bool step() {
    at_ = bytes_.position();
    opcode_ = bytes_.peek();
    if (opcode_ < 0) fail("there is no STOP");
    bytes_.advance();
    if (opcode_ == '.') return false;
    if (!scalar() && !memo() && !structure() && !object()) fail("it is not allowed here");
    return true;
  }

  bool scalar() {
    switch (opcode_) {
      case 'N':
        push({Kind::None, 0});
        return true;
      case 0x88:
        push({Kind::Bool, 1});
        return true;
      case 0x89:
        push({Kind::Bool, 0});
        return true;
      case 'J':
        push_int(bytes_.i32());
        return true;
      case 'K':
        push_int(bytes_.u8());
        return true;
      case 'M':
        push_int(bytes_.u16());
        return true;
      case 0x8a:
        push_int(long1());
        return true;
      case 'G':
        bytes_.skip(8);
        push({Kind::Float, 0});
        return true;
      case 'X':
      case 'T':
      case 'B':
        push_text(bytes_.u32());
        return true;
      case 0x8c:
      case 'U':
      case 'C':
        push_text(bytes_.u8());
        return true;
      case 0x95:
        frame();
        return true;
      default:
        return false;
    }
  }

  bool memo() {
    switch (opcode_) {
      case 'q':
        put(bytes_.u8());
        return true;
      case 'r':
        put(bytes_.u32());
        return true;
      case 0x94:
        put(memo_.size());
        return true;
      case 'h':
        get(bytes_.u8());
        return true;
      case 'j':
        get(bytes_.u32());
        return true;
      default:
        return false;
    }
  }

  bool structure() {
    switch (opcode_) {
      case '(':
        mark();
        return true;
      case ')':
        push_sequence({}, false);
        return true;
      case ']':
        push_sequence({}, true);
        return true;
      case '}':
        push_dict();
        return true;
      case 't':
        push_sequence(pop_to_mark(), false);
        return true;
      case 0x85:
        push_sequence(pop_many(1), false);
        return true;
      case 0x86:
        push_sequence(pop_many(2), false);
        return true;
      case 0x87:
        push_sequence(pop_many(3), false);
        return true;
      case 'a':
        append(pop_many(1));
        return true;
      case 'e':
        append(pop_to_mark());
        return true;
      case 's':
        set_items(pop_many(2));
        return true;
      case 'u':
        set_items(pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  bool object() {
    switch (opcode_) {
      case 'c': {
        const std::string module = line();
        push_global(module, line());
        return true;
      }
      case 0x93: {
        const std::string name = text(pop()), module = text(pop());
        push_global(module, name);
        return true;
      }
      case 'Q':
        persistent_id();
        return true;
      case 'R':
        reduce();
        return true;
      case 'b':
        build();
        return true;
      default:
        return false;
    }
  }

  // --- values ---

  void push(Ref ref) {
    if (stack_.size() == kMaxStack) fail("the stack is deeper than 262144");
    stack_.push_back(ref);
  }
  void push_int(std::int64_t value) { push({Kind::Int, static_cast<std::uint64_t>(value)}); }
  void push_text(std::uint64_t bytes) {
    charge(64 + bytes);
    heap_.texts.push_back(bytes_.text(bytes, kMaxText, "a text"));
    push({Kind::Text, heap_.texts.size() - 1});
  }
  void push_sequence(std::vector<Ref> items, bool is_list) {
    charge(48 + 16 * items.size());
    heap_.sequences.push_back({std::move(items), is_list});
    push({Kind::Sequence, heap_.sequences.size() - 1});
  }
  void push_dict() {
    charge(48);
    heap_.dicts.emplace_back();
    push({Kind::Dict, heap_.dicts.size() - 1});
  }

  std::int64_t long1() {
    const std::size_t bytes = bytes_.u8();
    if (bytes > 8) fail("a number of more than 8 bytes");
    std::uint64_t value = 0;
    std::uint8_t last = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      last = bytes_.u8();
      value |= std::uint64_t{last} << (8 * i);
    }
    if ((last & 0x80) != 0 && bytes < 8) value |= ~std::uint64_t{0} << (8 * bytes);
    return static_cast<std::int64_t>(value);
  }

  void frame() {
    if (bytes_.u64() > bytes_.remaining()) fail("the frame is longer than what is left");
  }

  Ref pop() { return pop_many(1).front(); }
  std::vector<Ref> pop_many(std::size_t count) {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() - floor < count) fail("the stack has too few objects");
    std::vector<Ref> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }
  void mark() {
    if (marks_.size() == kMaxStack) fail("more than 262144 marks");
    marks_.push_back(stack_.size());
  }
  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) fail("there is no MARK");
    std::vector<Ref> items = pop_many(stack_.size() - marks_.back());
    marks_.pop_back();
    return items;
  }
  Ref& top() {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() == floor) fail("the stack has too few objects");
    return stack_.back();
  }

  void put(std::uint64_t slot) {
    if (slot > kMaxMemo || slot > memo_.size() + 1'000) fail("memo " + std::to_string(slot));
    if (slot >= memo_.size()) {
      charge(32 * (slot + 1 - memo_.size()));
      memo_.resize(slot + 1, {Kind::Opaque, kEmptySlot});
    }
    memo_[slot] = top();
  }
  void get(std::uint64_t slot) {
    if (slot >= memo_.size() ||
        (memo_[slot].kind == Kind::Opaque && memo_[slot].value == kEmptySlot)) {
      fail("memo " + std::to_string(slot) + " is empty");
    }
    push(memo_[slot]);
  }

  void append(const std::vector<Ref>& items) {
    if (top().kind != Kind::Sequence || !heap_.sequences[top().value].is_list) {
      fail("it appends to what is no list");
    }
    charge(32 * items.size());
    auto& list = heap_.sequences[top().value].items;
    list.insert(list.end(), items.begin(), items.end());
  }
  void set_items(const std::vector<Ref>& items) {
    if (top().kind != Kind::Dict) fail("it sets an item of what is no dict");
    if (items.size() % 2 != 0) fail("a key has no value");
    charge(32 * items.size());
    auto& dict = heap_.dicts[top().value];
    for (std::size_t i = 0; i < items.size(); i += 2) dict.emplace_back(items[i], items[i + 1]);
  }

  // --- objects ---

  std::string line() {
    std::string out;
    for (int c = bytes_.u8(); c != '\n'; c = bytes_.u8()) {
      out += static_cast<char>(c);
      if (out.size() > 256) fail("a name of more than 256 bytes");
    }
    return out;
  }
  void push_global(const std::string& module, const std::string& name) {
    const auto number = find_pickle_global(module, name);
    if (!number) {
      fail("it wants to import '" + printable(module) + "." + printable(name) +
           "', which is not on the list of what checkpoints need: do not trust this file, or have "
           "it converted to safetensors where it comes from");
    }
    push({Kind::Global, *number});
  }

  const std::string& text(Ref ref) {
    if (ref.kind != Kind::Text) fail("a text is missing");
    return heap_.texts[ref.value];
  }
  const std::vector<Ref>& tuple(Ref ref) {
    if (ref.kind != Kind::Sequence || heap_.sequences[ref.value].is_list)
      fail("a tuple is missing");
    return heap_.sequences[ref.value].items;
  }
  std::uint64_t count(Ref ref) {
    if (ref.kind != Kind::Int || static_cast<std::int64_t>(ref.value) < 0) {
      fail("a number of 0 or more is missing");
    }
    return ref.value;
  }
  std::vector<std::uint64_t> counts(Ref ref) {
    const std::vector<Ref>& items = tuple(ref);
    if (items.size() > kMaxDimensions) fail("more than 64 dimensions");
    std::vector<std::uint64_t> out;
    out.reserve(items.size());
    for (const Ref item : items) out.push_back(count(item));
    return out;
  }

  // ("storage", class, key, where it was, elements)
  void persistent_id() {
    const std::vector<Ref> id = tuple(pop());
    const bool is_storage = (id.size() == 5 || (id.size() == 6 && id[5].kind == Kind::None)) &&
                            text(id[0]) == "storage" && id[1].kind == Kind::Global;
    if (!is_storage) fail("it refers to what is no storage");
    const PickleGlobalFacts& type = pickle_global(id[1].value);
    if (type.global != PickleGlobal::Storage && type.global != PickleGlobal::UntypedStorage) {
      fail("a storage has no type");
    }
    PickledStorage storage{text(id[2]), type.dtype, count(id[4])};
    (void)text(id[3]);
    const auto is_plain = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    if (storage.key.empty() || storage.key.size() > 64 ||
        !std::all_of(storage.key.begin(), storage.key.end(), is_plain)) {
      fail("'" + printable(storage.key) + "' is no key of a storage");
    }
    charge(sizeof(PickledStorage) * 2);
    heap_.storages.push_back(std::move(storage));
    push({Kind::Storage, heap_.storages.size() - 1});
  }

  void reduce() {
    const std::vector<Ref> arguments = tuple(pop());
    const Ref callee = pop();
    if (callee.kind != Kind::Global) fail("it calls what is no function");
    const PickleGlobalFacts& function = pickle_global(callee.value);
    switch (function.global) {
      case PickleGlobal::OrderedDict:
        if (!arguments.empty()) fail("an OrderedDict is made of something");
        return push_dict();
      case PickleGlobal::Size: {
        if (arguments.size() != 1) fail("a Size is made of more or less than one tuple");
        return push(arguments[0]);
      }
      case PickleGlobal::Device:
        return push({Kind::Opaque, 0});
      case PickleGlobal::RebuildParameter:
        if (arguments.size() != 3 || arguments[0].kind != Kind::Tensor) {
          fail("a parameter is made of what is no tensor");
        }
        return push(arguments[0]);
      case PickleGlobal::RebuildTensor:
        return rebuild_tensor(arguments, 4, 4, false);
      case PickleGlobal::RebuildTensorV2:
        return rebuild_tensor(arguments, 6, 7, false);
      case PickleGlobal::RebuildTensorV3:
        return rebuild_tensor(arguments, 7, 8, true);
      default:
        fail("it calls '" + std::string(function.name) + "', which is no function");
    }
  }

  // (storage, offset, shape, strides, needs gradient, hooks, [type], [metadata])
  void rebuild_tensor(const std::vector<Ref>& arguments, std::size_t least, std::size_t most,
                      bool has_dtype) {
    if (arguments.size() < least || arguments.size() > most || arguments[0].kind != Kind::Storage) {
      fail("a tensor is made of something else than a storage and its shape");
    }
    PickleHeap::Tensor tensor;
    tensor.storage = static_cast<std::uint32_t>(arguments[0].value);
    tensor.dtype = heap_.storages[tensor.storage].dtype;
    tensor.offset = count(arguments[1]);
    tensor.shape = counts(arguments[2]);
    tensor.strides = counts(arguments[3]);
    if (tensor.shape.size() != tensor.strides.size()) fail("shape and strides differ in length");
    if (has_dtype) {
      const Ref type = arguments[6];
      if (type.kind != Kind::Global ||
          pickle_global(type.value).global != PickleGlobal::DtypeName) {
        fail("a tensor has no type");
      }
      tensor.dtype = pickle_global(type.value).dtype;
    }
    charge(sizeof tensor + 32 * tensor.shape.size());
    heap_.tensors.push_back(std::move(tensor));
    push({Kind::Tensor, heap_.tensors.size() - 1});
  }

  // Attributes of a dict, "_metadata" mostly: nothing of a tensor.
  void build() {
    const Ref state = pop();
    if (top().kind != Kind::Dict || state.kind != Kind::Dict) fail("it changes what is no dict");
  }

  void charge(std::uint64_t bytes) {
    if (bytes > left_) fail("the pickle makes more objects than its size allows");
    left_ -= bytes;
  }

  [[noreturn]] void fail(const std::string& why) const {
    bytes_.fail_at(at_, "pickle opcode " + std::string(pickle_opcode_name(opcode_)) + ": " + why);
  }

  static constexpr std::uint64_t kEmptySlot = 1;

  ByteReader& bytes_;
  std::uint64_t left_;  // bytes that objects may still take
  std::uint64_t at_ = 0;
  int opcode_ = 0x80;
  PickleHeap heap_;
  std::vector<Ref> stack_, memo_;
  std::vector<std::size_t> marks_;
};

}  // namespace

Pickled read_pickle(ByteReader& bytes) {
  return Machine(bytes).run();
}

}  // namespace roost::formats
