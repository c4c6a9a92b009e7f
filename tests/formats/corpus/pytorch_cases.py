"""PyTorch archives and pickles."""
import formats as f
import zips
from cases import common, special_files


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
    for module, attribute in [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("pip", "main"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("torch._utils", "_rebuild_sparse_tensor"),
        ("collections", "OrderedDict.fromkeys"),
        ("", ""),
        ("codecs", "encode"),
    ]:
        body(f"global_{module}.{attribute}", call(module, attribute))
        body(f"stack_global_{module}.{attribute}", f.text(module) + f.text(attribute) + b"\x93)R")
    od = f.name("collections", "OrderedDict")
    for name, opcodes in {
        "inst": b"(ios\nsystem\n",
        "obj": b"(" + od + b"o",
        "newobj": od + b")\x81",
        "newobj_ex": od + b")}\x92",
        "ext1": b"\x82\1",
        "ext2": b"\x83\1\0",
        "ext4": b"\x84\1\0\0\0",
        "persid": b"P0\n",
        "persid_text": f.text("0") + b"Q",
        "persid_tuple": b"(" + f.text("module") + b"NNNNtQ",
        "persid_short": b"(" + f.text("storage") + b"tQ",
        "proto_again": b"\x80\2}",
        "underflow": b"\x86",
        "reduce_underflow": b"R",
        "no_mark": b"}t",
        "mark_left": b"(}",
        "two_left": b"}}",
        "memo_2_31": b"}r\0\0\0\x80",
        "memo_empty": b"h\7",
        "long_get_empty": b"j\7\0\0\0",
        "long4": b"\x8b\xff\xff\xff\x7f",
        "long1_9": b"\x8a\x09" + b"\1" * 9,
        "text_past": b"X\xff\0\0\0",
        "text_2gb": b"X\xff\xff\xff\x7f",
        "frame": b"\x95" + b"\xff" * 8 + b"}",
        "append_dict": b"}Na",
        "appends_tuple": b")(Ne",
        "setitem_list": b"]NNs",
        "setitem_tensor": f.tensor() + f.text("k") + b"Ns",
        "setitems_odd": b"}(Nu",
        "key_tuple": b"}()Nu",
        "build_tensor": f.tensor() + b"}b",
        "build_text": b"}" + f.text("x") + b"b",
        "build_list": b"]}b",
        "self": b"]r\0\0\0\0j\0\0\0\0a",
        "deep": b"]" * 40 + b"a" * 39,
        "int_text": b"I1\n",
        "pop": b"}0}",
        "dup": b"}2\x86",
        "set": b"\x8f",
        "float_text": b"F1\n",
        "get_text": b"g0\n",
        "put_text": b"}p0\n",
        "dict_call": od + b"]\x85R",
        "call_text": f.text("x") + b")R",
        "call_list": od + b"]R",
        "call_type": f.name("torch", "FloatStorage") + b")R",
        "bytearray": b"\x96" + b"\0" * 8,
        "buffer": b"\x97",
        "bomb": b"]" + b"(" + b"}" * 400_000 + b"e",
        "stack": b"N" * 300_000,
        "marks": b"(" * 300_000,
        "parameter": f.name("torch._utils", "_rebuild_parameter") + b"(NNNtR",
        "tensor_of_text": f.tensor(f.text("x")),
        "few": f.name("torch._utils", "_rebuild_tensor_v2") + b"(" + f.storage() + b"tR",
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
        "numel": f.tensor(shape=(5,)),
        "offset": f.tensor(offset=1),
        "stride": f.tensor(shape=(2,), strides=(4,)),
        "negative_stride": f.tensor(strides=(-1,)),
        "negative_offset": f.tensor(offset=-1),
        "negative_shape": f.tensor(shape=(-1,)),
        "ranks": f.tensor(shape=(2, 2)),
        "product": f.tensor(shape=(2**40, 2**40), strides=(0, 0)),
        "wrap": f.tensor(shape=(3,), strides=(2**63,)),
        "zero_strides": f.tensor(shape=(2**62,), strides=(0,)),
        "storage_larger": f.tensor(f.storage(elements=5)),
        "storage_smaller": f.tensor(f.storage(elements=3), shape=(3,)),
        "storage_type": f.tensor(f.storage("DoubleStorage")),
        "storage_huge": f.tensor(f.storage(elements=2**62)),
        "key_absent": f.tensor(f.storage(key="1")),
        "key_up": f.tensor(f.storage(key="../version")),
        "key_absolute": f.tensor(f.storage(key="/etc/passwd")),
        "key_empty": f.tensor(f.storage(key="")),
        "key_nul": f.tensor(f.storage(key="0\0")),
        "negative_elements": f.tensor(f.storage(elements=-4)),
    }.items():
        whole(f"tensor_{name}", f.state_dict(value))
    corpus.add(kind, "raw_pickle", f.state_dict())
    corpus.add(kind, "legacy", bytes.fromhex("80028a0a6cfc9c46f9206aa85019") + b".", "unsupported")
    corpus.add(kind, "legacy_tar", b"\0" * 257 + b"ustar\0" + b"\0" * 249)
