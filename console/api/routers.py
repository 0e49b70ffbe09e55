"""All resources."""

from console.api import (
    audit,
    briefings,
    documents,
    duty,
    events,
    me,
    plans,
    policies,
    questions,
    schema,
    sources,
    statistics,
    tickets,
)

ROUTERS = tuple(
    module.router
    for module in (
        me, documents, events, policies, tickets, plans, questions, briefings, statistics, duty, sources, audit, schema,
    )
)  # fmt: skip
