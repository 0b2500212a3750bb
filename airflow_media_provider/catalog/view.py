"""How a table is read: which column has the item, and which rows are wanted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from airflow_media_provider.catalog.filter import Filter, parse_filter
from airflow_media_provider.errors import SelectionError

ITEM = "item"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a request says of a list's columns.

    :param item: the column with the item.
    :param wanted: the rows to take; None = all.
    """

    item: str = ITEM
    wanted: Filter | None = None

    @classmethod
    def of(cls, column: str | None, wanted: str | None) -> View:
        """Read both from a request; raises SelectionError for a filter that makes no sense."""
        return cls(item=column or ITEM, wanted=parse_filter(wanted) if wanted else None)

    @property
    def is_plain(self) -> bool:
        """Whether a list is read as it is when a request says nothing of its columns."""
        return self.item == ITEM and self.wanted is None

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the filter asks about."""
        return frozenset() if self.wanted is None else self.wanted.columns

    def check(self, names: Collection[str], where: str) -> None:
        """Raise SelectionError when a table with the columns ``names`` lacks one that is needed."""
        have = ", ".join(map(repr, names)) or "none"
        if self.item not in names:
            near = get_close_matches(self.item, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "say with items_column which has the item"
            raise SelectionError(f"{where}: the table has no column {self.item!r}; it has: {have}; {hint}")
        for name in sorted(self.columns):
            if name not in names:
                raise SelectionError(
                    f"{where}: items_filter asks about the column {name!r}, which the table has not; "
                    f"it has: {have}"
                )

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row is wanted; raises ValueError when one of its values cannot be compared."""
        from airflow_media_provider.catalog.row_filter import fits

        return self.wanted is None or fits(self.wanted, row)


PLAIN = View()
