"""What a run shows while it works."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from airflow_media_provider.cli import progress as module
from airflow_media_provider.cli.progress import RunProgress

PLAN = SimpleNamespace(counts={"downsample": {"run": 4}, "energy": {"run": 0}})
STEP = {"event": "progress", "job": "downsample", "done": 3, "failed": 1, "total": 4}
END = {"event": "finished", "job": "downsample", "counts": {"done": 3, "failed": 1, "blocked": 0}}


@pytest.fixture
def terminal(monkeypatch) -> StringIO:
    """Make the console a terminal whose text can be read."""
    shown = StringIO()
    monkeypatch.setattr(
        module, "Console", lambda **_: Console(file=shown, force_terminal=True, width=100, color_system=None)
    )
    return shown


def test_elsewhere_than_on_a_terminal_each_job_is_one_line(capsys):
    with RunProgress(PLAN) as progress:
        progress.event(STEP)
        progress.event(END)
        progress.line("a step says [red]")
    said = capsys.readouterr()
    assert said.err == "downsample: 3 done, 1 failed\na step says [red]\n"
    assert said.out == ""


def test_on_a_terminal_a_bar_tells_how_far_and_how_many_failed(terminal):
    with RunProgress(PLAN) as progress:
        progress.event(STEP)
        progress.line("a step says [red]")
    text = terminal.getvalue()
    assert "3/4" in text
    assert "1 failed" in text
    assert "a step says [red]" in text
    assert "energy" not in text, "a job with nothing to do has no bar"


def test_an_event_of_a_job_that_has_no_bar_is_let_be(terminal):
    with RunProgress(PLAN) as progress:
        progress.event({**STEP, "job": "energy"})


def test_the_bar_of_a_job_over_children_goes_up_to_their_number_not_that_of_the_items(terminal):
    with RunProgress(PLAN) as progress:
        progress.event(STEP | {"done": 30, "total": 40})
    assert "30/40" in terminal.getvalue()
