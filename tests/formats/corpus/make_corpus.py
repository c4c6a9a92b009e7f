#!/usr/bin/env python3
"""Writes bad files, at least one for each row of what readers must refuse, into a new folder.

make_corpus.py FOLDER prints a line per case: expected code, format, path in FOLDER. The code "ok"
marks the few good ones, which show that the readers read at all. Uses the standard library only.
"""
import json
import os
import pathlib
import random
import struct
import sys

import formats as f
import zips

EDGES = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1]


class Corpus:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.count = 0

    def place(self, kind, name):
        self.count += 1
        path = self.folder / f"{self.count:04}_{kind}_{name}"
        path.mkdir()
        return path

    def tell(self, code, kind, path):
        print(code, kind, path.relative_to(self.folder), sep="\t")

    def add(self, kind, name, data, code="bad_file", /, **beside):
        """One file, called "model", and others beside it."""
        place = self.place(kind, name)
        (place / "model").write_bytes(data)
        for other, content in beside.items():
            (place / other.replace("__", "/")).parent.mkdir(parents=True, exist_ok=True)
            (place / other.replace("__", "/")).write_bytes(content)
        self.tell(code, kind, place / "model")
        return place


def common(corpus, kind, good, header_bytes, trailing=True):
    """What every binary format refuses: cuts, additions, bent numbers."""
    corpus.add(kind, "good", good, "ok")
    for size in range(min(65, len(good))):
        corpus.add(kind, f"first_{size}", good[:size])
    for size in range(65, header_bytes, 3):
        corpus.add(kind, f"cut_{size}", good[:size])
    dice = random.Random(7)
    for size in sorted(dice.sample(range(header_bytes, len(good)), min(20, len(good) - header_bytes))):
        corpus.add(kind, f"cut_{size}", good[:size])
    if trailing:
        for more in (1, 33, 4096):
            corpus.add(kind, f"more_{more}", good + b"\0" * more)
    for magic in (b"GGUF", b"PK\3\4", b"\x80\2", b"\x08\x08"):
        if not good.startswith(magic):
            corpus.add(kind, f"magic_{magic.hex()}", magic + good[len(magic):])


def bend_numbers(corpus, kind, good, fields):
    for at, width in fields:
        value = int.from_bytes(good[at:at + width], "little")
        for edge in sorted({*EDGES, len(good) - 1, len(good), len(good) + 1} - {value}):
            if edge < 256**width:
                bent = good[:at] + edge.to_bytes(width, "little") + good[at + width:]
                corpus.add(kind, f"number_{at}_{edge}", bent)


def special_files(corpus, kind, good):
    place = corpus.place(kind, "link")
    (place / "real").write_bytes(good)
    (place / "model").symlink_to("real")
    corpus.tell("bad_file", kind, place / "model")
    place = corpus.place(kind, "fifo")
    os.mkfifo(place / "model")
    corpus.tell("bad_file", kind, place / "model")
    place = corpus.place(kind, "folder")
    (place / "model").mkdir()
    corpus.tell("bad_file", kind, place / "model")
    place = corpus.place(kind, "absent")
    corpus.tell("io_error", kind, place / "model")
    place = corpus.add(kind, "sparse", good)
    os.truncate(place / "model", 2**40)


