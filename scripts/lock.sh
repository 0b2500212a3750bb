#!/bin/sh
# Writes requirements.lock for every Python and platform that the project supports; keeps the pins that still fit.
# UPGRADE=1 takes the newest versions.
set -eu
cd "$(dirname "$0")/.."
uv=uv
uv --version >/dev/null 2>&1 || uv=.venvs/uv/bin/uv
lock() {
    "$uv" pip compile "$@" --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
        ${UPGRADE:+--upgrade} --quiet
}
lock pyproject.toml --all-extras --group dev --output-file requirements.lock
# The environment in which Airflow 2 is tried; its workers are those of the other.
lock pyproject.toml --extra airflow tests/airflow2/requirements.in --output-file requirements-airflow2.lock
