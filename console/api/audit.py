"""The audit log, to be read."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from console.access import Visit
from console.api.describing import told
from console.api.lists import Cursor, Listed, Size
from console.api.problems import invalid
from console.api.routing import answer, needs, resource
from console.audit import Line

router = resource("Audit")
Auditor = Annotated[Visit, needs("audit")]
_LINE = {
    "id": 1, "at": "2026-05-08T01:00:00Z", "actor": "li", "address": "10.0.0.7", "action": "searched",
    "subject": "供暖", "detail": "{}", "previous": "0" * 64, "hash": "9f" * 32,
}  # fmt: skip


@router.get("/audit", **told(Listed[Line], "Read the audit log", example={"items": [_LINE], "next": None}))
def list_audit(
    visit: Auditor,
    actor: Annotated[str, Query(max_length=60)] = "",
    action: Annotated[str, Query(max_length=40)] = "",
    q: Annotated[str, Query(max_length=200, description="In subject or detail.")] = "",
    size: Size = 100,
    cursor: Cursor = "",
) -> Response:
    """Newest first. Each line carries the hash of the one before. Audited."""
    if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 16):
        raise invalid("query.cursor", "the cursor is none of this list")
    lines = visit.console.audit.list(
        actor=actor or None, action=action or None, words=q or None, before=int(cursor) if cursor else None,
        limit=size + 1,
    )  # fmt: skip
    visit.record("audit-read", "", {"actor": actor, "action": action, "q": q})
    page = lines[:size]
    return answer(Listed(items=list(page), next=str(page[-1].id) if len(lines) > size else None))
