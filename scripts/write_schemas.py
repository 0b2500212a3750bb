"""Publish the JSON Schemas of all artifacts: ``python -m scripts.write_schemas``."""

from __future__ import annotations

import json
from pathlib import Path

from beam_jobs.contract.schema import artifact_schema
from beam_jobs.contract.step import builtin_steps, load_step

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "schemas"


def schemas() -> dict[str, str]:
    """Return file name -> text of every schema."""
    found = {name: artifact_schema(load_step(name)) for name in builtin_steps()}
    return {
        f"{name}.json": json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        for name, schema in found.items()
        if schema
    }


def main() -> None:
    """Write them, and remove those of steps that are gone."""
    FOLDER.mkdir(exist_ok=True)
    published = schemas()
    for path in FOLDER.glob("*.json"):
        if path.name not in published:
            path.unlink()
    for name, text in published.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
