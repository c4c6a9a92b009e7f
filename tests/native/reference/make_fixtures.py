#!/usr/bin/env python3
"""Writes a tiny random model folder of each encoder family, and what an independent PyTorch
implementation of it computes: make_fixtures.py FOLDER. Needs Debian's python3-torch.

FOLDER/NAME/config.json, tokenizer.json, model.safetensors   as published models have them
FOLDER/NAME/expected.safetensors             ids, types, lengths of some sequences; states: what
                                             comes out of the last layer, tokens end to end;
                                             scores: of the labels, where there is a head
"""
import json
import math
import pathlib
import struct
import sys

import torch
import torch.nn.functional as F

TYPES = {torch.float32: "F32", torch.int64: "I64"}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        raw = bytes(tensor.flatten().view(torch.uint8).tolist())
        header[name] = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Weights(dict):
    """Named tensors, drawn the first time they are asked for."""

    def __init__(self, prefix, seed):
        super().__init__()
        self.prefix, self.random = prefix, torch.Generator().manual_seed(seed)

    def draw(self, name, shape, spread, middle=0.0):
        name = self.prefix + name
        if name not in self:
            self[name] = torch.randn(shape, generator=self.random) * spread + middle
        return self[name]

    def linear(self, name, x, out):
        weight = self.draw(name + ".weight", (out, x.shape[-1]), 0.25)
        return x @ weight.T + self.draw(name + ".bias", (out,), 0.1)

    def norm(self, name, x, epsilon):
        width = x.shape[-1]
        scale = self.draw(name + ".weight", (width,), 0.2, 1.0)
        return F.layer_norm(x, (width,), scale, self.draw(name + ".bias", (width,), 0.1), epsilon)


BERT = dict(query="attention.self.query", key="attention.self.key", value="attention.self.value",
            out="attention.output.dense", attention_norm="attention.output.LayerNorm",
            up="intermediate.dense", down="output.dense", norm="output.LayerNorm",
            layer="encoder.layer.{}.")
MPNET = dict(BERT, query="attention.attn.q", key="attention.attn.k", value="attention.attn.v",
             out="attention.attn.o", attention_norm="attention.LayerNorm")
DISTILBERT = dict(query="attention.q_lin", key="attention.k_lin", value="attention.v_lin",
                  out="attention.out_lin", attention_norm="sa_layer_norm", up="ffn.lin1",
                  down="ffn.lin2", norm="output_layer_norm", layer="transformer.layer.{}.")


def activation(name, x):
    return {"gelu": lambda: F.gelu(x), "relu": lambda: F.relu(x), "silu": lambda: F.silu(x),
            "gelu_new": lambda: 0.5 * x * (1 + torch.tanh(
                math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))}[name]()


def distance_bucket(distance, buckets=32, farthest=128):
    half = buckets // 2
    bucket = half if distance > 0 else 0
    distance = abs(distance)
    exact = half // 2
    if distance < exact:
        return bucket + distance
    beyond = math.log(distance / exact) / math.log(farthest / exact) * (half - exact)
    return bucket + min(exact + int(beyond), half - 1)


