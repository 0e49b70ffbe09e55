"""The pages, a module a room."""

from console.routes import (
    account,
    admin,
    briefing,
    casework,
    desk,
    documents,
    events,
    policies,
    research,
    responses,
    sign_in,
    sources,
    tickets,
)

ROUTERS = tuple(
    module.router
    for module in (
        sign_in,
        desk,
        tickets,
        casework,
        research,
        responses,
        documents,
        events,
        policies,
        sources,
        briefing,
        account,
        admin,
    )
)
