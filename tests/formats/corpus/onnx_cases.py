"""ONNX models."""
import os

import formats as f
from cases import common, special_files


def onnx(corpus):
    kind = "onnx"
    good = f.onnx()
    common(corpus, kind, good, len(good))
    special_files(corpus, kind, good)

    def add(name, data, code="bad_file", /, **beside):
        return corpus.add(kind, name, data, code, **beside)

    for tail_name, tail in {
        "varint_11": b"\x18" + b"\xff" * 10 + b"\1",
        "varint_65_bits": b"\x28" + b"\xff" * 9 + b"\2",
        "field_0": b"\0",
        "group": b"\x1b\x1c",
        "wire_6": b"\x1e",
        "wire_7": b"\x1f",
        "length_past": b"\x1a\x7f",
        "length_huge": b"\x1a" + f.varint(2**63),
        "fixed_cut": b"\x19abc",
        "fixed32_cut": b"\x1dab",
        "graph_as_number": b"\x38\1",
        "second_graph": f.field(7, b""),
        "opset_twice": f.field(8, f.field(2, 17)),
        "opset_absurd": f.field(8, f.field(1, "x") + f.field(2, 10**6)),
        "opset_0": f.field(8, f.field(1, "x")),
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
        return add(
            f"external_{name}",
            f.onnx(f.field(5, f.external(**entries) + extra)),
            code,
            data=b"\1" * 16,
        )

    outside("good", "ok", location="data", offset="8", length="8")
    for name, location in {
        "up": "../data",
        "up_inside": "a/../../data",
        "absolute": "/etc/passwd",
        "dot": "./data",
        "proc": "/proc/self/environ",
        "empty": "",
        "slashes": "a//data",
        "nul": "data\0",
    }.items():
        outside(name, location=location)
    outside("absent", "io_error", location="none")
    for offset in ("9", "16", "-1", "x", "", "18446744073709551615", "1e3"):
        outside(f"offset_{offset}", location="data", offset=offset)
    for length in ("7", "9", "-1", "18446744073709551616"):
        outside(f"length_{length}", location="data", length=length)
    outside("key", location="data", command="run")
    outside("nowhere", offset="0")
    outside(
        "twice", location="data", extra=f.field(13, f.field(1, "location") + f.field(2, "data"))
    )
    outside("and_raw", location="data", extra=raw(8))
    place = outside("linked", location="link")
    (place / "link").symlink_to("data")
    place = outside("hard_linked", location="data")
    os.link(place / "data", place / "second")
