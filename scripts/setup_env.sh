#!/bin/sh
# Finds a Python that can start the set-up; setup_env.py does the rest. PYTHON=/path chooses another one.
set -eu
here=$(dirname "$0")
for python in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    [ -n "$python" ] || continue
    # A name on the PATH may be a shim for a version that is not installed: ask it.
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        exec "$python" "$here/setup_env.py" "$@"
    fi
done
echo "No Python 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3.12 $*" >&2
exit 2
