"""What policies are called, also those that are not in the register any more: what was said of them stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

GONE = "（已从登记册删除）"
"""Stands behind the last known title of a policy that is not in the register any more."""

_UNKNOWN = "（登记册中没有的政策"


class PolicyTitles:
    """Titles by id.

    Parameters
    ----------
    current:
        Those of the register.
    read_gone:
        Reads the last known titles of those that were in it: asked once, where one is wanted.

    Examples
    --------
    >>> titles = PolicyTitles({"heating": "供暖办法"}, lambda: {"water": "水价办法"})
    >>> [titles.of(one) for one in ("heating", "water", "gas")]
    ['供暖办法', '水价办法（已从登记册删除）', '（登记册中没有的政策 gas）']
    """

    def __init__(self, current: Mapping[str, str], read_gone: Callable[[], Mapping[str, str]] = dict) -> None:
        self._current = current
        self._read_gone = read_gone

    @cached_property
    def _gone(self) -> Mapping[str, str]:
        return self._read_gone()

    def all(self, meant: Callable[[str], bool]) -> dict[str, str]:
        """Id → what it is called, of all that are, or were, in the register and are meant."""
        return {name: self.of(name) for name in (*self._current, *self._gone) if meant(name)}

    def known(self, policy_id: str) -> str:
        """The title, or the last one that it had; empty where it never had one here."""
        return self._current.get(policy_id) or self._gone.get(policy_id, "")

    def of(self, policy_id: str) -> str:
        """The title; of a policy that is not in the register, it says so."""
        title = self._current.get(policy_id)
        if title is not None:
            return title
        last = self._gone.get(policy_id)
        return f"{last}{GONE}" if last is not None else f"{_UNKNOWN} {policy_id}）"


def quoted(name: str) -> str:
    """A name that `PolicyTitles.of` gave, in the marks of a title.

    Examples
    --------
    >>> quoted("供暖办法"), quoted("水价办法（已从登记册删除）"), quoted("（登记册中没有的政策 gas）")
    ('《供暖办法》', '《水价办法》（已从登记册删除）', '（登记册中没有的政策 gas）')
    """
    if name.endswith(GONE):
        return f"《{name.removesuffix(GONE)}》{GONE}"
    return name if name.startswith(_UNKNOWN) else f"《{name}》"
