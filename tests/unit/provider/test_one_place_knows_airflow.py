"""Only ``compat.py`` imports what differs between versions of Airflow."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[3] / "airflow_media_provider"

DIFFERS = (
    "airflow.sdk", "airflow.triggers", "airflow.timetables", "airflow.models.baseoperator", "airflow.sensors",
    "airflow.datasets", "airflow.hooks", "airflow.exceptions", "airflow.configuration",
    "airflow.providers.common.compat",
)  # fmt: skip

ONLY_AIRFLOW_3 = ("plugin/app.py", "plugin/run_view.py", "plugin/__init__.py", "cli/")
"""Pages and commands that Airflow 2 has no place for."""


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_no_other_module_imports_what_differs():
    wrong = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name == "compat.py" or name.startswith(ONLY_AIRFLOW_3):
            continue
        bad = sorted(module for module in imports(path) if module.startswith(DIFFERS))
        if bad:
            wrong[name] = bad
    assert wrong == {}
    assert "airflow.triggers.base" in imports(PACKAGE / "compat.py"), "the walk sees imports"
