"""The published schemas are those of the steps as they are."""

from __future__ import annotations

import json

import jsonschema
import pytest

from beam_jobs.contract.step import builtin_steps, load_step
from scripts.write_schemas import FOLDER, schemas


def test_the_published_schemas_are_current():
    published = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert published == schemas(), "run python -m scripts.write_schemas"


@pytest.mark.parametrize("name", builtin_steps())
def test_every_step_that_makes_json_publishes_a_schema_with_units(name):
    step = load_step(name)
    text = schemas().get(f"{name}.json")
    assert (text is not None) == (step.result is not None)
    assert text is not None or step.makes != ".json"
    if text is None:
        return
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert (schema["step"], schema["version"]) == (name, step.version)
    for part in (schema, *schema.get("$defs", {}).values()):
        for field, told in part.get("properties", {}).items():
            assert told["unit"], field
            assert told["description"], field
            if "array" in (told.get("type"), *(one.get("type") for one in told.get("anyOf", ()))):
                assert told["shape"], field
