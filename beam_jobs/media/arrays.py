"""Array artifacts: ``.npz`` files that say what they hold, and whose bytes follow from their values.

``numpy.load`` reads them; the header is the entry ``header.json``.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from beam_jobs.contract.errors import UndecodableMedia

HEADER: Final = "header.json"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def write_arrays(
    path: Path,
    arrays: Mapping[str, npt.NDArray[Any]],
    *,
    step: str,
    version: str,
    units: Mapping[str, str],
    axes: Mapping[str, str],
    rate_hz: float,
    hop: int | None,
) -> None:
    """Write arrays and a header.

    :param step: name of the step that made them, and its ``version``.
    :param units: array -> what its values are measured in.
    :param axes: array -> what its axes are, e.g. ``frame, band``.
    :param rate_hz: samples per second of what was analysed.
    :param hop: samples from one frame to the next; None when there are no frames.
    """
    header = {
        "step": step, "version": version, "rate_hz": rate_hz, "hop": hop,
        "arrays": {
            name: {
                "unit": units[name], "axes": axes[name],
                "shape": list(array.shape), "dtype": array.dtype.name,
            }
            for name, array in arrays.items()
        },
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        _put(file, HEADER, json.dumps(header, sort_keys=True).encode())
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            _put(file, f"{name}.npy", content.getvalue())


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return the header and the arrays of a file that :func:`write_arrays` wrote."""
    try:
        with zipfile.ZipFile(path) as file:
            header = json.loads(file.read(HEADER))
        with np.load(path, allow_pickle=False) as file:
            return header, {name: file[name] for name in header["arrays"]}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UndecodableMedia(f"{path.name} is no array artifact: {error}") from error


def _put(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add an entry without the time of writing."""
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    file.writestr(entry, content)
