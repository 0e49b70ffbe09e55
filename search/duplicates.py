"""A page that shows each group of duplicates once, at the place of the one that comes first.

Made from pages of plain matches, so that cursors, sorting and scope are those of the engine. A match is shown where it
is the first of all matches of its group; groups met on this page are left out of what is fetched further, so that a
story with thousands of copies costs one more fetch, not thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from search.found import Copies, Found

LEAST_FETCH = 50

Fetch = Callable[[str | None, Sequence[str], int], tuple[Sequence[Found], bool]]
"""(cursor, groups to leave out, how many) → matches, and whether more follow."""

FirstOf = Callable[[Sequence[str]], Mapping[str, Copies]]
"""Groups → what is known of the matches in each."""


def page_of_groups(
    fetch: Fetch, first_of: FirstOf, *, size: int, after: str | None
) -> tuple[list[tuple[Found, int]], str | None]:
    """One page.

    Returns
    -------
    The first match of each group with how many matches the group has, and the cursor of the next page.
    """
    shown: list[tuple[Found, int]] = []
    met: dict[str, Copies] = {}
    cursor = after
    while True:
        matches, more = fetch(cursor, list(met), max(LEAST_FETCH, size + 1))
        new = dict.fromkeys(
            match.record.duplicate.group for match in matches if match.record.duplicate.group not in met
        )
        met |= first_of(list(new))
        for match in matches:
            copies = met[match.record.duplicate.group]
            if match.record.document.id != copies.first:
                continue
            if len(shown) == size:
                return shown, shown[-1][0].cursor
            shown.append((match, copies.matches))
        if not more or not matches:
            return shown, None
        cursor = matches[-1].cursor
