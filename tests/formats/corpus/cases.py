"""Where cases are written, and what all binary formats refuse alike."""
import os
import pathlib
import random

EDGES = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1]


class Corpus:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.count = 0

    def place(self, kind, name):
        self.count += 1
        path = self.folder / f"{self.count:04}_{kind}_{name}"
        path.mkdir()
        return path

    def tell(self, code, kind, path):
        print(code, kind, path.relative_to(self.folder), sep="\t")

    def add(self, kind, name, data, code="bad_file", /, **beside):
        """One file, called "model", and others beside it."""
        place = self.place(kind, name)
        (place / "model").write_bytes(data)
        for other, content in beside.items():
            (place / other.replace("__", "/")).parent.mkdir(parents=True, exist_ok=True)
            (place / other.replace("__", "/")).write_bytes(content)
        self.tell(code, kind, place / "model")
        return place


def common(corpus, kind, good, header_bytes, trailing=True):
    """What every binary format refuses: cuts, additions, bent numbers."""
    corpus.add(kind, "good", good, "ok")
    for size in range(min(65, len(good))):
        corpus.add(kind, f"first_{size}", good[:size])
    for size in range(65, header_bytes, 3):
        corpus.add(kind, f"cut_{size}", good[:size])
    dice = random.Random(7)
    for size in sorted(
        dice.sample(range(header_bytes, len(good)), min(20, len(good) - header_bytes))
    ):
        corpus.add(kind, f"cut_{size}", good[:size])
    if trailing:
        for more in (1, 33, 4096):
            corpus.add(kind, f"more_{more}", good + b"\0" * more)
    for magic in (b"GGUF", b"PK\3\4", b"\x80\2", b"\x08\x08"):
        if not good.startswith(magic):
            corpus.add(kind, f"magic_{magic.hex()}", magic + good[len(magic) :])


def bend_numbers(corpus, kind, good, fields):
    for at, width in fields:
        value = int.from_bytes(good[at : at + width], "little")
        for edge in sorted({*EDGES, len(good) - 1, len(good), len(good) + 1} - {value}):
            if edge < 256**width:
                bent = good[:at] + edge.to_bytes(width, "little") + good[at + width :]
                corpus.add(kind, f"number_{at}_{edge}", bent)


def special_files(corpus, kind, good):
    place = corpus.place(kind, "link")
    (place / "real").write_bytes(good)
    (place / "model").symlink_to("real")
    corpus.tell("bad_file", kind, place / "model")
    place = corpus.place(kind, "fifo")
    os.mkfifo(place / "model")
    corpus.tell("bad_file", kind, place / "model")
    place = corpus.place(kind, "folder")
    (place / "model").mkdir()
    corpus.tell("bad_file", kind, place / "model")
    place = corpus.place(kind, "absent")
    corpus.tell("io_error", kind, place / "model")
    place = corpus.add(kind, "sparse", good)
    os.truncate(place / "model", 2**40)
