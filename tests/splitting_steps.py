"""Steps that split texts into words and work on the words: many items of one, small enough to look at."""

from __future__ import annotations

from typing import Any

from beam_jobs.contract.step import StepInput, StepParams, step

TEXT = StepInput(name="text")
WORD = StepInput(name="word", suffixes=(".word",))
SHOUT = StepInput(name="shout", suffixes=(".shout",))
INDEX = StepInput(name="index", suffixes=(".json",))


@step("cut_words", version="1", makes=".json", takes=(TEXT,), children=".word")
def cut_words(call: Any, params: StepParams) -> Any:
    """Make a child of each word."""
    for word in call.path("text").read_text().split():
        call.child().write_text(word)
    return {"children": [{"name": name} for name in call.children]}


class CutParams(StepParams):
    """How the children's files end."""

    suffix: str = ".word"


@step(
    "cut_as_told", version="1", makes=".json", takes=(TEXT,), params=CutParams,
    children=lambda params: params.suffix,
)  # fmt: skip
def cut_as_told(call: Any, params: CutParams) -> Any:
    """Split; how the children's files end is a parameter."""
    return {}


@step("cut_again", version="1", makes=".json", takes=(WORD,), children=".letter")
def cut_again(call: Any, params: StepParams) -> Any:
    """Split what was split, which no registry may ask for."""
    return {}


class ShoutParams(StepParams):
    """What a shout ends with."""

    mark: str = "!"


@step("shout", version="1", makes=".shout", takes=(WORD,), params=ShoutParams)
def shout(call: Any, params: ShoutParams) -> Any:
    """Shout a word, but one."""
    word = call.path("word").read_text()
    if word == "hush":
        raise ValueError("nobody shouts that")
    return (word.upper() + params.mark).encode()


@step("shout_anything", version="1", makes=".shout", takes=(StepInput(name="anything"),))
def shout_anything(call: Any, params: StepParams) -> Any:
    """Shout whatever it is given."""
    return call.path("anything").read_bytes().upper()


@step("count_letters", version="1", makes=".json", takes=(SHOUT,))
def count_letters(call: Any, params: StepParams) -> Any:
    """Count what is shouted."""
    return {"letters": len(call.path("shout").read_text())}


@step("place", version="1", makes=".json", takes=(WORD, INDEX, TEXT))
def place(call: Any, params: StepParams) -> Any:
    """Say of a word in how many it stands; the index and the text are those of the whole."""
    words = call.path("text").read_text().split()
    assert len(words) == len(call.json("index")["children"])
    return {"word": call.path("word").read_text(), "of": len(words)}


@step("count_words", version="1", makes=".count", takes=(INDEX,))
def count_words(call: Any, params: StepParams) -> Any:
    """Count the children of a text by the index alone."""
    return str(len(call.json("index")["children"])).encode()


@step("pair", version="1", makes=".pair", takes=(WORD, SHOUT))
def pair(call: Any, params: StepParams) -> Any:
    """Put a word beside its shout."""
    return call.path("word").read_bytes() + call.path("shout").read_bytes()
