"""Questions and answers: search in what is published."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from answers.search import LONGEST, Result
from console.access import Visit
from console.api.describing import told
from console.api.problems import invalid
from console.api.routing import answer, needs, resource
from minsheng.errors import WrongUse

router = resource("Questions")
Reader = Annotated[Visit, needs("answers")]


@router.get(
    "/answers",
    **told(Result, "Find answers", example={"question": "水费多收了怎么退", "answered": False, "hits": []}),
)
def find_answers(
    visit: Reader,
    q: Annotated[str, Query(min_length=1, max_length=LONGEST, description="In anybody's words.")],
    size: Annotated[int, Query(ge=1, le=20)] = 3,
) -> Response:
    """By meaning. `answered` is false where no entry is a good answer: what is found is then at most related.
    Audited."""
    grant = visit.view.grant
    policies = None if grant.policies is None else list(visit.view.policies)
    try:
        found = visit.console.answers.ask(q, size=size, policies=policies)
    except WrongUse as error:
        raise invalid("query.q", error.message) from error
    visit.record("searched", found.question, {"answers": len(found.hits)})
    return answer(found)