def safetensors(corpus):
    kind = "safetensors"
    good = f.safetensors(f.GOOD_HEADER)
    common(corpus, kind, good, len(good) - 16)
    bend_numbers(corpus, kind, good, [(0, 8)])
    special_files(corpus, kind, good)
    corpus.add(kind, "header_100000001", (100_000_001).to_bytes(8, "little") + b"{}")
    e = f.entry

    def header(name, value, data=16, code="bad_file"):
        corpus.add(kind, name, f.safetensors(value, data), code)

    raw = json.dumps(f.GOOD_HEADER).encode()
    one = json.dumps(e(offsets=(0, 16), shape=(4,))).encode()
    header("ok_spaces", raw + b"   ", code="ok")
    header("ok_zero", {"z": e(shape=(0,), offsets=(0, 0)), "a": e(shape=(4,), offsets=(0, 16))}, code="ok")
    header("ok_scalar", {"a": e(shape=(), offsets=(0, 4))}, 4, "ok")
    header("ok_unknown_dtype", {"a": e("F3_NEW", (5,), (0, 16))}, code="ok")
    for name, text in {
        "bom": b"\xef\xbb\xbf" + raw, "space_first": b" " + raw, "tab_after": raw + b"\t", "array": b"[]",
        "text": b'"x"', "not_json": b"{a:1}", "not_utf8": b'{"\xff":' + one + b"}", "trailing": raw + b"{}",
        "nul": b'{"a\\u0000":' + one + b"}", "bare_nul": b'{"a\0":' + one + b"}",
        "lone_surrogate": b'{"\\ud800":' + one + b"}", "twice": b'{"a":' + one + b',"a":' + one + b"}",
        "metadata_twice": b'{"__metadata__":{},"__metadata__":{},"a":' + one + b"}",
        "metadata_key_twice": b'{"__metadata__":{"a":"","a":""},"b":' + one + b"}",
        "metadata_number": b'{"__metadata__":{"a":1},"b":' + one + b"}",
        "metadata_null": b'{"__metadata__":null,"b":' + one + b"}",
        "comma": b'{"a":' + one + b",}", "deep": b"[" * 10_000, "deep_objects": b'{"a":' * 10_000,
        "field_twice": b'{"a":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}}',
        "more_fields": b'{"a":{"dtype":"F32","x":1,"shape":[4],"data_offsets":[0,16]}}',
        "offset_float": b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16.0]}}',
        "offset_1e400": b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,1e400]}}',
        "offset_text": b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,"16"]}}',
        "shape_float": b'{"a":{"dtype":"F32","shape":[4.0],"data_offsets":[0,16]}}',
        "shape_nan": b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,16]}}',
        "number_2_64": b'{"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,16]}}',
    }.items():
        header(name, text)
    for name, offsets in {"negative": (-8, 8), "reversed": (16, 0), "late": (4, 16), "short": (0, 12),
                          "beyond": (0, 20), "huge": (0, 2**63), "wraps": (2**64 - 8, 8)}.items():
        header(f"offsets_{name}", {"a": e(shape=(4,), offsets=offsets)})
    header("gap", {"a": e(offsets=(0, 8)), "b": e(offsets=(12, 20))}, 20)
    header("overlap", {"a": e(offsets=(0, 8)), "b": e(offsets=(4, 12))}, 12)
    header("same_place", {"a": e(offsets=(0, 8)), "b": e(offsets=(0, 8))}, 8)
    header("bomb", {f"t{i}": e(shape=(4,), offsets=(0, 16)) for i in range(1000)})
    for name, shape in {"negative": (-4,), "product": (2**32, 2**32), "bytes": (2**62,), "dims_5000": (1,) * 5000,
                        "mismatch": (5,)}.items():
        header(f"shape_{name}", {"a": e(shape=shape, offsets=(0, 16))})
    for dtype in ("F4", "F6_E2M3", "F6_E3M2"):
        header(f"odd_{dtype}", {"a": e(dtype, (5,), (0, 4))}, 4)
    for dtype in ("F64", "F16", "BOOL", "I64", "C64"):
        header(f"mismatch_{dtype}", {"a": e(dtype, (4,), (0, 16))})
    header("name_1mb", {"a" * 2**20: e(shape=(4,), offsets=(0, 16))})
    header("name_control", {"a\x1b[2J": e(shape=(4,), offsets=(0, 16))})
    tiny = ",".join(f'"{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for i in range(1_000_001))
    header("tensors_1000001", b"{" + tiny.encode() + b"}", 0)
    for name, tail in {"zip": f.archive(), "gguf": bytes(f.gguf().data)}.items():
        corpus.add(kind, f"polyglot_{name}", good + tail)


def index(corpus):
    kind = "index"
    first = f.safetensors({"a": f.entry(), "b": f.entry(offsets=(8, 16))})
    second = f.safetensors({"c": f.entry()}, 8)
    places = {"a": "first", "b": "first", "c": "second"}

    def add(name, weight_map, code="bad_file", metadata=None, raw=None, second=second):
        text = raw or json.dumps({"metadata": metadata or {}, "weight_map": weight_map}).encode()
        return corpus.add(kind, name, text, code, first=first, second=second, sub__first=first)

    add("good", places, "ok", {"total_size": 24})
    add("missing", {**places, "c": "third"}, "io_error")
    for name, shard in {"up": "../first", "absolute": "/etc/passwd", "below": "sub/first", "dots": "..",
                        "empty": "", "backslash": "a\\b", "nul": "first\0", "number": 1, "hidden": ".first"}.items():
        add(f"shard_{name}", {**places, "c": shard})
    add("absent_tensor", {**places, "d": "second"})
    add("unlisted_tensor", {"a": "first", "c": "second"})
    add("wrong_shard", {**places, "b": "second"})
    for size in (0, 23, 25, -1, 24.0, 2**64, "24"):
        add(f"total_{size}", places, metadata={"total_size": size})
    add("tensor_in_two", places, second=f.safetensors({"c": f.entry(), "a": f.entry(offsets=(8, 16))}))
    for name, raw in {"no_map": b"{}", "map_list": b'{"weight_map":[]}', "twice": b'{"weight_map":{},"weight_map":{}}',
                      "key_twice": b'{"weight_map":{"a":"first","a":"first"}}', "cut": b'{"weight_map":{"a":',
                      "deep": b'{"x":' + b"[" * 100, "after": b'{"weight_map":{}}x'}.items():
        add(name, None, raw=raw)
    place = add("linked", {**places, "c": "link"})
    (place / "link").symlink_to("second")


def gguf(corpus):
    kind = "gguf"
    made = f.gguf()
    good = bytes(made.data)
    header = len(good) - 128
    common(corpus, kind, good, header)
    bend_numbers(corpus, kind, good, made.fields)
    special_files(corpus, kind, good)

    def add(name, code="bad_file", **parts):
        corpus.add(kind, name, bytes(f.gguf(**parts).data), code)

    for version, code in {0: "bad_file", 1: "unsupported", 4: "unsupported", 2**24 * 3: "unsupported"}.items():
        add(f"version_{version}", code, version=version)
    add("big_endian", "unsupported", version=3 << 24)

    def pair(name, *pairs):
        add(name, pairs=list(pairs), tensors=[], data_bytes=0)

    pair("empty_key", ("", 4, 1))
    pair("key_twice", ("a", 4, 1), ("a", 4, 1))
    pair("key_65536", ("k" * 65536, 4, 1))
    for type_id in (13, 14, 255, 2**31, 2**32 - 1):
        pair(f"type_{type_id}", ("a", type_id, b"\0" * 16))
    for value in (2, 255):
        pair(f"bool_{value}", ("a", 7, bytes([value])))
    pair("bools", ("a", 9, (7, [b"\1", b"\2"])))
    nest = struct.pack("<IQ", 0, 0)
    for _ in range(5):
        nest = struct.pack("<IQ", 9, 1) + nest
    pair("nested", ("a", 9, nest))
    for count in (2**16, 2**40, 2**61, 2**64 - 1):
        for element in (0, 5, 8, 9, 12):
            pair(f"array_{element}_{count}", ("a", 9, struct.pack("<IQ", element, count)))
    for value in (0, 1, 13, 48, 2**31, 2**17):
        pair(f"alignment_{value}", ("general.alignment", 4, value))
    pair("alignment_type", ("general.alignment", 8, "32"))
    pair("architecture_type", ("general.architecture", 4, 1))
    tokens = ("tokenizer.ggml.tokens", 9, (8, ["a", "b"]))
    pair("tokens_type", ("tokenizer.ggml.tokens", 9, (5, [1])))
    pair("tokens_scalar", ("tokenizer.ggml.tokens", 8, "a"))
    pair("merges_type", tokens, ("tokenizer.ggml.merges", 9, (5, [1])))
    pair("scores_short", tokens, ("tokenizer.ggml.scores", 9, (6, [1.0])))
    pair("scores_type", tokens, ("tokenizer.ggml.scores", 9, (0, [b"\1", b"\1"])))
    pair("types_long", tokens, ("tokenizer.ggml.token_type", 9, (5, [1, 1, 1])))
    pair("types_type", tokens, ("tokenizer.ggml.token_type", 9, (6, [1.0, 1.0])))
    pair("split_lies", ("split.no", 4, 3), ("split.count", 4, 2))
    add("split", "unsupported", pairs=[("split.no", 4, 0), ("split.count", 4, 2)], tensors=[], data_bytes=0)

    def tensors(name, *list_, data=64):
        add(f"tensor_{name}", tensors=list(list_), data_bytes=data)

    tensors("name_65", ("n" * 65, [8], 0, 0), data=32)
    tensors("name_control", ("a\n", [8], 0, 0), data=32)
    tensors("twice", ("a", [8], 0, 0), ("a", [8], 0, 32))
    for count in (0, 5, 16):
        tensors(f"dims_{count}", ("a", [1] * count, 0, 0), data=4)
    for dim in (0, 2**63, 2**64 - 1, 2**62):
        tensors(f"dim_{dim}", ("a", [dim], 0, 0))
    tensors("product", ("a", [2**32, 2**32], 0, 0))
    tensors("pad", ("a", [2**63 - 1], 24, 0))
    tensors("nbytes", ("a", [2**61], 28, 0))
    for type_id in (4, 5, 31, 32, 33, 36, 37, 38, 43, 99, 2**32 - 1):
        tensors(f"type_{type_id}", ("a", [256], type_id, 0), data=512)
    for type_id, dims in {2: [31], 8: [33], 12: [128], 14: [255], 10: [257], 39: [16, 2]}.items():
        tensors(f"block_{type_id}", ("a", dims, type_id, 0), data=512)
    for offset in (1, 16, 32, 64, 2**63, 2**64 - 32):
        tensors(f"offset_{offset}", ("a", [8], 0, offset))
    tensors("overlap", ("a", [8], 0, 0), ("b", [8], 0, 0))
    tensors("partly", ("a", [16], 0, 0), ("b", [8], 0, 32), data=96)
    tensors("gap", ("a", [8], 0, 0), ("b", [8], 0, 64), data=96)
    corpus.add(kind, "huge_vocabulary", bytes(f.gguf(
        pairs=[("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 2**28) + b"\0" * 1400)], tensors=[], data_bytes=0).data))


def onnx(corpus):
    kind = "onnx"
    good = f.onnx()
    common(corpus, kind, good, len(good))
    special_files(corpus, kind, good)

    def add(name, data, code="bad_file", /, **beside):
        return corpus.add(kind, name, data, code, **beside)

    for tail_name, tail in {
        "varint_11": b"\x18" + b"\xff" * 10 + b"\1", "varint_65_bits": b"\x28" + b"\xff" * 9 + b"\2", "field_0": b"\0",
        "group": b"\x1b\x1c", "wire_6": b"\x1e", "wire_7": b"\x1f", "length_past": b"\x1a\x7f",
        "length_huge": b"\x1a" + f.varint(2**63), "fixed_cut": b"\x19abc", "fixed32_cut": b"\x1dab",
        "graph_as_number": b"\x38\1", "second_graph": f.field(7, b""), "opset_twice": f.field(8, f.field(2, 17)),
        "opset_absurd": f.field(8, f.field(1, "x") + f.field(2, 10**6)), "opset_0": f.field(8, f.field(1, "x")),
        "property_not_utf8": f.field(14, f.field(1, b"\xff")),
        "function_of_itself": f.field(25, f.field(1, "f") + f.field(7, f.field(4, "f"))),
        "functions_in_a_ring": f.field(25, f.field(1, "f") + f.field(7, f.field(4, "g")))
        + f.field(25, f.field(1, "g") + f.field(7, f.field(4, "f"))),
        "function_twice": f.field(25, f.field(1, "f")) * 2,
    }.items():
        add(tail_name, good + tail)
    for version in (0, 1001, 2**63):
        add(f"version_{version}", f.onnx(version=version))
    nested = f.NODE
    for _ in range(40):
        nested = f.field(1, f.field(4, "If") + f.field(5, f.field(6, nested)))
    add("nested", f.onnx(nested))
    add("no_operator", f.onnx(f.field(1, f.field(1, "x"))))
    add("operator_not_utf8", f.onnx(f.field(1, f.field(4, b"\xff\xfe"))))

    def tensor(case, code="bad_file", **parts):
        add(f"tensor_{case}", f.onnx(f.field(5, f.tensor_proto(**parts))), code)

    raw = lambda size: f.field(9, b"\1" * size)
    for size in (0, 1, 7, 9, 4096):
        tensor(f"raw_{size}", data=raw(size))
    tensor("two_kinds", data=raw(8) + f.field(4, b"\1" * 8))
    tensor("raw_twice", data=raw(8) * 2)
    tensor("floats_short", data=f.field(4, b"\1" * 4))
    tensor("floats_odd", data=f.field(4, b"\1" * 7))
    tensor("int64s", kind=7, data=f.field(7, b"\1"))
    tensor("int64_cut", kind=7, data=f.field(7, b"\1\x80"))
    tensor("texts", kind=8, data=f.field(6, "a"))
    for dim in (2**63, 2**64 - 1, 2**62):
        tensor(f"dim_{dim}", dims=(dim,), kind=11)
    tensor("product", dims=(2**32, 2**32))
    tensor("dims_65", dims=(1,) * 65)
    tensor("packed_dims", data=raw(8) + f.field(1, b"\1" * 100_000))
    tensor("segment", data=raw(8) + f.field(3, b""))
    tensor("name_control", name="a\x07")
    add("tensor_twice", f.onnx(f.field(5, f.tensor_proto()) * 2))

    def outside(name, code="bad_file", extra=b"", **entries):
        return add(f"external_{name}", f.onnx(f.field(5, f.external(**entries) + extra)), code, data=b"\1" * 16)

    outside("good", "ok", location="data", offset="8", length="8")
    for name, location in {"up": "../data", "up_inside": "a/../../data", "absolute": "/etc/passwd", "dot": "./data",
                           "proc": "/proc/self/environ", "empty": "", "slashes": "a//data", "nul": "data\0"}.items():
        outside(name, location=location)
    outside("absent", "io_error", location="none")
    for offset in ("9", "16", "-1", "x", "", "18446744073709551615", "1e3"):
        outside(f"offset_{offset}", location="data", offset=offset)
    for length in ("7", "9", "-1", "18446744073709551616"):
        outside(f"length_{length}", location="data", length=length)
    outside("key", location="data", command="run")
    outside("nowhere", offset="0")
    outside("twice", location="data", extra=f.field(13, f.field(1, "location") + f.field(2, "data")))
    outside("and_raw", location="data", extra=raw(8))
    place = outside("linked", location="link")
    (place / "link").symlink_to("data")
    place = outside("hard_linked", location="data")
    os.link(place / "data", place / "second")


def pytorch(corpus):
    kind = "pytorch"
    good = f.archive()
    common(corpus, kind, good, len(good))
    special_files(corpus, kind, good)
    for name, data, code in zips.cases():
        corpus.add(kind, f"zip_{name}", data, code)

    def body(name, opcodes, code="bad_file"):
        corpus.add(kind, f"pickle_{name}", f.archive(data=f.pickle(opcodes)), code)

    def whole(name, data):
        corpus.add(kind, f"pickle_{name}", f.archive(data=data))

    call = lambda module, attribute: f.name(module, attribute) + f.text("id") + b"\x85R"
    for module, attribute in [("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"),
                              ("subprocess", "Popen"), ("torch", "load"), ("torch.hub", "load"), ("pip", "main"),
                              ("numpy.core.multiarray", "_reconstruct"), ("torch._utils", "_rebuild_sparse_tensor"),
                              ("collections", "OrderedDict.fromkeys"), ("", ""), ("codecs", "encode")]:
        body(f"global_{module}.{attribute}", call(module, attribute))
        body(f"stack_global_{module}.{attribute}", f.text(module) + f.text(attribute) + b"\x93)R")
    od = f.name("collections", "OrderedDict")
    for name, opcodes in {
        "inst": b"(ios\nsystem\n", "obj": b"(" + od + b"o", "newobj": od + b")\x81", "newobj_ex": od + b")}\x92",
        "ext1": b"\x82\1", "ext2": b"\x83\1\0", "ext4": b"\x84\1\0\0\0", "persid": b"P0\n", "persid_text": f.text("0") + b"Q",
        "persid_tuple": b"(" + f.text("module") + b"NNNNtQ", "persid_short": b"(" + f.text("storage") + b"tQ",
        "proto_again": b"\x80\2}", "underflow": b"\x86", "reduce_underflow": b"R", "no_mark": b"}t", "mark_left": b"(}",
        "two_left": b"}}", "memo_2_31": b"}r\0\0\0\x80", "memo_empty": b"h\7", "long_get_empty": b"j\7\0\0\0",
        "long4": b"\x8b\xff\xff\xff\x7f", "long1_9": b"\x8a\x09" + b"\1" * 9, "text_past": b"X\xff\0\0\0",
        "text_2gb": b"X\xff\xff\xff\x7f", "frame": b"\x95" + b"\xff" * 8 + b"}", "append_dict": b"}Na",
        "appends_tuple": b")(Ne", "setitem_list": b"]NNs", "setitem_tensor": f.tensor() + f.text("k") + b"Ns",
        "setitems_odd": b"}(Nu", "key_tuple": b"}()Nu", "build_tensor": f.tensor() + b"}b", "build_text": b"}" + f.text("x") + b"b",
        "build_list": b"]}b", "self": b"]r\0\0\0\0j\0\0\0\0a", "deep": b"]" * 40 + b"a" * 39, "int_text": b"I1\n",
        "pop": b"}0}", "dup": b"}2\x86", "set": b"\x8f", "float_text": b"F1\n", "get_text": b"g0\n", "put_text": b"}p0\n",
        "dict_call": od + b"]\x85R", "call_text": f.text("x") + b")R", "call_list": od + b"]R",
        "call_type": f.name("torch", "FloatStorage") + b")R", "bytearray": b"\x96" + b"\0" * 8, "buffer": b"\x97",
        "bomb": b"]" + b"(" + b"}" * 400_000 + b"e", "stack": b"N" * 300_000, "marks": b"(" * 300_000,
        "parameter": f.name("torch._utils", "_rebuild_parameter") + b"(NNNtR",
        "tensor_of_text": f.tensor(f.text("x")), "few": f.name("torch._utils", "_rebuild_tensor_v2") + b"(" + f.storage() + b"tR",
    }.items():
        body(name, opcodes)
    whole("empty", b"")
    whole("no_proto", b"}.")
    whole("no_stop", b"\x80\2}")
    whole("after_stop", b"\x80\2}.}")
    for protocol in (0, 1, 6, 255):
        whole(f"protocol_{protocol}", bytes([0x80, protocol]) + b"}.")
    for size in range(0, len(f.state_dict()), 4):
        whole(f"cut_{size}", f.state_dict()[:size])
    for name, value in {
        "numel": f.tensor(shape=(5,)), "offset": f.tensor(offset=1), "stride": f.tensor(shape=(2,), strides=(4,)),
        "negative_stride": f.tensor(strides=(-1,)), "negative_offset": f.tensor(offset=-1), "negative_shape": f.tensor(shape=(-1,)),
        "ranks": f.tensor(shape=(2, 2)), "product": f.tensor(shape=(2**40, 2**40), strides=(0, 0)),
        "wrap": f.tensor(shape=(3,), strides=(2**63,)), "zero_strides": f.tensor(shape=(2**62,), strides=(0,)),
        "storage_larger": f.tensor(f.storage(elements=5)), "storage_smaller": f.tensor(f.storage(elements=3), shape=(3,)),
        "storage_type": f.tensor(f.storage("DoubleStorage")), "storage_huge": f.tensor(f.storage(elements=2**62)),
        "key_absent": f.tensor(f.storage(key="1")), "key_up": f.tensor(f.storage(key="../version")),
        "key_absolute": f.tensor(f.storage(key="/etc/passwd")), "key_empty": f.tensor(f.storage(key="")),
        "key_nul": f.tensor(f.storage(key="0\0")), "negative_elements": f.tensor(f.storage(elements=-4)),
    }.items():
        whole(f"tensor_{name}", f.state_dict(value))
    corpus.add(kind, "raw_pickle", f.state_dict())
    corpus.add(kind, "legacy", bytes.fromhex("80028a0a6cfc9c46f9206aa85019") + b".", "unsupported")
    corpus.add(kind, "legacy_tar", b"\0" * 257 + b"ustar\0" + b"\0" * 249)


def config(corpus):
    kind = "config"
    good = {"model_type": "bert", "hidden_size": 8, "num_attention_heads": 2, "vocab_size": 10}
    corpus.add(kind, "good", json.dumps(good).encode(), "ok")
    for key, values in {
        "hidden_size": [0, -1, 8.0, "8", [], True, 2**40, 2**64], "num_attention_heads": [0, -12, 2.5, {}],
        "num_hidden_layers": [-1, 10**6, "12"], "vocab_size": [0, 2**40, -5], "layer_norm_eps": [-1, 2, "x"],
        "max_position_embeddings": [0, 2**32, 1.5], "model_type": [1, [], {}], "architectures": ["x", [1], {}],
        "id2label": [[], {"x": "y"}, {"-1": "y"}, {"0": None}, {"0": "a", "00": "b"}], "rope_theta": [0, -1],
        "head_dim": [0, 10**9], "intermediate_size": [0, -3],
    }.items():
        for i, value in enumerate(values):
            corpus.add(kind, f"{key}_{i}", json.dumps({**good, key: value}).encode())
    for name, raw in {
        "nan": b'{"hidden_size":NaN}', "infinity": b'{"layer_norm_eps":Infinity}', "1e999": b'{"layer_norm_eps":1e999}',
        "twice": b'{"a":1,"a":2}', "list": b"[]", "text": b'"x"', "empty": b"", "bom": b"\xef\xbb\xbf{}", "after": b"{}{}",
        "deep": b'{"a":' * 100 + b"1" + b"}" * 100, "deep_lists": b"[" * 10_000, "not_utf8": b'{"a":"\xff"}',
        "surrogate": b'{"a":"\\ud800"}', "comment": b"{/**/}", "quotes": b"{'a':1}", "cut": b'{"model_type":"be',
    }.items():
        corpus.add(kind, name, raw)


def main():
    corpus = Corpus(sys.argv[1])
    for make in (safetensors, index, gguf, onnx, pytorch, config):
        make(corpus)


if __name__ == "__main__":
    main()
