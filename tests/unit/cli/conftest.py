"""The commands in this process, over tiny files that no plan opens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_media_provider.cli.definition import get_media_cli_commands

REGISTRY = """\
version: 1
root: file://{folder}/artifacts
source: {{uri: "file://{folder}/songs/{{item}}.ogg"}}
jobs:
  downsample: {{step: downsample, needs: [source], team: platform}}
  beat_tracking: {{step: beat_tracking, needs: [downsample], team: a}}
  energy: {{step: energy, needs: [downsample, beat_tracking], team: a, max_failed: 0.01}}
  loudness: {{step: loudness, needs: [source]}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


class Commands:
    """Runs ``airflow media …`` in a folder with a registry and songs.

    :param folder: with ``registry.yaml`` and ``songs/``.
    """

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.registry = folder / "registry.yaml"
        self._capture = capture
        (group,) = get_media_cli_commands()
        self._parser = argparse.ArgumentParser()
        commands = self._parser.add_subparsers()
        for command in group.subcommands:
            parser = commands.add_parser(command.name)
            for argument in command.args:
                argument.add_to_parser(parser)
            parser.set_defaults(func=command.func)

    def __call__(self, *words: str, registry: str | None = None) -> Said:
        """Run one command; it gets the registry unless ``registry`` is ""."""
        given = str(self.registry) if registry is None else registry
        args = self._parser.parse_args([*words, *(["--registry", given] if given else [])])
        with pytest.raises(SystemExit) as ended:
            args.func(args)
        said = self._capture.readouterr()
        return Said(code=int(ended.value.code or 0), out=said.out, err=said.err)

    def add_song(self, item: str) -> None:
        """Put an item's file where the source has it."""
        path = self.folder / "songs" / f"{item}.ogg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not opened by a plan")

    def make(self, job: str, item: str) -> None:
        """Put an item's artifact where the job would."""
        from airflow_media_provider.registry.load import load_registry
        from airflow_media_provider.registry.recipe import recipe

        path = Path(recipe(load_registry(self.registry), job).address.of(item).removeprefix("file://"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")


@pytest.fixture
def media(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Songs ``rock/a`` and ``rock/b``, four jobs, and the commands."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "registry.yaml").write_text(REGISTRY.format(folder=tmp_path))
    commands = Commands(tmp_path, capsys)
    commands.add_song("rock/a")
    commands.add_song("rock/b")
    return commands


@pytest.fixture
def write_steps(media: Commands) -> Iterator[Callable[[str], None]]:
    """Write the module ``steps_beside`` next to the registry, and a registry of one job that uses it."""

    def write(body: str) -> None:
        (media.folder / "steps_beside.py").write_text(STEP + body)
        text = media.registry.read_text().partition("jobs:")[0]
        media.registry.write_text(text + 'jobs:\n  own: {step: "steps_beside:own", needs: [source]}\n')

    yield write
    sys.modules.pop("steps_beside", None)


STEP = """
from beam_jobs.contract.step import step

@step("own", version="1", makes=".json")
def own(call, params):
    return {}
"""
