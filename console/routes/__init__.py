"""The pages, a module a room."""

from console.routes import (
    account,
    admin,
    analysis,
    answer_search,
    answers,
    briefing,
    briefings,
    casework,
    channels,
    consultations,
    desk,
    disclosure,
    documents,
    drills,
    duty,
    events,
    grassroots,
    interpretations,
    metrics,
    months,
    plans,
    policies,
    releases,
    research,
    responses,
    rules,
    searches,
    sign_in,
    single_sign_on,
    sources,
    tickets,
    tokens,
    webhooks,
)

ROUTERS = tuple(
    module.router
    for module in (
        sign_in, single_sign_on, desk, duty, tickets, casework, research, responses, months, documents, analysis,
        searches, events, policies, releases, interpretations,
        answer_search,  # before the answers: theirs is whatever name follows /answers/
        answers, consultations, disclosure, grassroots, plans, drills, rules, channels, sources, briefings, briefing,
        account, tokens, webhooks, admin, metrics,
    )
)  # fmt: skip
