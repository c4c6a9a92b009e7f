"""Archives that say one thing here and another there."""
import struct
import zipfile

import formats as f

PARTS = [("m/data.pkl", f.state_dict()), ("m/data/0", b"\1" * 16)]
LOCAL_FLAGS, LOCAL_CRC, LOCAL_STORED, LOCAL_SIZE = 6, 14, 18, 22  # in a local header
FLAGS, METHOD, CRC, STORED, SIZE, DISK, LOCAL = 8, 10, 16, 20, 24, 34, 42  # in the directory
END_DISK, END_HERE, END_ENTRIES, END_BYTES, END_OFFSET, END_COMMENT = 4, 8, 10, 12, 16, 20


def bend(data, at, width, value):
    return data[:at] + value.to_bytes(width, "little") + data[at + width :]


def renamed(name):
    return f.archive([*PARTS, (name, b"x")])


def cases():
    """Name, bytes, expected code."""
    good = f.archive(PARTS)
    central = good.index(b"PK\1\2")
    second = good.index(b"PK\1\2", central + 1)
    end = good.index(b"PK\5\6")
    bent = {}
    for name, flag in {"encrypted": 1, "patched": 0x20, "strong": 0x40, "masked": 0x2000}.items():
        bent[name] = bend(bend(good, central + FLAGS, 2, flag), LOCAL_FLAGS, 2, flag)
        bent[f"{name}_there"] = bend(good, central + FLAGS, 2, flag)
        bent[f"{name}_here"] = bend(good, LOCAL_FLAGS, 2, flag)
    for name, at in {
        "flags": LOCAL_FLAGS,
        "crc": LOCAL_CRC,
        "stored": LOCAL_STORED,
        "size": LOCAL_SIZE,
    }.items():
        width = 2 if name == "flags" else 4
        bent[f"local_{name}"] = bend(
            good, at, width, int.from_bytes(good[at : at + width], "little") ^ 1
        )
    bent["local_name"] = good[:30] + b"n" + good[31:]
    for name, at, width in (
        ("method", METHOD, 2),
        ("crc", CRC, 4),
        ("stored", STORED, 4),
        ("size", SIZE, 4),
        ("disk", DISK, 2),
        ("local", LOCAL, 4),
    ):
        for value in (1, 8, 2 ** (8 * width) - 1):
            bent[f"central_{name}_{value}"] = bend(good, central + at, width, value)
    bent["both_crc"] = bend(bend(good, central + CRC, 4, 1), LOCAL_CRC, 4, 1)
    bent["overlap"] = bend(good, second + LOCAL, 4, 0)
    for name, at, width in (
        ("disk", END_DISK, 2),
        ("here", END_HERE, 2),
        ("entries", END_ENTRIES, 2),
        ("bytes", END_BYTES, 4),
        ("offset", END_OFFSET, 4),
        ("comment", END_COMMENT, 2),
    ):
        for value in (1, 3, 2 ** (8 * width) - 1):
            bent[f"end_{name}_{value}"] = bend(good, end + at, width, value)
    bent["prefix"] = b"#!/bin/sh\n" + good
    bent["suffix"] = good + b"x"
    bent["comment"] = bend(good, end + END_COMMENT, 2, 1) + b"x"
    bent["between"] = good[:central] + b"x" + bend(good, end + END_OFFSET, 4, central + 1)[central:]
    bent["two_ends"] = good + good[end:]
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 2, 2, end - central, central)
    locator = struct.pack("<IIQI", 0x07064B50, 0, end, 1)
    large = good[:end] + record + locator + good[end:]
    for name, at, width in (
        ("size", 4, 8),
        ("disk", 16, 4),
        ("entries", 24, 8),
        ("all", 32, 8),
        ("bytes", 40, 8),
        ("offset", 48, 8),
        ("locator", 56 + 8, 8),
        ("disks", 56 + 16, 4),
    ):
        for value in (0 if name != "disk" else 7, 5, 2 ** (8 * width) - 1):
            bent[f"zip64_{name}_{value}"] = bend(large, end + at, width, value)
    for name in (
        "../up",
        "a/../b",
        "/absolute",
        "m\\x",
        "C:x",
        "m//x",
        "m/",
        "./m",
        "..",
        "m/DATA.pkl",
        "n/other",
        "m/\x01",
        "m/" + "x" * 1100,
    ):
        bent[f"name_{name.replace('/', '|')[:40]}".replace("\x01", "1")] = renamed(name)
    bent["deflated"] = f.archive(compression=zipfile.ZIP_DEFLATED)
    bent["bomb"] = f.archive([("m/data.pkl", b"\0" * 5_000_000)], compression=zipfile.ZIP_DEFLATED)
    bent["empty"] = f.archive([])
    bent["no_pickle"] = f.archive([("m/data/0", b"x")])
    bent["big_order"] = f.archive([*PARTS, ("m/byteorder", b"big")])
    bent["odd_order"] = f.archive([*PARTS, ("m/byteorder", b"odd")])
    bent["script"] = f.archive([*PARTS, ("m/constants.pkl", b"x")])
    bent["many"] = f.archive([*PARTS, *((f"m/x{i}", b"") for i in range(200_000))])
    unsupported = {"big_order", "script"}
    yield "zip64_good", large, "ok"
    for name, data in bent.items():
        yield name, data, "unsupported" if name in unsupported else "bad_file"
