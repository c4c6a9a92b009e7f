#!/usr/bin/env python3
"""Writes the small valid files that fuzzing begins with into corpus/; run again when formats change."""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "formats" / "corpus"))
import formats as f  # noqa: E402

SEEDS = {
    "config": [
        json.dumps(
            {
                "model_type": "bert",
                "hidden_size": 8,
                "id2label": {"0": "a"},
                "layer_norm_eps": 1e-12,
                "pad_token": {"content": "[PAD]"},
            }
        ).encode()
    ],
    "gguf": [bytes(f.gguf().data), bytes(f.gguf([("a", 9, (8, ["b"]))], [], 0).data)],
    "onnx": [
        f.onnx(),
        f.onnx(
            f.field(5, f.tensor_proto(f.field(4, b"\1" * 8))),
            f.field(25, f.field(1, "f") + f.field(7, f.field(4, "g"))),
        ),
    ],
    "pickle": [
        f.state_dict(),
        f.pickle(f.text("torch") + f.text("Size") + b"\x93(K\1t\x85R", b"\x80\4"),
    ],
    "pytorch": [f.archive()],
    "safetensors": [f.safetensors(f.GOOD_HEADER), f.safetensors({}, 0)],
}


def main():
    for target, seeds in SEEDS.items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for i, seed in enumerate(seeds):
            (folder / f"seed{i}").write_bytes(seed)


if __name__ == "__main__":
    main()
