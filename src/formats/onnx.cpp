#include "formats/onnx.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "formats/bytes.h"
#include "formats/onnx_tensor.h"
#include "formats/protobuf.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr std::uint64_t kMaxFile = 0x7FFFFFFF;  // what protobuf can hold
constexpr std::size_t kMaxValues = 65'536, kMaxOperators = 4'096, kMaxFunctions = 10'000;
constexpr std::size_t kMaxCalls = 100'000, kMaxFiles = 10'000;
constexpr std::size_t kMaxName = kMaxTensorNameBytes, kMaxProperty = 1 << 20;

class Reader {
 public:
  Reader(const Folder& folder, const File& file)
      : folder_(folder), file_(file), bytes_(file, 0, file.size()) {}

  OnnxModel read() {
    Proto model(bytes_);
    while (model.next()) {
      switch (model.field()) {
        case 1:
          out_.ir_version = model.integer();
          break;
        case 2:
          out_.producer = model.text(kMaxName, "the producer");
          break;
        case 7:
          read_main_graph(model.message());
          break;
        case 8:
          read_opset(model.message());
          break;
        case 14:
          read_property(model.message());
          break;
        case 25:
          read_function(model.message());
          break;
        default:
          model.skip();
      }
    }
    if (out_.ir_version < 1 || out_.ir_version > 1000) bytes_.fail("no version of ONNX's format");
    if (!has_graph_) bytes_.fail("the model has no graph");
    if (out_.opsets.empty()) bytes_.fail("the model names no operator set");
    check_calls();
    finish();
    return std::move(out_);
  }

 private:
  void read_main_graph(Proto graph) {
    if (std::exchange(has_graph_, true)) bytes_.fail("the model has two graphs");
    read_graph(graph, true);
  }

  void read_graph(Proto graph, bool is_main) {
    while (graph.next()) {
      switch (graph.field()) {
        case 1:
          read_node(graph.message(), nullptr);
          break;
        case 5: {
          OnnxTensor tensor = read_onnx_tensor(graph.message());
          if (is_main) keep(std::move(tensor));
          break;
        }
        case 11:
          read_value(graph.message(), is_main ? &out_.inputs : nullptr);
          break;
        case 12:
          read_value(graph.message(), is_main ? &out_.outputs : nullptr);
          break;
        default:
          graph.skip();
      }
    }
  }

  void keep(OnnxTensor tensor) {
    auto& tensors = out_.checkpoint.tensors;
    if (tensors.size() == kMaxTensors) bytes_.fail("more than 1000000 tensors");
    if (tensor.external) place_outside(tensor);
    tensors.push_back(std::move(tensor.info));
  }

  void place_outside(OnnxTensor& tensor) {
    const OnnxExternal& external = *tensor.external;
    tensor.info.file = outside(external.location);
    tensor.info.offset = external.offset;
    const auto end = checked_add(external.offset, tensor.info.bytes);
    const std::uint64_t size = files_[tensor.info.file - 1].size;
    if (external.length.value_or(tensor.info.bytes) != tensor.info.bytes || !end || *end > size) {
      bytes_.fail("tensor '" + printable(tensor.info.name) + "' of " +
                  std::to_string(tensor.info.bytes) + " bytes at " +
                  std::to_string(external.offset) + " does not fit '" +
                  printable(external.location) + "' or the length told");
    }
  }

