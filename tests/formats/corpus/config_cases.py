"""Files config.json."""
import json


def config(corpus):
    kind = "config"
    good = {"model_type": "bert", "hidden_size": 8, "num_attention_heads": 2, "vocab_size": 10}
    corpus.add(kind, "good", json.dumps(good).encode(), "ok")
    for key, values in {
        "hidden_size": [0, -1, 8.0, "8", [], True, 2**40, 2**64],
        "num_attention_heads": [0, -12, 2.5, {}],
        "num_hidden_layers": [-1, 10**6, "12"],
        "vocab_size": [0, 2**40, -5],
        "layer_norm_eps": [-1, 2, "x"],
        "max_position_embeddings": [0, 2**32, 1.5],
        "model_type": [1, [], {}],
        "architectures": ["x", [1], {}],
        "id2label": [[], {"x": "y"}, {"-1": "y"}, {"0": None}, {"0": "a", "00": "b"}],
        "rope_theta": [0, -1],
        "head_dim": [0, 10**9],
        "intermediate_size": [0, -3],
    }.items():
        for i, value in enumerate(values):
            corpus.add(kind, f"{key}_{i}", json.dumps({**good, key: value}).encode())
    for name, raw in {
        "nan": b'{"hidden_size":NaN}',
        "infinity": b'{"layer_norm_eps":Infinity}',
        "1e999": b'{"layer_norm_eps":1e999}',
        "twice": b'{"a":1,"a":2}',
        "list": b"[]",
        "text": b'"x"',
        "empty": b"",
        "bom": b"\xef\xbb\xbf{}",
        "after": b"{}{}",
        "deep": b'{"a":' * 100 + b"1" + b"}" * 100,
        "deep_lists": b"[" * 10_000,
        "not_utf8": b'{"a":"\xff"}',
        "surrogate": b'{"a":"\\ud800"}',
        "comment": b"{/**/}",
        "quotes": b"{'a':1}",
        "cut": b'{"model_type":"be',
    }.items():
        corpus.add(kind, name, raw)
