"""Every operation of the API, with requests made up from its own description: no failure of ours, every answer as its
schema says. The same requests at each run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from console.access import guarded
from console.api.routers import ROUTERS
from console.rights import rights_of
from minsheng.settings import ConsoleSettings
from tests.console.world import ConsoleWorld

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ConsoleWorld, str]]:
    """A world, and a token with all rights in it."""
    world = ConsoleWorld(tmp_path_factory.mktemp("api"), ConsoleSettings(api_per_minute=1_000_000))
    users = world.console.users
    roles = ["duty", "editor", "leader", "operator", "auditor"]
    user = users.add("everything", "", roles, world.units["whole"])
    yield world, world.console.tokens.make(user, "test", sorted(rights_of(user.roles)), 30)[0]
    world.close()


LEFT_OUT = ("/check", "/tokens", "/tokens/{token_id}")
"""A check asks the source's site; a token that is revoked would end the test."""


@pytest.fixture(scope="module")
def api(everything: tuple[ConsoleWorld, str]) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", everything[0].app)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in guarded(ROUTERS)])
def test_no_request_breaks_it(
    api: schemathesis.BaseSchema, everything: tuple[ConsoleWorld, str], method: str, path: str
) -> None:
    if path.endswith(LEFT_OUT):
        return

    @given(case=api[path][method].as_strategy())
    @settings(
        max_examples=6, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def holds(case: schemathesis.Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {everything[1]}"}, checks=CHECKS)

    holds()