  // The number of a file beside the model. It is opened to be looked at, once.
  std::uint32_t outside(const std::string& location) {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (files_[i].name == location) return static_cast<std::uint32_t>(i + 1);
    }
    if (files_.size() == kMaxFiles) bytes_.fail("more than 10000 files of external data");
    if (!is_inner_name(location)) {
      bytes_.fail("external data at '" + printable(location) + "', which is not in the folder");
    }
    const File file = folder_.file(location);
    if (file.hard_links() != 1) {
      bytes_.fail("external data in '" + printable(location) + "', which has a second name");
    }
    files_.push_back({location, file.size(), file.identity()});
    return static_cast<std::uint32_t>(files_.size());
  }

  // `calls` gathers the functions that it may call.
  void read_node(Proto node, std::vector<std::string>* calls) {
    std::string type, domain;
    while (node.next()) {
      switch (node.field()) {
        case 4:
          type = node.text(kMaxName, "an operator");
          break;
        case 5:
          read_attribute(node.message());
          break;
        case 7:
          domain = node.text(kMaxName, "a domain");
          break;
        default:
          node.skip();
      }
    }
    if (type.empty()) bytes_.fail("a node without an operator");
    ++out_.nodes;
    const std::string full = domain.empty() ? type : domain + "::" + type;
    ++out_.operators[full];
    if (out_.operators.size() > kMaxOperators) bytes_.fail("more than 4096 kinds of operators");
    if (calls != nullptr) {
      if (++calls_ > kMaxCalls) bytes_.fail("functions of more than 100000 nodes");
      calls->push_back(full);
    }
  }

  void read_attribute(Proto attribute) {
    while (attribute.next()) {
      switch (attribute.field()) {
        case 5:
        case 10:
          (void)read_onnx_tensor(attribute.message());
          break;
        case 6:
        case 11:
          read_graph(attribute.message(), false);
          break;
        default:
          attribute.skip();
      }
    }
  }

  void read_value(Proto message, std::vector<OnnxValue>* list) {
    OnnxValue value;
    value.is_tensor = false;
    while (message.next()) {
      if (message.field() == 1) {
        value.name = message.text(kMaxName, "a value's name");
      } else if (message.field() == 2) {
        Proto type = message.message();
        while (type.next()) {
          if (type.field() == 1) {
            read_tensor_type(type.message(), value);
          } else {
            type.skip();
          }
        }
      } else {
        message.skip();
      }
    }
    if (list == nullptr) return;
    if (list->size() == kMaxValues) bytes_.fail("more than 65536 inputs or outputs");
    list->push_back(std::move(value));
  }

  void read_tensor_type(Proto type, OnnxValue& value) {
    value.is_tensor = true;
    while (type.next()) {
      if (type.field() == 1) {
        value.dtype = onnx_dtype(type.integer());
      } else if (type.field() == 2) {
        Proto shape = type.message();
        while (shape.next()) {
          if (shape.field() == 1) {
            read_dimension(shape.message(), value);
          } else {
            shape.skip();
          }
        }
      } else {
        type.skip();
      }
    }
  }

  void read_dimension(Proto message, OnnxValue& value) {
    if (value.shape.size() == kMaxDimensions) bytes_.fail("more than 64 dimensions");
    OnnxDimension& dimension = value.shape.emplace_back();
    while (message.next()) {
      if (message.field() == 1) {
        const std::int64_t n = message.integer();
        if (n >= 0) dimension.value = static_cast<std::uint64_t>(n);  // some write -1 for unknown
      } else if (message.field() == 2) {
        dimension.name = message.text(kMaxName, "a dimension's name");
      } else {
        message.skip();
      }
    }
  }

  void read_opset(Proto message) {
    std::string domain;
    std::int64_t version = 0;
    while (message.next()) {
      if (message.field() == 1) {
        domain = message.text(kMaxName, "a domain");
      } else if (message.field() == 2) {
        version = message.integer();
      } else {
        message.skip();
      }
    }
    if (version < 1 || version > 1000)
      bytes_.fail("version " + std::to_string(version) + " of an operator set");
    if (!out_.opsets.emplace(std::move(domain), version).second)
      bytes_.fail("an operator set twice");
    if (out_.opsets.size() > kMaxOperators) bytes_.fail("more than 4096 operator sets");
  }

  void read_property(Proto message) {
    std::string key, value;
    while (message.next()) {
      if (message.field() == 1) {
        key = message.text(kMaxName, "a property's key");
      } else if (message.field() == 2) {
        value = message.text(kMaxProperty, "a property");
      } else {
        message.skip();
      }
    }
    if (out_.checkpoint.metadata.as_object().size() == kMaxValues)
      bytes_.fail("too many properties");
    out_.checkpoint.metadata[key] = std::move(value);
  }

  void read_function(Proto message) {
    std::string name, domain;
    std::vector<std::string> calls;
    while (message.next()) {
      switch (message.field()) {
        case 1:
          name = message.text(kMaxName, "a function's name");
          break;
        case 7:
          read_node(message.message(), &calls);
          break;
        case 10:
          domain = message.text(kMaxName, "a domain");
          break;
        default:
          message.skip();
      }
    }
    if (functions_.size() == kMaxFunctions) bytes_.fail("more than 10000 functions");
    const std::string full = domain.empty() ? name : domain + "::" + name;
    if (!functions_.emplace(full, std::move(calls)).second) {
      bytes_.fail("the function '" + printable(full) + "' is there twice");
    }
  }

  // Takes away functions whose calls are all of such as were taken away before.
  void check_calls() {
    std::map<std::string, std::vector<std::string>> callers;
    std::map<std::string, std::size_t> waiting;
    std::vector<std::string> free;
    for (const auto& function : functions_) {
      std::size_t inner = 0;
      for (const std::string& callee : function.second) {
        if (functions_.count(callee) == 0) continue;
        callers[callee].push_back(function.first);
        ++inner;
      }
      waiting[function.first] = inner;
      if (inner == 0) free.push_back(function.first);
    }
    std::size_t taken = 0;
    for (; !free.empty(); ++taken) {
      const std::string name = std::move(free.back());
      free.pop_back();
      for (const std::string& caller : callers[name]) {
        if (--waiting[caller] == 0) free.push_back(caller);
      }
    }
    if (taken != functions_.size()) bytes_.fail("a function calls itself, by others or at once");
  }

  void finish() {
    Checkpoint& checkpoint = out_.checkpoint;
    checkpoint.format = Format::Onnx;
    checkpoint.files = {{file_.name(), file_.size(), file_.identity()}};
    checkpoint.files.insert(checkpoint.files.end(), files_.begin(), files_.end());
    sort_by_name(checkpoint.tensors, file_.name());
    std::erase_if(out_.inputs,
                  [&](const OnnxValue& input) { return checkpoint.find(input.name) != nullptr; });
  }

  const Folder& folder_;
  const File& file_;
  ByteReader bytes_;
  OnnxModel out_;
  bool has_graph_ = false;
  std::vector<TensorFile> files_;  // of external data
  std::map<std::string, std::vector<std::string>> functions_;
  std::size_t calls_ = 0;
};

}  // namespace

// A model begins with its version and goes on with one of its few other fields.
bool is_onnx(const File& file) {
  if (file.size() < 4) return false;
  ByteReader bytes(file, 0, 4);
  if (bytes.u8() != 0x08) return false;
  const unsigned version = bytes.u8();
  const unsigned tag = bytes.u8();
  return version >= 1 && version < 100 && (tag & 7) == (tag == 0x28 ? 0 : 2) && tag >= 0x12 &&
         tag <= 0x42;
}

OnnxModel open_onnx(const Folder& folder, std::string_view name) {
  return open_onnx(folder, folder.file(name));
}

OnnxModel open_onnx(const Folder& folder, const File& file) {
  if (file.size() > kMaxFile) bad_file(file.name(), "more than 2 GiB, which no ONNX file can have");
  return Reader(folder, file).read();
}

}  // namespace roost::formats
