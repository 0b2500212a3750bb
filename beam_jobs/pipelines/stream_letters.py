"""Messages that a stream sends: to listeners until they are told, of dead ones where that is quickly done."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from beam_jobs.pipelines.direct_pubsub import ATTEMPTS, REQUEST_S
from beam_jobs.storage.retry import with_retries

SENT_AT_ONCE = 500
OFFERED_S = 10.0
"""How long one bundle's letters are offered: all that the stream does waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message to a topic."""

    topic: str
    data: bytes
    attributes: dict[str, str]


class Letters:
    """Sends letters to topics."""

    def __init__(self) -> None:
        self._publisher: Any = None  # made where it is used: the pipeline is pickled before

    def send(self, letters: Iterable[Letter]) -> list[tuple[Letter, str]]:
        """Publish, and return what no waiting can publish, with the reason.

        :param letters: of one topic.
        :raises Exception: for trouble that passes.
        """
        every = list(letters)
        refused: list[tuple[Letter, str]] = []
        for first in range(0, len(every), SENT_AT_ONCE):
            some = every[first : first + SENT_AT_ONCE]
            error = self._error_of(some, attempts=ATTEMPTS)
            if error is None:
                continue
            if not (_is_refused_topic(error) or _is_refused_letter(error)):
                raise error
            if len(some) > 1 and _is_refused_letter(error):
                refused += [one for letter in some for one in self.send([letter])]
            else:
                refused += [(letter, _said(error)) for letter in some]
        return refused

    def offer(self, letters: Iterable[Letter]) -> list[tuple[Letter, str]]:
        """Publish each once, as far as time allows, and return what was not published, with the reason.

        A topic that is away or refuses is asked once, not once per letter.

        :param letters: of one topic, each perhaps as large as a request.
        """
        every = list(letters)
        refused: list[tuple[Letter, str]] = []
        end = time.monotonic() + OFFERED_S
        for number, letter in enumerate(every):
            left_s = end - time.monotonic()
            if left_s <= 0:
                late = f"{number} of {len(every)} took more than {OFFERED_S:g} s"
                return refused + [(one, late) for one in every[number:]]
            error = self._error_of([letter], attempts=1, timeout_s=min(left_s, REQUEST_S))
            if error is None:
                continue
            if not _is_refused_letter(error):
                return refused + [(one, _said(error)) for one in every[number:]]
            refused.append((letter, _said(error)))
        return refused

    def _error_of(
        self, letters: Sequence[Letter], *, attempts: int, timeout_s: float = REQUEST_S
    ) -> Exception | None:
        """Publish letters of one topic by one request, and return what went wrong."""
        from google.cloud import pubsub_v1
        from google.pubsub_v1 import PublisherClient, PubsubMessage

        try:
            if self._publisher is None:
                self._publisher = pubsub_v1.PublisherClient()
            messages = [PubsubMessage(data=letter.data, attributes=letter.attributes) for letter in letters]
            with_retries(
                lambda: PublisherClient.publish(  # the client's own takes attributes as keywords
                    self._publisher, topic=letters[0].topic, messages=messages, retry=None, timeout=timeout_s
                ),
                attempts=attempts,
            )
        except Exception as error:
            return error
        return None


def _is_refused_topic(error: Exception) -> bool:
    """Tell whether no waiting helps: the topic is not there, or not ours."""
    from google.api_core.exceptions import Forbidden, NotFound

    return isinstance(error, NotFound | Forbidden)


def _is_refused_letter(error: Exception) -> bool:
    """Tell whether no waiting helps: the message is none for the topic; others may be."""
    from google.api_core.exceptions import BadRequest

    return isinstance(error, BadRequest | TypeError | ValueError)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
