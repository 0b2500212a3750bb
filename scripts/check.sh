#!/bin/sh
# Everything that a change must pass, from quick to slow; pytest's closing line is the last one printed.
# Arguments go to pytest: sh scripts/check.sh -m "not scheduler"; -n 0 runs the tests in one process.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE
bin=.venv/bin
paths="airflow_media_provider beam_jobs tests scripts"
for more in dags benchmarks; do
    [ ! -d "$more" ] || paths="$paths $more"
done
$bin/ruff check $paths
$bin/ruff format --check $paths
$bin/mypy
$bin/lint-imports
# One process for the tests that wait for servers, one for the others (tests/conftest.py).
exec $bin/python -m pytest -n 2 --dist loadscope "$@"
