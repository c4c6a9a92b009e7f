#!/usr/bin/env python3
"""Writes bad files, at least one for each row of what readers must refuse, into a new folder.

make_corpus.py FOLDER prints a line per case: expected code, format, path in FOLDER. The code "ok"
marks the few good ones, which show that the readers read at all. Uses the standard library only.
"""
import sys

from cases import Corpus
from config_cases import config
from gguf_cases import gguf
from onnx_cases import onnx
from pytorch_cases import pytorch
from safetensors_cases import index, safetensors


def main():
    corpus = Corpus(sys.argv[1])
    for make in (safetensors, index, gguf, onnx, pytorch, config):
        make(corpus)


if __name__ == "__main__":
    main()
