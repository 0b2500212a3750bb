"""``steps``: what there is, what it can be told and what it gives."""

from __future__ import annotations

import json

import jsonschema
import pytest

from beam_jobs.contract.step import builtin_steps


def test_every_step_is_listed_with_what_it_takes_and_makes(media):
    rows = json.loads(media("steps", "-o", "json", registry="").out)
    assert [row["step"] for row in rows] == builtin_steps()
    made = {row["step"]: (row["takes"], row["makes"]) for row in rows}
    assert made["energy"] == ("audio, beats", ".json")
    assert made["downsample"] == ("audio", ".flac (by params)")
    assert all(row["what"] and row["version"] for row in rows)


def test_one_step_is_told_with_units_shapes_and_defaults(media):
    lines = [line.strip() for line in media("steps", "loudness", registry="").out.splitlines()]
    assert lines[0].startswith("loudness, version ")
    assert "curve_step_s: number, default 1.0" in lines
    assert any(line.startswith("integrated_lufs: number or null, LUFS ") for line in lines)
    assert any(line.startswith("short_term_lufs: list of number, LUFS, (steps,) ") for line in lines)


def test_values_inside_of_lists_are_told_by_their_path(media):
    assert "children[].start_s: number, s" in media("steps", "split", registry="").out


def test_schemas_are_json_schemas(media):
    whole = json.loads(media("steps", "key", "-o", "json", registry="").out)
    for which in ("artifact", "params"):
        schema = json.loads(media("steps", "key", "--schema", which, registry="").out)
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema == whole[which]


def test_a_step_beside_the_registry_is_found(media):
    (media.folder / "team_steps.py").write_text(
        "from beam_jobs.contract.step import step\n"
        "@step('count', version='3', makes='.json')\n"
        "def count(call, params):\n"
        "    '''Count.'''\n"
    )
    assert media("steps", "team_steps:count").out.startswith("count, version 3: audio -> .json")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["loudnes"], "did you mean 'loudness'"),
        (["--schema", "params"], "--schema is of one step; give its name"),
        (["mfcc", "--schema", "artifact"], "step 'mfcc' publishes no schema: it makes .npz"),
        (["no.such:step"], "cannot import 'no.such'"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(media, words, told):
    said = media("steps", *words, registry="")
    assert (said.code, told in said.err) == (2, True), said.err
