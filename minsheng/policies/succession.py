"""Which policy took another one's place, and which holds today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from minsheng.policies.model import Policy


def successors(policy_id: str, policies: Mapping[str, Policy]) -> list[Policy]:
    """The policies that came after this one, each in the place of the one before; the last is today's.

    Links keep pointing at the policy that a text names, also when it was repealed: what was said was said about that
    one. Who wants to know what holds now asks here. A successor that is not in the register ends the line, and so does
    one that was there already.

    Examples
    --------
    >>> old = Policy(id="water-2012", title="供水价格管理办法", stage="repealed", successor="water-2026")
    >>> new = Policy(id="water-2026", title="供水价格管理办法")
    >>> [policy.id for policy in successors("water-2012", {one.id: one for one in (old, new)})]
    ['water-2026']
    """
    line: list[Policy] = []
    seen = {policy_id}
    at = policies.get(policy_id)
    while at is not None and at.successor is not None and at.successor not in seen:
        seen.add(at.successor)
        at = policies.get(at.successor)
        if at is not None:
            line.append(at)
    return line


def circles(policies: Sequence[Policy]) -> list[str]:
    """The ids of policies that succeed themselves by way of others."""
    by_id = {policy.id: policy for policy in policies}
    found = []
    for policy in policies:
        line = successors(policy.id, by_id)
        if line and line[-1].successor == policy.id:
            found.append(policy.id)
    return found
