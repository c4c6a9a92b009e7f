#!/usr/bin/env python3
"""export.py FOLDER: writes FOLDER/model.onnx, in f32, from its config.json and model.safetensors,
for a model of the family bert. Needs Debian's python3-torch."""
import json
import math
import pathlib
import struct
import sys

import torch
import torch.nn.functional as F


def read_safetensors(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, about in header.items():
        begin, end = (8 + length + offset for offset in about["data_offsets"])
        flat = torch.frombuffer(bytearray(raw[begin:end]), dtype=torch.float32)
        tensors[name] = flat.reshape(about["shape"])
    return tensors


class Bert(torch.nn.Module):
    def __init__(self, config, tensors):
        super().__init__()
        self.heads, self.layers = config["num_attention_heads"], config["num_hidden_layers"]
        self.hidden, self.epsilon = config["hidden_size"], config["layer_norm_eps"]
        self.names = {}
        for name, tensor in tensors.items():
            self.names[name] = name.replace(".", "_")
            self.register_buffer(self.names[name], tensor)

    def tensor(self, name):
        return getattr(self, self.names[name])

    def linear(self, name, x):
        return F.linear(x, self.tensor(name + ".weight"), self.tensor(name + ".bias"))

    def norm(self, name, x):
        return F.layer_norm(x, (self.hidden,), self.tensor(name + ".weight"),
                            self.tensor(name + ".bias"), self.epsilon)

    def forward(self, input_ids, attention_mask):
        batch, length = input_ids.shape
        embeddings = "embeddings.{}.weight".format
        x = F.embedding(input_ids, self.tensor(embeddings("word_embeddings")))
        positions = torch.arange(length, device=input_ids.device)
        x = x + F.embedding(positions, self.tensor(embeddings("position_embeddings")))
        x = x + self.tensor(embeddings("token_type_embeddings"))[0]
        x = self.norm("embeddings.LayerNorm", x)
        hidden = (1.0 - attention_mask.float())[:, None, None, :] * -10000.0
        size = self.hidden // self.heads
        for number in range(self.layers):
            layer = "encoder.layer.{}.".format(number)

            def split(name):
                made = self.linear(layer + "attention.self." + name, x)
                return made.view(batch, length, self.heads, size).transpose(1, 2)

            scores = split("query") @ split("key").transpose(-1, -2) / math.sqrt(size) + hidden
            context = (scores.softmax(-1) @ split("value")).transpose(1, 2)
            context = context.reshape(batch, length, self.hidden)
            x = self.norm(layer + "attention.output.LayerNorm",
                          x + self.linear(layer + "attention.output.dense", context))
            inner = F.gelu(self.linear(layer + "intermediate.dense", x))
            x = self.norm(layer + "output.LayerNorm", x + self.linear(layer + "output.dense", inner))
        return x


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    config = json.loads((folder / "config.json").read_text())
    model = Bert(config, read_safetensors(folder / "model.safetensors")).eval()
    ids = torch.ones(2, 8, dtype=torch.int64)
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(model, (ids, torch.ones_like(ids)), str(folder / "model.onnx"),
                      input_names=["input_ids", "attention_mask"], output_names=["states"],
                      dynamic_axes={"input_ids": axes, "attention_mask": axes, "states": axes},
                      opset_version=14, do_constant_folding=True)


main()
