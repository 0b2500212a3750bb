"""``${NAME}`` and ``${NAME:-default}`` in addresses and options, as a shell reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_USE = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


def fill(text: str, environ: Mapping[str, str], fault: Callable[[str], None]) -> str:
    """Return ``text`` with its variables filled in; ``$${`` stays ``${``.

    :param fault: told of a variable that is not set and has no default, and of a name that is none.
    """

    def one(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        use = _NAME.fullmatch(match[1])
        if use is None or not match[2]:
            fault(f"{text!r}: {match[0]!r} is no variable; write ${{NAME}} or ${{NAME:-default}}")
            return match[0]
        name, default = use[1], use[2]
        if environ.get(name):
            return environ[name]
        if default is not None:
            return str(default)
        if name in environ:
            return ""
        fault(f"{text!r}: the environment has no {name}; set it or write ${{{name}:-default}}")
        return match[0]

    return _USE.sub(one, text)


def fill_all(value: Any, environ: Mapping[str, str], fault: Callable[[str], None]) -> Any:
    """Fill the variables of every string in a nested value."""
    if isinstance(value, str):
        return fill(value, environ, fault)
    if isinstance(value, Mapping):
        return {key: fill_all(entry, environ, fault) for key, entry in value.items()}
    if isinstance(value, list):
        return [fill_all(entry, environ, fault) for entry in value]
    return value