def encode(model, weights, ids, types):
    names, config = model["names"], model["config"]
    hidden = config.get("hidden_size", config.get("dim"))
    heads = config.get("num_attention_heads", config.get("n_heads"))
    epsilon = config.get("layer_norm_eps", 1e-12)
    length, wide = len(ids), config.get("embedding_size", hidden)
    first = config["pad_token_id"] + 1 if model["follows_padding"] else 0
    x = weights.draw("embeddings.word_embeddings.weight", (config["vocab_size"], wide), 0.5)[ids]
    positions = weights.draw("embeddings.position_embeddings.weight",
                             (config["max_position_embeddings"], wide), 0.3)
    x = x + positions[first:first + length]
    if model["typed"]:
        x = x + weights.draw("embeddings.token_type_embeddings.weight",
                             (config["type_vocab_size"], wide), 0.3)[types]
    x = weights.norm("embeddings.LayerNorm", x, epsilon)
    if wide != hidden:
        x = weights.linear("embeddings_project", x, hidden)
    bias = torch.zeros(heads, length, length)
    if model["relative"]:
        table = weights.draw("encoder.relative_attention_bias.weight", (32, heads), 0.5)
        buckets = [[distance_bucket(k - q) for k in range(length)] for q in range(length)]
        bias = table[torch.tensor(buckets)].permute(2, 0, 1)
    for number in range(config.get("num_hidden_layers", config.get("n_layers"))):
        layer = names["layer"].format(number)

        def split(name):
            return weights.linear(layer + names[name], x, hidden).view(length, heads, -1)

        query, key, value = split("query"), split("key"), split("value")
        scores = torch.einsum("qhd,khd->hqk", query, key) / math.sqrt(hidden // heads) + bias
        context = torch.einsum("hqk,khd->qhd", scores.softmax(-1), value).reshape(length, hidden)
        x = weights.norm(layer + names["attention_norm"],
                         x + weights.linear(layer + names["out"], context, hidden), epsilon)
        inner = config.get("intermediate_size", config.get("hidden_dim"))
        act = config.get("hidden_act", config.get("activation"))
        up = activation(act, weights.linear(layer + names["up"], x, inner))
        x = weights.norm(layer + names["norm"],
                         x + weights.linear(layer + names["down"], up, hidden), epsilon)
    return x


HEADS = {"bert": ("*pooler.dense", "classifier", torch.tanh),
         "distilbert": ("pre_classifier", "classifier", F.relu),
         "electra": ("classifier.dense", "classifier.out_proj", F.gelu),
         "roberta": ("classifier.dense", "classifier.out_proj", torch.tanh)}


def classify(model, weights, states):
    config = model["config"]
    dense, out, bend = HEADS[config["model_type"]]
    prefix, hidden, labels = weights.prefix, states.shape[-1], len(config["id2label"])
    weights.prefix = ""
    x = bend(weights.linear(dense.replace("*", prefix), states[0], hidden))
    numbers = weights.linear(out, x, labels)
    weights.prefix = prefix
    alone = labels == 1 or config.get("problem_type") == "multi_label_classification"
    return numbers.sigmoid() if alone else numbers.softmax(-1)


def labelled(config, architecture, labels, **more):
    config.update(architectures=[architecture + "ForSequenceClassification"],
                  id2label={str(i): label for i, label in enumerate(labels)}, **more)
    return config


def config_of(kind, **more):
    config = dict(model_type=kind, vocab_size=60, hidden_size=24, num_hidden_layers=2,
                  num_attention_heads=3, intermediate_size=40, max_position_embeddings=80,
                  type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-5, pad_token_id=1)
    config.update(more)
    return config


def model(config, prefix="", names=BERT, typed=True, follows_padding=False, relative=False):
    return dict(config=config, prefix=prefix, names=names, typed=typed,
                follows_padding=follows_padding, relative=relative)


def models():
    distilbert = dict(model_type="distilbert", vocab_size=60, dim=24, n_layers=2, n_heads=4,
                      hidden_dim=40, max_position_embeddings=80, activation="relu", pad_token_id=0)
    return {
        "bert-reranker": model(labelled(config_of("bert"), "Bert", ["LABEL_0"]), "bert."),
        "distilbert-classifier": model(
            labelled(dict(distilbert), "DistilBert", ["bad", "good"]), "distilbert.", DISTILBERT,
            typed=False),
        "electra-classifier": model(
            labelled(config_of("electra", embedding_size=16), "Electra", ["a", "b", "c"],
                     problem_type="multi_label_classification"), "electra."),
        "roberta-classifier": model(
            labelled(config_of("roberta", type_vocab_size=1), "Roberta", ["no", "maybe", "yes"]),
            "roberta.", follows_padding=True),
        "bert": model(config_of("bert", layer_norm_eps=1e-12)),
        "bert-with-prefix": model(config_of("bert", hidden_act="gelu_new"), "bert."),
        "camembert": model(config_of("camembert", type_vocab_size=1), "roberta.",
                           follows_padding=True),
        "distilbert": model(distilbert, "distilbert.", DISTILBERT, typed=False),
        "electra": model(config_of("electra", embedding_size=16), "electra."),
        "mpnet": model(config_of("mpnet", relative_attention_num_buckets=32), "", MPNET,
                       typed=False, follows_padding=True, relative=True),
        "roberta": model(config_of("roberta", type_vocab_size=1, hidden_act="silu"), "roberta.",
                         follows_padding=True),
        "xlm-roberta": model(config_of("xlm-roberta", type_vocab_size=1, num_attention_heads=1),
                             follows_padding=True),
    }


def tokenizer():
    """Words are cut into letters."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    tokens = ["[PAD]", "[MASK]", "[UNK]", "[CLS]", "[SEP]"] + letters
    tokens += ["##" + letter for letter in letters] + [".", ",", "?"]
    special = [dict(id=i, content=tokens[i], single_word=False, lstrip=False, rstrip=False,
                    normalized=False, special=True) for i in range(5)]

    def piece(kind, name, number):
        return {kind: dict(id=name, type_id=number)}

    first = [piece("SpecialToken", "[CLS]", 0), piece("Sequence", "A", 0),
             piece("SpecialToken", "[SEP]", 0)]
    second = [piece("Sequence", "B", 1), piece("SpecialToken", "[SEP]", 1)]
    return dict(
        version="1.0", truncation=None, padding=None, added_tokens=special,
        normalizer=dict(type="BertNormalizer", clean_text=True, handle_chinese_chars=True,
                        strip_accents=None, lowercase=True),
        pre_tokenizer=dict(type="BertPreTokenizer"),
        post_processor=dict(type="TemplateProcessing", single=first, pair=first + second,
                            special_tokens={t: dict(id=t, ids=[tokens.index(t)], tokens=[t])
                                            for t in ("[CLS]", "[SEP]")}),
        decoder=dict(type="WordPiece", prefix="##", cleanup=True),
        model=dict(type="WordPiece", unk_token="[UNK]", continuing_subword_prefix="##",
                   max_input_chars_per_word=100, vocab={t: i for i, t in enumerate(tokens)}))


def write(folder, model, seed):
    folder.mkdir(parents=True, exist_ok=True)
    random = torch.Generator().manual_seed(1000 + seed)
    weights, config = Weights(model["prefix"], seed), model["config"]
    lengths, ids, types, states, scores = [1, 7, 75, 16], [], [], [], []
    for length in lengths:
        some = torch.randint(0, config["vocab_size"], (length,), generator=random)
        kinds = torch.randint(0, config.get("type_vocab_size", 1), (length,), generator=random)
        states.append(encode(model, weights, some, kinds))
        if "id2label" in config:
            scores.append(classify(model, weights, states[-1]))
        ids.append(some)
        types.append(kinds)
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()) + "\n")
    write_safetensors(folder / "model.safetensors", weights)
    expected = dict(ids=torch.cat(ids), types=torch.cat(types), lengths=torch.tensor(lengths),
                    states=torch.cat(states))
    if scores:
        expected["scores"] = torch.cat(scores)
    write_safetensors(folder / "expected.safetensors", expected)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for seed, (name, of) in enumerate(sorted(models().items())):
        write(pathlib.Path(sys.argv[1]) / name, of, seed)


main()
