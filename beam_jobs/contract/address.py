"""Where an artifact lives: address templates, and the way back from an address to its item.

URIs are a scheme and a literal path. Nothing is percent-decoded, so an id with ``%2F`` in it is a
name with four characters and never a second directory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from beam_jobs.contract.errors import InvalidTemplate
from beam_jobs.contract.item import check_item_id

_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Address:
    """The addresses of one job's artifacts: ``prefix + item + suffix``."""

    prefix: str
    suffix: str

    @classmethod
    def parse(cls, template: str, **values: str) -> Address:
        """Fill ``values`` into ``template`` and split it at its one ``{item}``.

        :param template: e.g. ``{root}/custom/{item}.json``.
        :param values: what to put in the other fields, e.g. ``root``, ``job``, ``fingerprint``.
        :raises InvalidTemplate: for an unknown field, or not exactly one ``{item}``.
        """
        allowed = {"item", *values}
        for name in _FIELD.findall(template):
            if name not in allowed:
                fields = ", ".join(f"{{{field}}}" for field in sorted(allowed))
                raise InvalidTemplate(f"template {template!r}: unknown field {{{name}}}; use {fields}")
        if template.count("{item}") != 1:
            raise InvalidTemplate(f"template {template!r}: must hold {{item}} exactly once")
        before, _, after = template.partition("{item}")

        def fill(text: str) -> str:
            return _FIELD.sub(lambda match: values[match[1]], text)

        prefix, suffix = fill(before), fill(after)
        if "/" in suffix:
            raise InvalidTemplate(f"template {template!r}: {{item}} must stand in the last path segment")
        return cls(prefix=prefix, suffix=suffix)

    @property
    def template(self) -> str:
        """The template with only ``{item}`` left to fill."""
        return f"{self.prefix}{{item}}{self.suffix}"

    def of(self, item: str) -> str:
        """Return the address of ``item``'s artifact; raises InvalidItemId for an id that is none."""
        return f"{self.prefix}{check_item_id(item)}{self.suffix}"

    def item_of(self, uri: str) -> str | None:
        """Return the item whose artifact ``uri`` is, or None when it is not one of this job's."""
        if not (uri.startswith(self.prefix) and uri.endswith(self.suffix)):
            return None
        end = len(uri) - len(self.suffix)
        return uri[len(self.prefix) : end] if end > len(self.prefix) else None


def local_path(uri: str) -> str | None:
    """Return the path of a ``file://`` URI or a plain path, or None for another scheme."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return uri
    return rest if scheme == "file" else None


def with_scheme(uri: str) -> str:
    """Return ``uri`` with a scheme: an absolute local path becomes a ``file://`` URI."""
    return uri if "://" in uri else f"file://{uri}"
