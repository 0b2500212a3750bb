"""Makes ``.venv``: everything that is locked, and the project itself. Quick when nothing changed.

With the argument ``airflow2`` it makes ``.venv-airflow2``, in which the tests for Airflow 2 run Airflow.

Standard library only, since this runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
UV_VENV = PROJECT / ".venvs" / "uv"
UV_VERSION = "uv>=0.5,<1"
OLDEST = (3, 11)


@dataclass(frozen=True)
class Target:
    """One environment."""

    venv: Path
    lock: Path
    too_new: tuple[int, int]

    @property
    def stamp(self) -> Path:
        """Says for which files the set-up was done."""
        return self.venv / ".set-up"


TARGETS = {
    "": Target(PROJECT / ".venv", PROJECT / "requirements.lock", (3, 14)),
    "airflow2": Target(PROJECT / ".venv-airflow2", PROJECT / "requirements-airflow2.lock", (3, 13)),
}


class SetUpError(Exception):
    """The set-up cannot go on; the message says what to do."""


def main() -> int:
    """Set up unless the stamp says that it was done for the same files."""
    target = TARGETS["".join(sys.argv[1:2])]
    wanted = fingerprint(target)
    if target.stamp.exists() and target.stamp.read_text() == wanted and works(target):
        return 0
    started = time.monotonic()
    try:
        uv = bring_uv()
        make_venv(uv, target)
        install(uv, target)
    except SetUpError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 2
    target.stamp.write_text(wanted)
    print(f"set-up: {target.venv.name} is ready after {time.monotonic() - started:.0f} s", flush=True)
    return 0


def fingerprint(target: Target) -> str:
    """Return a hash of all that decides what an environment holds."""
    digest = hashlib.sha256()
    for path in (target.lock, PROJECT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    # An editable install points at this folder: a copied or moved checkout needs a new one.
    digest.update(str(PROJECT).encode())
    return digest.hexdigest()


def bring_uv() -> str:
    """Return a ``uv`` that runs: the one on the PATH, else one installed beside ``.venv`` by pip."""
    for candidate in (shutil.which("uv"), str(UV_VENV / "bin" / "uv")):
        if candidate and succeeds(candidate, "--version"):
            return candidate
    say("bringing uv by pip")
    try:
        venv.create(UV_VENV, with_pip=True, clear=True)
    except (OSError, subprocess.CalledProcessError):
        install_venv_package()
        venv.create(UV_VENV, with_pip=True, clear=True)
    run(str(UV_VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", UV_VERSION)
    return str(UV_VENV / "bin" / "uv")


def install_venv_package() -> None:
    """Install what Debian and Ubuntu split from Python, without which no pip can be had."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    apt = shutil.which("apt-get")
    if apt and (not sudo or shutil.which("sudo")):
        say(f"installing {package}, which this Python needs to make environments")
        if subprocess.run([*sudo, apt, "install", "-y", package], check=False).returncode == 0:
            return
    raise SetUpError(
        f"{sys.executable} cannot make environments with pip. Install its package {package}, or uv."
    )


def make_venv(uv: str, target: Target) -> None:
    """Make the environment with this Python, or with one that uv finds when this one is too new."""
    if works(target):
        return
    fits = OLDEST <= sys.version_info[:2] < target.too_new
    python = sys.executable if fits else f">={dotted(OLDEST)},<{dotted(target.too_new)}"
    run(uv, "venv", "--clear", "--python", python, str(target.venv))


def install(uv: str, target: Target) -> None:
    """Bring the environment to exactly what the lock says, hashes checked, and add the project itself."""
    say("installing the locked packages (a few minutes the first time)")
    python = ("--python", str(target.venv / "bin" / "python"))
    # On a terminal there are progress bars; a log would get hundreds of package names.
    quiet = () if sys.stderr.isatty() else ("--quiet",)
    run(uv, "pip", "sync", *quiet, *python, "--require-hashes", "--compile-bytecode", str(target.lock))
    run(
        uv,
        "pip",
        "install",
        *python,
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--editable",
        str(PROJECT),
    )


def works(target: Target) -> bool:
    """Tell whether a virtual environment is there, runs, and has a Python that the project supports."""
    code = f"import sys; sys.exit(not {OLDEST} <= sys.version_info[:2] < {target.too_new})"
    python = target.venv / "bin" / "python"
    return python.exists() and succeeds(str(python), "-c", code)


def succeeds(*command: str) -> bool:
    """Tell whether a command runs and exits with 0."""
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def run(*command: str) -> None:
    """Run a command with its output shown; a failure is a sentence."""
    env = {name: value for name, value in os.environ.items() if name not in CONFUSING}
    if any(Path(bundle).exists() for bundle in CA_BUNDLES):
        # uv trusts its own list only; behind a company's proxy the system's list is the one that works.
        env = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1", **env}
    if subprocess.run(command, check=False, env=env, stdin=subprocess.DEVNULL, cwd=PROJECT).returncode:
        raise SetUpError(f"this command failed (its own words are above): {' '.join(command)}")


CONFUSING = frozenset({"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"})
"""Variables that would send an install elsewhere or leave it without bytecode, which doubles every start."""


CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"set-up: {text}", flush=True)


def dotted(version: tuple[int, int]) -> str:
    """Return ``(3, 11)`` as ``3.11``."""
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(main())
