"""Jobs over an item's children as tasks: each looks once the job before it has ended."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.beam]

REGISTRY = """
version: 1
name: texts
root: file://{folder}/artifacts
source: {{uri: "file://{folder}/texts/{{item}}.txt"}}
jobs:
  cut: {{step: "tests.splitting_steps:cut_words", needs: [source]}}
  shout: {{step: "tests.splitting_steps:shout", needs: [cut], max_failed: 1}}
  letters: {{step: "tests.splitting_steps:count_letters", needs: [shout]}}
"""

LINE = """
    MediaTaskGroup("texts", registry=REGISTRY, items=["good", "some", "silence"])
"""


def test_a_line_over_children_as_a_dag(catalog):
    texts = catalog.folder / "texts"
    texts.mkdir()
    for item, text in {"good": "one two", "some": "three hush", "silence": ""}.items():
        (texts / f"{item}.txt").write_text(text)
    (catalog.folder / "registry.yaml").write_text(REGISTRY.format(folder=catalog.folder))
    run = catalog.run(LINE, dag_id="children")
    assert run.state == "success"
    counts = {job: run.xcoms[f"texts.{job}.run"]["counts"] for job in ("cut", "shout", "letters")}
    assert {job: {name: n for name, n in of.items() if n} for job, of in counts.items()} == {
        "cut": {"done": 3}, "shout": {"done": 3, "failed": 1}, "letters": {"done": 3, "blocked": 1},
    }  # fmt: skip
    assert run.xcoms["texts.shout.outputs"]["run"] == 4
    # Who listens is told of items: of those of which every child is there.
    told = run.events["media.texts.letters"]
    assert catalog.read(told["manifest"]).splitlines() == ['{"item":"good"}', '{"item":"silence"}']
