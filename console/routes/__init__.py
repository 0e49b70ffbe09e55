"""The pages, a module a room."""

from console.routes import account, admin, briefing, desk, documents, events, policies, sign_in, sources, tickets

ROUTERS = tuple(
    module.router for module in (sign_in, desk, tickets, documents, events, policies, sources, briefing, account, admin)
)
