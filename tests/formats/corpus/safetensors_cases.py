"""Safetensors files, and indexes over several."""
import json

import formats as f
from cases import bend_numbers, common, special_files


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
    header(
        "ok_zero",
        {"z": e(shape=(0,), offsets=(0, 0)), "a": e(shape=(4,), offsets=(0, 16))},
        code="ok",
    )
    header("ok_scalar", {"a": e(shape=(), offsets=(0, 4))}, 4, "ok")
    header("ok_unknown_dtype", {"a": e("F3_NEW", (5,), (0, 16))}, code="ok")
    for name, text in {
        "bom": b"\xef\xbb\xbf" + raw,
        "space_first": b" " + raw,
        "tab_after": raw + b"\t",
        "array": b"[]",
        "text": b'"x"',
        "not_json": b"{a:1}",
        "not_utf8": b'{"\xff":' + one + b"}",
        "trailing": raw + b"{}",
        "nul": b'{"a\\u0000":' + one + b"}",
        "bare_nul": b'{"a\0":' + one + b"}",
        "lone_surrogate": b'{"\\ud800":' + one + b"}",
        "twice": b'{"a":' + one + b',"a":' + one + b"}",
        "metadata_twice": b'{"__metadata__":{},"__metadata__":{},"a":' + one + b"}",
        "metadata_key_twice": b'{"__metadata__":{"a":"","a":""},"b":' + one + b"}",
        "metadata_number": b'{"__metadata__":{"a":1},"b":' + one + b"}",
        "metadata_null": b'{"__metadata__":null,"b":' + one + b"}",
        "comma": b'{"a":' + one + b",}",
        "deep": b"[" * 10_000,
        "deep_objects": b'{"a":' * 10_000,
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
    for name, offsets in {
        "negative": (-8, 8),
        "reversed": (16, 0),
        "late": (4, 16),
        "short": (0, 12),
        "beyond": (0, 20),
        "huge": (0, 2**63),
        "wraps": (2**64 - 8, 8),
    }.items():
        header(f"offsets_{name}", {"a": e(shape=(4,), offsets=offsets)})
    header("gap", {"a": e(offsets=(0, 8)), "b": e(offsets=(12, 20))}, 20)
    header("overlap", {"a": e(offsets=(0, 8)), "b": e(offsets=(4, 12))}, 12)
    header("same_place", {"a": e(offsets=(0, 8)), "b": e(offsets=(0, 8))}, 8)
    header("bomb", {f"t{i}": e(shape=(4,), offsets=(0, 16)) for i in range(1000)})
    for name, shape in {
        "negative": (-4,),
        "product": (2**32, 2**32),
        "bytes": (2**62,),
        "dims_5000": (1,) * 5000,
        "mismatch": (5,),
    }.items():
        header(f"shape_{name}", {"a": e(shape=shape, offsets=(0, 16))})
    for dtype in ("F4", "F6_E2M3", "F6_E3M2"):
        header(f"odd_{dtype}", {"a": e(dtype, (5,), (0, 4))}, 4)
    for dtype in ("F64", "F16", "BOOL", "I64", "C64"):
        header(f"mismatch_{dtype}", {"a": e(dtype, (4,), (0, 16))})
    header("name_1mb", {"a" * 2**20: e(shape=(4,), offsets=(0, 16))})
    header("name_control", {"a\x1b[2J": e(shape=(4,), offsets=(0, 16))})
    tiny = ",".join(
        f'"{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for i in range(1_000_001)
    )
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
    for name, shard in {
        "up": "../first",
        "absolute": "/etc/passwd",
        "below": "sub/first",
        "dots": "..",
        "empty": "",
        "backslash": "a\\b",
        "nul": "first\0",
        "number": 1,
        "hidden": ".first",
    }.items():
        add(f"shard_{name}", {**places, "c": shard})
    add("absent_tensor", {**places, "d": "second"})
    add("unlisted_tensor", {"a": "first", "c": "second"})
    add("wrong_shard", {**places, "b": "second"})
    for size in (0, 23, 25, -1, 24.0, 2**64, "24"):
        add(f"total_{size}", places, metadata={"total_size": size})
    add(
        "tensor_in_two",
        places,
        second=f.safetensors({"c": f.entry(), "a": f.entry(offsets=(8, 16))}),
    )
    for name, raw in {
        "no_map": b"{}",
        "map_list": b'{"weight_map":[]}',
        "twice": b'{"weight_map":{},"weight_map":{}}',
        "key_twice": b'{"weight_map":{"a":"first","a":"first"}}',
        "cut": b'{"weight_map":{"a":',
        "deep": b'{"x":' + b"[" * 100,
        "after": b'{"weight_map":{}}x',
    }.items():
        add(name, None, raw=raw)
    place = add("linked", {**places, "c": "link"})
    (place / "link").symlink_to("second")
