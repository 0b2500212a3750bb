"""A reading voice: eSpeak NG's library, which a Python package brings along."""

from __future__ import annotations

import ctypes
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import espeakng_loader
import numpy as np
import numpy.typing as npt

_RETRIEVE = 1
_UTF8 = 1
_RATE = 1
_PITCH = 3
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(
    text: str, *, voice: str = "en-us", speed: int = 175, pitch: int = 50
) -> tuple[npt.NDArray[np.float64], int]:
    """Return ``text`` read aloud, as samples in [-1, 1] and their rate.

    A process of its own reads it: the library remembers what it said before, and says the next a little
    differently.

    :param voice: a language, also with a variant: ``sv+m6``.
    :param speed: words a minute.
    :param pitch: 0 to 99.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_speak, text, voice, speed, pitch).result()


def _speak(text: str, voice: str, speed: int, pitch: int) -> tuple[npt.NDArray[np.float64], int]:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_RETRIEVE, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        raise RuntimeError("eSpeak NG does not start; install the package espeakng-loader again")
    parts: list[npt.NDArray[np.int16]] = []

    def take(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
        if samples and count > 0:
            parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = _CALLBACK(take)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()):
        raise ValueError(f"eSpeak NG has no voice {voice!r}; choose a language, e.g. en-us, or en-us+f4")
    library.espeak_SetParameter(_RATE, speed, 0)
    library.espeak_SetParameter(_PITCH, pitch, 0)
    encoded = text.encode()
    library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    library.espeak_Terminate()
    return np.concatenate(parts) / 32768.0, int(rate)
