"""A job on small text files in a folder: what the Beam tests launch and then look at."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.manifest import ManifestRow, encode_row
from beam_jobs.contract.report import ReportRow, decode_report_row
from beam_jobs.run import main

PROJECT = Path(__file__).resolve().parents[2]
MOOD = "tests.beam.steps_for_tests:mood"


@dataclass
class JobFolder:
    """Inputs, manifest, artifacts and report of one job under ``path``."""

    path: Path
    changes: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def add(self, *items: str, text: str | None = None, **row: bool) -> None:
        """Write an input per item, whose text chooses what the step does, and list it in the manifest."""
        for item in items:
            file = self.path / "in" / f"{item}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text if text is not None else item)
            self.list(item, **row)

    def list(self, *items: str, **row: bool) -> None:
        """List items in the manifest without an input."""
        self.lines += [encode_row(ManifestRow(item=item, **row)) for item in items]

    @property
    def spec(self) -> LaunchSpec:
        facts: dict[str, Any] = {
            "run_id": "test", "job": "mood", "step": MOOD, "manifest": f"{self.path}/manifest.jsonl",
            "total": len(self.lines), "inputs": {"text": f"file://{self.path}/in/{{item}}.txt"},
            "output": f"file://{self.path}/out/{{item}}.json", "report": f"file://{self.path}/report",
            "limits": {"timeout_s": 60}, "concurrency": 1,
        }  # fmt: skip
        return LaunchSpec.model_validate({**facts, **self.changes})

    def write(self) -> str:
        """Write manifest and launch spec; return the spec's path."""
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "manifest.jsonl").write_text("".join(f"{line}\n" for line in self.lines))
        target = self.path / "launch.json"
        target.write_text(self.spec.model_dump_json())
        return str(target)

    def run(self) -> dict[str, ReportRow]:
        """Run the job in this process; return its report by item."""
        code = main([self.write()])
        assert code == 0
        return self.rows()

    def start(self, *args: str, new_session: bool = False) -> subprocess.Popen[str]:
        """Start the job in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "beam_jobs.run", self.write(), *args],
            cwd=PROJECT, start_new_session=new_session, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def rows(self) -> dict[str, ReportRow]:
        """Read the report; each item must have exactly one row."""
        rows = [
            decode_report_row(line)
            for part in sorted((self.path / "report").glob("part-*.jsonl"))
            for line in part.read_text().splitlines()
        ]
        twice = [item for item, count in Counter(row.item for row in rows).items() if count > 1]
        assert not twice, f"items with more than one row: {twice}"
        return {row.item: row for row in rows}

    def summary(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.path / "report" / "summary.json").read_text())
        return content

    def artifacts(self) -> dict[str, bytes]:
        """Return every file under the output root, unfinished ones included."""
        root = self.path / "out"
        files = (path for path in root.rglob("*") if path.is_file()) if root.exists() else ()
        return {str(path.relative_to(root)): path.read_bytes() for path in files}

    def artifact(self, item: str) -> Any:
        return json.loads((self.path / "out" / f"{item}.json").read_text())
