"""Valid files of each format, and where their numbers stand, for make_corpus.py to bend."""
import io
import json
import struct
import zipfile


class Bytes:
    """Bytes with the places of the numbers that say how long or how many something is."""

    def __init__(self):
        self.data = bytearray()
        self.fields = []  # (offset, width)

    def raw(self, data):
        self.data += data
        return self

    def number(self, value, width, counts=True):
        if counts:
            self.fields.append((len(self.data), width))
        self.data += value.to_bytes(width, "little")
        return self

    def text(self, text):
        data = text.encode()
        return self.number(len(data), 8).raw(data)


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def safetensors(header, data_bytes=16):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"\1" * data_bytes


GOOD_HEADER = {"__metadata__": {"format": "pt"}, "a": entry(), "b": entry(offsets=(8, 16))}


def gguf(pairs=None, tensors=None, data_bytes=None, version=3, alignment=32):
    pairs = GOOD_PAIRS if pairs is None else pairs
    tensors = GOOD_TENSORS if tensors is None else tensors
    out = Bytes().raw(b"GGUF").number(version, 4, False)
    out.number(len(tensors), 8).number(len(pairs), 8)
    for key, kind, value in pairs:
        out.text(key)
        pair_value(out, kind, value)
    for name, dims, kind, offset in tensors:
        out.text(name).number(len(dims), 4)
        for dim in dims:
            out.number(dim, 8)
        out.number(kind, 4, False).number(offset, 8, False)
    if tensors:
        out.raw(b"\0" * (-len(out.data) % alignment))
    out.raw(b"\1" * (128 if data_bytes is None else data_bytes))
    return out


def pair_value(out, kind, value):
    out.number(kind, 4, False)
    if kind == 8:
        out.text(value)
    elif kind == 9 and not isinstance(value, bytes):
        element, items = value
        out.number(element, 4, False).number(len(items), 8)
        for item in items:
            if element == 8:
                out.text(item)
            elif isinstance(item, bytes):
                out.raw(item)
            else:
                out.raw(struct.pack("<f" if element == 6 else "<i", item))
    else:
        out.raw(value if isinstance(value, bytes) else struct.pack("<I", value))


GOOD_PAIRS = [
    ("general.architecture", 8, "bert"),
    ("bert.block_count", 4, 2),
    ("tokenizer.ggml.tokens", 9, (8, ["[PAD]", "a"])),
    ("tokenizer.ggml.scores", 9, (6, [0.0, 1.0])),
    ("tokenizer.ggml.token_type", 9, (5, [3, 1])),
]
GOOD_TENSORS = [("a", [16], 0, 0), ("b", [16], 0, 64)]


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor_proto(data=field(9, b"\1" * 8), dims=(2,), kind=1, name="w"):
    return b"".join(field(1, n) for n in dims) + field(2, kind) + field(8, name) + data


def external(**entries):
    pairs = b"".join(field(13, field(1, k) + field(2, v)) for k, v in entries.items())
    return tensor_proto(pairs + field(14, 1))


NODE = field(1, field(1, "x") + field(2, "y") + field(4, "Relu"))


def onnx(graph=None, more=b"", version=8, opset=17):
    if graph is None:
        value = field(1, "x") + field(2, field(1, field(1, 1) + field(2, field(1, field(1, 4)))))
        graph = NODE + field(5, tensor_proto()) + field(11, value) + field(12, value)
    return (
        field(1, version) + field(2, "corpus") + field(7, graph) + more + field(8, field(2, opset))
    )


# Pickles by their opcodes.
def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value):
    return b"\x8a\x08" + struct.pack("<Q", value % 2**64)


def name(module, attribute):
    return b"c" + f"{module}\n{attribute}\n".encode()


def numbers(*values):
    return b"(" + b"".join(number(v) for v in values) + b"t"


def storage(kind="FloatStorage", key="0", elements=4):
    return (
        b"("
        + text("storage")
        + name("torch", kind)
        + text(key)
        + text("cpu")
        + number(elements)
        + b"tQ"
    )


def tensor(source=None, offset=0, shape=(4,), strides=(1,)):
    source = storage() if source is None else source
    return (
        name("torch._utils", "_rebuild_tensor_v2")
        + b"("
        + source
        + number(offset)
        + numbers(*shape)
        + numbers(*strides)
        + b"\x89"
        + name("collections", "OrderedDict")
        + b")RtR"
    )


def pickle(body, proto=b"\x80\x02", stop=b"."):
    return proto + body + stop


def state_dict(value=None):
    return pickle(b"}" + text("w") + (tensor() if value is None else value) + b"s")


def archive(entries=None, data=None, compression=zipfile.ZIP_STORED):
    if entries is None:
        entries = [
            ("m/data.pkl", state_dict() if data is None else data),
            ("m/byteorder", b"little"),
            ("m/data/0", b"\1" * 16),
            ("m/version", b"3\n"),
        ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as made:
        for entry_name, content in entries:
            info = zipfile.ZipInfo(entry_name)
            info.compress_type = compression
            made.writestr(info, content)
    return out.getvalue()
