"""What one version of a policy has that another has not."""

from __future__ import annotations

from typing import Any

import msgspec

from minsheng.policies.model import Policy


def differences(before: Policy | None, after: Policy) -> list[tuple[str, str, str]]:
    """Field, what it said and what it says, of the fields that differ; everything where there was nothing before.

    Examples
    --------
    >>> old = Policy(id="water", title="供水办法", aliases=("水价",))
    >>> differences(old, Policy(id="water", title="供水办法", aliases=("水价", "水费")))
    [('aliases', '水价', '水价、水费')]
    """
    found = []
    for field in msgspec.structs.fields(Policy):
        old = getattr(before, field.name) if before is not None else field.default
        new = getattr(after, field.name)
        if (old != new or (before is None and field.required)) and field.name != "id":
            found.append((field.name, "" if before is None else _words(old), _words(new)))
    return found


def _words(value: Any) -> str:
    if isinstance(value, tuple):
        return "、".join(value)
    return "" if value is None else str(value)
