"""The script that a child process starts with: takes over its parent's import path, then serves.

A script and not ``python -m``, because steps may come from folders that only the parent's
``sys.path`` knows.
"""

import json
import sys

if __name__ == "__main__":
    sys.path[:] = json.loads(sys.argv[1])
    from beam_jobs.isolation.child import serve

    serve(fd=int(sys.argv[2]), tally=int(sys.argv[3]), parent=int(sys.argv[4]))
