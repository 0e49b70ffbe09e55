"""Signing in by an identity provider of another site, in a real browser: cookies and headers let it through."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from console.single_sign_on import SingleSignOn
from minsheng.settings import ConsoleSettings, Secret, SsoSettings
from tests.console.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.console.world import ConsoleWorld, served

pytestmark = pytest.mark.chromium


def test_somebody_comes_in_from_another_site_and_goes(
    tmp_path: Path, chromium_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playwright.sync_api import sync_playwright

    monkeypatch.setenv("SSO_SECRET", SECRET)
    world = ConsoleWorld(tmp_path)
    provider = IdentityProvider(world.clock.now)
    # For a browser another site than 127.0.0.1: what is kept from other sites is kept from it.
    provider.issuer = provider.issuer.replace("127.0.0.1", "localhost")
    wrong: list[str] = []
    with served(world) as url, sync_playwright() as playwright:
        chosen = SsoSettings(issuer=provider.issuer, client_id=CLIENT, client_secret=Secret(env="SSO_SECRET"))
        console = world.console
        console.settings = replace(world.settings, sso=chosen, console=ConsoleSettings(public_url=url))
        console.single_sign_on = SingleSignOn(chosen, world.store, world.clock, console.users, console.units)
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
        page.goto(f"{url}/tickets/T0001")
        page.get_by_role("link", name=chosen.name).click()
        assert "/sign-in" in page.url, "nobody has added the user"
        assert page.get_by_role("alert").inner_text()
        wrong.clear()  # the refusal is told of as an error
        console.users.add("wang", "王值班", ["duty"], world.whole.id)
        page.goto(f"{url}/tickets/T0001")
        page.get_by_role("link", name=chosen.name).click()
        assert page.url == f"{url}/tickets/T0001"
        assert page.get_by_text("先核实").is_visible()
        page.reload()
        assert page.url == f"{url}/tickets/T0001", "the session holds"
        assert wrong == []
        page.get_by_role("button", name="退出").click()
        page.wait_for_url("**/sign-in**")
        page.goto(f"{url}/tickets/T0001")
        assert "/sign-in" in page.url
        assert {"/.well-known/openid-configuration", "/authorize", "/token", "/keys"} <= set(provider.asked)
        browser.close()
    provider.close()
    world.close()
