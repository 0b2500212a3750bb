"""Array artifacts: ``.npz`` files that say what they hold, and whose bytes follow from their values.

``numpy.load`` reads them; the header is the entry ``header.json``.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.spool import Streamed

HEADER: Final = "header.json"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_PIECE_BYTES: Final = 1 << 20
_ZIP64_FROM: Final = (1 << 31) - (1 << 20)


def write_arrays(
    path: Path,
    arrays: Mapping[str, npt.NDArray[Any] | Streamed],
    *,
    step: str,
    version: str,
    units: Mapping[str, str],
    axes: Mapping[str, str],
    rate_hz: float,
    hop: int | None,
    params: Mapping[str, Any] | None = None,
    compress: bool = True,
) -> None:
    """Write arrays and a header.

    :param arrays: as arrays, or as :class:`~beam_jobs.media.spool.Streamed` what does not fit in memory.
    :param step: name of the step that made them, and its ``version``.
    :param units: array -> what its values are measured in.
    :param axes: array -> what its axes are, e.g. ``frame, band``.
    :param rate_hz: samples per second of what was analysed.
    :param hop: samples from one frame to the next; None when there are no frames.
    :param params: of the step, as JSON has them, defaults too: what the arrays mean without their address.
    :param compress: False for numbers like noise, where deflating takes longer than making them.
    """
    header = {
        "step": step, "version": version, "rate_hz": rate_hz, "hop": hop,
        **({} if params is None else {"params": dict(params)}),
        "arrays": {
            name: {
                "unit": units[name], "axes": axes[name],
                "shape": list(array.shape), "dtype": array.dtype.name,
            }
            for name, array in arrays.items()
        },
    }  # fmt: skip
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w") as file:
        text = json.dumps(header, sort_keys=True).encode()
        _put(file, HEADER, iter([text]), len(text), zipfile.ZIP_DEFLATED)
        for name, array in arrays.items():
            bytes_in_all = int(np.prod(array.shape)) * array.dtype.itemsize
            _put(file, f"{name}.npy", _npy(array), bytes_in_all, method)


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return the header and the arrays of a file that :func:`write_arrays` wrote."""
    try:
        with zipfile.ZipFile(path) as file:
            header = json.loads(file.read(HEADER))
        with np.load(path, allow_pickle=False) as file:
            return header, {name: file[name] for name in header["arrays"]}
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise UndecodableMedia(f"{path.name} is no array artifact: {error}") from error


def _npy(array: npt.NDArray[Any] | Streamed) -> Iterator[bytes | memoryview]:
    """Yield a ``.npy`` file in pieces."""
    head = io.BytesIO()
    layout = {
        "descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape,
    }  # fmt: skip
    np.lib.format.write_array_header_1_0(head, layout)
    yield head.getvalue()
    pieces = array.pieces() if isinstance(array, Streamed) else iter([array])
    for piece in pieces:
        flat = np.ascontiguousarray(piece, array.dtype).reshape(-1).view(np.uint8).data
        for start in range(0, len(flat), _PIECE_BYTES):
            yield flat[start : start + _PIECE_BYTES]


def _put(
    file: zipfile.ZipFile, name: str, content: Iterator[bytes | memoryview], size: int, method: int
) -> None:
    """Add an entry of about ``size`` bytes, without the time of writing."""
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = method
    entry.external_attr = 0o600 << 16
    with file.open(entry, "w", force_zip64=size >= _ZIP64_FROM) as into:
        for piece in content:
            into.write(piece)
