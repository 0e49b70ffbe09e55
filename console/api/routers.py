"""All resources."""

from console.api import (
    audit,
    briefings,
    consultations,
    disclosure,
    documents,
    duty,
    events,
    grassroots,
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
        me, documents, events, policies, tickets, plans, questions, briefings, statistics,
        consultations, disclosure, grassroots, duty,
        sources, audit, schema,
    )
)  # fmt: skip
