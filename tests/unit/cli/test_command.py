"""What every command owes: the answer alone on standard output, errors as one sentence, codes 0, 1, 2."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def test_what_a_step_prints_while_it_is_imported_does_not_spoil_the_answer(media, write_steps):
    write_steps("print('hello from a step')\nimport logging; logging.getLogger('x').warning('careful')\n")
    said = media("plan", "-i", "rock/a", "-o", "json")
    assert json.loads(said.out) == {"jobs": {"own": {"run": 1, "present": 0, "blocked": 0}}}
    assert "hello from a step" in said.err


def test_faults_of_the_registry_are_code_2_each_on_a_line(media):
    media.registry.write_text(media.registry.read_text().replace("team: a", "taem: a"))
    said = media("jobs")
    assert said.code == 2
    assert said.err.splitlines() == [
        f"error: {media.registry}:6: job 'beat_tracking': key 'taem' is not known; did you mean 'team'?",
        f"error: {media.registry}:7: job 'energy': key 'taem' is not known; did you mean 'team'?",
    ]


def test_no_registry_says_how_to_give_one(media):
    said = media("jobs", registry="")
    assert said.code == 2
    assert said.err == "error: no registry; give --registry FILE, or set [media] registry\n"


def test_the_registry_may_come_from_the_configuration(media, monkeypatch):
    monkeypatch.setenv("AIRFLOW__MEDIA__REGISTRY", str(media.registry))
    assert media("jobs", registry="").code == 0


def test_an_overlay_may_be_laid_upon_the_registry(media):
    over = media.folder / "test.yaml"
    over.write_text("jobs:\n  loudness: {team: listening}\n")
    assert "listening" in media("jobs", "--overlay", str(over)).out
    said = media("jobs", "--overlay", "tset")
    assert said.code == 2
    assert "overlay 'tset' is not known" in said.err


def test_an_unexpected_error_is_not_taken_for_failed_items(media, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise TypeError("not foreseen")

    monkeypatch.setattr("airflow_media_provider.registry.load.load_registry", broken)
    said = media("jobs")
    assert (said.code, said.err) == (2, "error: TypeError: not foreseen (--verbose shows where)\n")


def test_an_interrupt_says_how_to_go_on(media, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("airflow_media_provider.registry.load.load_registry", interrupted)
    said = media("jobs")
    assert said.code == 130
    assert "the same command goes on from there" in said.err


@pytest.mark.parametrize("module", ["definition", "jobs"])
def test_what_every_airflow_command_imports_stays_light(module):
    code = (
        f"import sys, airflow_media_provider.cli.{module}\n"
        "heavy = {'apache_beam', 'librosa', 'numpy', 'pyarrow', 'scipy', 'soundfile', 'av'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
