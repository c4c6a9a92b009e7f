#!/usr/bin/env python3
"""Writes fixtures/gguf_blocks.txt: random blocks of GGUF's types and what they stand for.

An independent reading, element by element, from the format's description: each function says where
the bits of element i lie. Lines: type, blocks in hexadecimal, elements as fractions.
"""
import pathlib
import random
import struct


def half(block, at):
    return struct.unpack_from("<e", block, at)[0]


def signed(byte):
    return byte - 256 if byte > 127 else byte


def q8_0(block, i):
    return half(block, 0) * signed(block[2 + i])


def q4_0(block, i):
    byte = block[2 + i % 16]
    return half(block, 0) * ((byte & 15 if i < 16 else byte >> 4) - 8)


def q4_k(block, i):
    group = i // 32
    scales = block[4:16]
    if group < 4:
        scale, least = scales[group] % 64, scales[4 + group] % 64
    else:
        nibbles = scales[8 + group - 4]
        scale = nibbles % 16 + 16 * (scales[group - 4] // 64)
        least = nibbles // 16 + 16 * (scales[group] // 64)
    byte = block[16 + 32 * (i // 64) + i % 32]
    value = byte % 16 if group % 2 == 0 else byte // 16
    return half(block, 0) * scale * value - half(block, 2) * least


def q6_k(block, i):
    part, row, column = i // 128, i // 32 % 4, i % 32
    low = block[64 * part + (column if row in (0, 2) else column + 32)]
    low = low % 16 if row in (0, 1) else low // 16
    high = block[128 + 32 * part + column] // 4**row % 4
    scale = signed(block[192 + 8 * part + 2 * row + column // 16])
    return half(block, 208) * scale * (low + 16 * high - 32)


def f16(block, i):
    return half(block, 0)


def bf16(block, i):
    return struct.unpack("<f", b"\0\0" + block)[0]


def f32(block, i):
    return struct.unpack("<f", block)[0]


# type: (bytes of a block, elements, reader, where half-precision scales lie)
TYPES = {
    "F32": (4, 1, f32, None),
    "F16": (2, 1, f16, None),
    "BF16": (2, 1, bf16, None),
    "Q8_0": (34, 32, q8_0, [0]),
    "Q4_0": (18, 32, q4_0, [0]),
    "Q4_K": (144, 256, q4_k, [0, 2]),
    "Q6_K": (210, 256, q6_k, [208]),
}


def random_block(dice, size, scales):
    block = bytearray(dice.randbytes(size))
    for at in scales or []:
        struct.pack_into("<e", block, at, dice.uniform(-2, 2))
    return bytes(block)


def main():
    dice = random.Random(20240607)
    lines = []
    for name, (size, elements, read, scales) in TYPES.items():
        blocks = 3 if elements > 1 else 0
        data = [random_block(dice, size, scales) for _ in range(blocks)]
        if name == "F32":
            data = [struct.pack("<f", x) for x in (0.0, -1.5, 3.0e38, 1.0e-40)]
        if name == "F16":
            edges = (0, 0x8000, 1, 0x3FF, 0x400, 0xC500, 0x7BFF, 0x83FF)
            data = [struct.pack("<H", x) for x in edges]
        if name == "BF16":
            data = [struct.pack("<H", x) for x in (0, 0x3F80, 0xC049, 0x7F7F, 1)]
        values = [repr(read(block, i)) for block in data for i in range(elements)]
        lines.append(f"{name} {b''.join(data).hex()} {' '.join(values)}")
    path = pathlib.Path(__file__).parent.parent / "fixtures" / "gguf_blocks.txt"
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
