"""Jobs whose artifacts would get in each other's way, or in the source's; known once suffixes are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from airflow_media_provider.errors import RegistryError
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.recipe import recipe
from beam_jobs.contract.address import Address, local_path
from beam_jobs.contract.errors import InvalidTemplate


def clashes(graph: JobGraph, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield job and message per clash.

    :param names: jobs whose step, params and inputs are right.
    """
    source = _source(graph)
    seen: dict[tuple[str, str], str] = {}
    for name in names:
        try:
            made = recipe(graph, name)
            addresses = [made.address, *([made.child_address] if made.child_address else [])]
        except RegistryError:
            continue  # the template has a fault of its own, told already
        for address in addresses:
            first = seen.setdefault((_bare(address.prefix), address.suffix), name)
            if first != name:
                message = (
                    f"writes to the same addresses as {first!r}: {address.template}; put {{job}} into it"
                )
                yield name, message
            if source is not None and _is_within(address, source):
                message = (
                    f"writes {address.template} among the source's files {source.template}, "
                    "where artifacts would be taken for items; choose another folder or suffix"
                )
                yield name, message


def _source(graph: JobGraph) -> Address | None:
    try:
        return Address.parse(graph.source, root=graph.root)
    except InvalidTemplate:
        return None  # told already


def _is_within(address: Address, source: Address) -> bool:
    folder = _bare(address.prefix).startswith(_bare(source.prefix))
    return folder and address.suffix.endswith(source.suffix)


def _bare(uri: str) -> str:
    """Return a local address without its scheme, which may be written or not."""
    local = local_path(uri)
    return uri if local is None else local
