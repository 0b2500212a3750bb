#!/bin/sh
# Writes requirements.lock for every Python and platform that the project supports; keeps the pins that still fit.
# UPGRADE=1 takes the newest versions.
set -eu
cd "$(dirname "$0")/.."
uv=uv
uv --version >/dev/null 2>&1 || uv=.venvs/uv/bin/uv
exec "$uv" pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
    --generate-hashes --no-header --no-emit-index-url ${UPGRADE:+--upgrade} --quiet --output-file requirements.lock
