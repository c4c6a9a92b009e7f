"""GGUF files."""
import struct

import formats as f
from cases import bend_numbers, common, special_files


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

    for version, code in {
        0: "bad_file",
        1: "unsupported",
        4: "unsupported",
        2**24 * 3: "unsupported",
    }.items():
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
    add(
        "split",
        "unsupported",
        pairs=[("split.no", 4, 0), ("split.count", 4, 2)],
        tensors=[],
        data_bytes=0,
    )

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
    corpus.add(
        kind,
        "huge_vocabulary",
        bytes(
            f.gguf(
                pairs=[("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 2**28) + b"\0" * 1400)],
                tensors=[],
                data_bytes=0,
            ).data
        ),
    )
