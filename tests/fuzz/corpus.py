"""A folder of hostile files, the same for the same seed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path
from random import Random

from tests.fuzz.crafted import CRAFTED, references
from tests.fuzz.mutations import MUTATIONS, splice
from tests.fuzz.originals import AUDIO, DOCUMENTS, IMAGES, VIDEOS, contents

KINDS: Mapping[str, Mapping[str, Callable[[Path], None]]] = {
    "audio": AUDIO, "image": IMAGES, "video": VIDEOS,
    **{name: {name: make} for name, make in DOCUMENTS.items()},
}  # fmt: skip
"""Name of a step's input -> the formats that it may be."""

DEVICE_NAMES = (
    "con", "nul.wav", "-", "--help", "-i", "pipe:0", "concat:a|b", "file:x", "http:__127.0.0.1_x", "data:,x",
    "subfile,,start,0,end,9,,:x", "%d.png", "[x]*?", "a\u202egnp.3pm", "`true`", "$(true)", "; true", "~",
)  # fmt: skip

NOWHERE = "/nonexistent/canary"


def write_corpus(folder: Path, kind: str, *, count: int, seed: int) -> list[str]:
    """Write files to try the steps with that take ``kind``; return their names.

    First those that are made by hand and whole files under odd names, then, up to ``count``, mutations of
    every format by every mutation in turn, and splices of two formats.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for name, whole in islice(_files(kind, seed), count):
        (folder / name).write_bytes(whole)
        names.append(name)
    return names


def _files(kind: str, seed: int) -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        originals = {name: contents(make, Path(folder)) for name, make in KINDS[kind].items()}
    for name, make in CRAFTED.items():
        yield f"crafted {name}", make()
    for name, whole in references(NOWHERE).items():
        yield f"reference {name}", whole
    for odd, whole in zip(DEVICE_NAMES, cycle(originals.values()), strict=False):
        yield odd, whole
    yield from _mutated(originals, Random(f"{kind} {seed}"))


def _mutated(originals: dict[str, bytes], draw: Random) -> Iterator[tuple[str, bytes]]:
    ways = [*MUTATIONS, "splice"]
    number = 0
    while True:
        formats = list(originals)
        draw.shuffle(formats)
        for format, way in zip(formats, islice(cycle(ways), number % len(ways), None), strict=False):
            whole = originals[format]
            bad = (
                splice(whole, originals[draw.choice(formats)], draw)
                if way == "splice"
                else MUTATIONS[way](whole, draw)
            )
            yield f"{number:05} {way} {format}", bad
            number += 1
