"""The console in a real browser: each role's story from signing in to done, also without scripts; nothing is loaded
from elsewhere, and no page keeps anybody out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from msgspec.structs import replace
from playwright.sync_api import expect

from alerts.drills.scenario import find_scenario
from alerts.drills.start import start_drill
from alerts.tickets import TicketBook
from briefings.making import make_and_keep
from tests.briefings.small_world import DAY, MIDNIGHT, POLICIES, burst, record
from tests.console.world import PASSWORD, ConsoleWorld
from tests.console.world import served as serving

pytestmark = pytest.mark.chromium

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
DESKTOP, PHONE, SMALL = ({"width": wide, "height": high} for wide, high in ((1366, 768), (390, 844), (320, 700)))


class Served:
    """A world behind a server, and browsers that watch what is asked for and what goes wrong."""

    def __init__(self, world: ConsoleWorld, browser: Any, url: str) -> None:
        self.world = world
        self.url = url
        self._browser = browser
        self.asked: list[str] = []
        self.wrong: list[str] = []

    @contextmanager
    def page(self, **options: Any) -> Iterator[Any]:
        """A page of a new browser."""
        context = self._browser.new_context(base_url=self.url, **{"viewport": DESKTOP, "locale": "zh-CN", **options})
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: message.type in ("error", "warning") and self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        yield page
        context.close()

    def sign_in(self, page: Any, role: str, scope: str = "whole") -> None:
        name = self.world.add_user(role, scope)
        page.goto("/sign-in")
        page.get_by_label("用户名").fill(name)
        page.get_by_label("口令", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url(lambda address: "/sign-in" not in address)


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield opened
        opened.close()


@pytest.fixture
def served(tmp_path: Path, browser: Any) -> Iterator[Served]:
    world = ConsoleWorld(tmp_path)
    with serving(world) as url:
        found = Served(world, browser, url)
        yield found
    world.close()
    assert {address for address in found.asked if not address.startswith((found.url, "data:"))} == set()
    assert found.wrong == []


def test_the_duty_officer_acknowledges_by_key_works_and_closes(served: Served) -> None:
    with served.page() as page:
        served.sign_in(page, "duty")
        assert page.locator("h1").inner_text() == "值班台"
        page.locator("#live-state.good").wait_for()
        assert page.locator("[data-row]").count() == 3
        page.keyboard.press("j")
        page.keyboard.press("a")
        page.get_by_text("已签收").first.wait_for()
        page.get_by_role("link", name="供暖工单").click()
        expect(page.get_by_text("先核实")).to_be_visible()
        page.get_by_role("button", name="办结").click()
        expect(page.get_by_role("alert")).to_have_text("请写明理由。")
        assert all("400 (Bad Request)" in message for message in served.wrong)
        served.wrong.clear()
        page.locator("#move textarea").fill("已当面答复")
        page.get_by_role("button", name="办结").click()
        page.get_by_text("已当面答复").wait_for()
        page.keyboard.press("?")
        assert page.get_by_role("dialog").is_visible()


def test_the_desk_shows_what_others_do_without_being_reloaded(served: Served) -> None:
    with served.page() as page:
        served.sign_in(page, "duty")
        page.locator("#live-state.good").wait_for()
        time.sleep(1)
        number = page.locator("[data-row] h2 a").first.get_attribute("href").split("/")[-1]
        book = TicketBook(served.world.store, served.world.clock)
        served.world.clock.advance(seconds=10)  # the pulse is asked for anew
        book.move(number, "acknowledged", actor="another")
        page.locator("[data-row]", has_text=number).get_by_text("已签收").wait_for(timeout=15_000)
        assert page.evaluate("performance.getEntriesByType('navigation').length") == 1


def test_what_comes_in_is_asked_for_again_while_somebody_sees_it(served: Served) -> None:
    def asked() -> int:
        return sum(url.split("?")[0].endswith("/desk/posts") for url in served.asked)

    def show(page: Any, hidden: str) -> None:
        page.evaluate(f"window.unseen = {hidden}; document.dispatchEvent(new Event('visibilitychange'))")

    def wait(page: Any, seconds: int, wanted: int) -> None:
        page.clock.run_for(seconds * 1000)
        page.wait_for_timeout(300)
        assert asked() == wanted

    with served.page() as page:
        page.add_init_script(
            "Object.defineProperty(document, 'hidden', { get: () => window.unseen === true, configurable: true })"
        )
        page.clock.install()
        served.sign_in(page, "duty")
        page.locator("#incoming ul").wait_for()
        wait(page, 10, 1)
        wait(page, 7, 2)
        wait(page, 16, 3)
        show(page, "true")
        wait(page, 120, 3)
        show(page, "false")
        wait(page, 0, 4)
        show(page, "true")
        show(page, "false")
        wait(page, 1, 4)  # what is fresh is not asked for again
        wait(page, 16, 5)


def test_the_department_searches_its_own_and_exports_it(served: Served) -> None:
    with served.page(accept_downloads=True) as page:
        served.sign_in(page, "editor", "housing")
        page.goto("/search")
        page.keyboard.press("/")
        page.keyboard.type("取暖费")
        page.keyboard.press("Enter")
        page.locator("#results mark").first.wait_for()
        page.locator(".facet a", has_text="负面").click()
        page.locator(".chip").wait_for()
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        text = Path(download.value.path()).read_text(encoding="utf-8-sig")
        assert "取暖费" in text and "招生" not in text
        page.goto("/policies/heating")
        page.locator("[data-chart] canvas").wait_for()


def test_the_search_box_suggests_what_may_be_meant(served: Served) -> None:
    with served.page() as page:
        served.sign_in(page, "duty")
        page.goto("/search")
        page.keyboard.press("/")
        page.keyboard.type("缴费 gongnuan")
        option = page.locator("#suggestions option").first
        option.wait_for(state="attached")
        assert re.match("缴费 .*供暖", option.get_attribute("value"))
        assert option.get_attribute("label").startswith("缴费 gongnuan")


def test_the_leader_reads_it_on_a_phone(served: Served) -> None:
    with served.page(viewport=PHONE, has_touch=True, is_mobile=True) as page:
        served.sign_in(page, "leader")
        page.goto("/leader")
        assert page.get_by_text("红色、橙色未办结").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.get_by_role("link", name="今日舆情风险日报").click()
        expect(page.locator("h1")).to_have_text("舆情风险日报")
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(192, 0, 0)"
        page.goto("/tickets/T0001")
        assert page.get_by_role("button", name="签收").count() == 0


def test_the_administrator_adds_somebody_who_then_signs_in(served: Served) -> None:
    with served.page() as page:
        served.sign_in(page, "administrator")
        page.get_by_label("用户名").fill("wang")
        page.get_by_label("姓名").fill("王值班")
        page.locator("select[name=unit]").select_option(str(served.world.whole.id))
        page.locator("input[value=duty]").check()
        page.get_by_role("button", name="新增并生成一次性链接").click()
        link = page.locator("pre.copy").inner_text()
    with served.page() as page:
        page.goto(link)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=password_again]").fill(PASSWORD)
        page.get_by_role("button", name="保存").click()
        page.get_by_label("用户名").fill("wang")
        page.get_by_label("口令", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url("**/desk")
        page.get_by_role("button", name="English").click()
        expect(page.locator("h1")).to_have_text("Duty desk")


def test_the_grassroots_view_opens_its_lists_is_exported_and_fits_a_phone(served: Served) -> None:
    units = served.world.console.units
    east = units.add("东市", "city", parent=served.world.whole.id, departments=["市住房和城乡建设局"])
    units.add("东市供热所", "department", parent=east.id, departments=["东市供热所"])
    days = "since=2026-04-20&until=2026-05-09"
    with served.page(accept_downloads=True) as page:
        served.sign_in(page, "duty")
        page.goto(f"/grassroots?{days}")
        row = page.locator("[data-row]", has=page.get_by_text("住建局", exact=False)).first
        number = row.locator("td.number a").first
        shown = int(number.inner_text())
        number.click()
        page.wait_for_url("**/tickets?**")
        assert page.locator("[data-row]").count() == shown > 0
        page.go_back()
        page.get_by_role("link", name="东市", exact=True).click()
        page.get_by_text("东市供热所").first.wait_for()
        page.get_by_role("link", name="云岭市").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        text = Path(download.value.path()).read_text(encoding="utf-8-sig")
        assert "东市" in text and "合计，不重复计" in text
    with served.page(viewport=PHONE, has_touch=True, is_mobile=True) as page:
        served.sign_in(page, "leader")
        page.goto(f"/grassroots?{days}")
        assert page.get_by_role("heading", name="基层视图").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_auditor_sees_the_chain(served: Served) -> None:
    with served.page() as page:
        served.sign_in(page, "auditor")
        assert page.get_by_text("链条完整").is_visible()


def test_the_operator_sees_the_sources_and_no_posts(served: Served) -> None:
    with served.page() as page:
        served.sign_in(page, "operator")
        page.goto("/sources")
        assert page.get_by_text("市长信箱").first.is_visible()
        assert page.locator(".rooms a").all_inner_texts() == ["政策", "值班表", "规则", "通知渠道", "信源"]
        # On a phone the column with names and advice is no strip of single characters.
        page.set_viewport_size(PHONE)
        assert page.locator("[data-row] td").first.bounding_box()["width"] > 180


def test_the_operator_stops_and_removes_a_source(served: Served) -> None:
    with served.page() as page:
        served.sign_in(page, "operator")
        page.goto("/sources/of/board")
        page.get_by_label("理由").fill("改版，暂停采集")
        page.get_by_role("button", name="停用").click()
        page.get_by_text("改版，暂停采集").first.wait_for()
        assert page.get_by_role("heading", name="停用", exact=True).is_visible()  # its state now
        page.get_by_role("link", name="移除这个信源").click()
        expect(page.get_by_text("已采到的信息留着")).to_be_visible()
        page.get_by_label("理由").fill("网站关闭")
        page.get_by_role("button", name="移除").click()
        page.wait_for_url("**/sources")
        page.get_by_text("移除的信源").click()
        expect(page.get_by_text("网站关闭")).to_be_visible()


def test_the_parts_of_an_analysis_come_by_themselves(served: Served) -> None:
    with served.page() as page:
        served.sign_in(page, "duty")
        page.goto("/search/analysis?q=供暖")
        page.get_by_text("说得比前四周多的词").wait_for()
        page.get_by_role("cell", name="原发").wait_for()
        assert page.get_by_text("正在统计").count() == 0
    with served.page(java_script_enabled=False) as page:
        served.sign_in(page, "duty")
        page.goto("/search/analysis?q=供暖")
        page.get_by_role("link", name="没有出来时点这里").click()
        assert (
            page.get_by_text("说得比前四周多的词").is_visible() and page.get_by_role("cell", name="原发").is_visible()
        )


def test_without_scripts_tickets_and_search_still_work(served: Served) -> None:
    with served.page(java_script_enabled=False) as page:
        served.sign_in(page, "duty")
        waiting = page.locator("[data-row]").filter(has=page.get_by_role("button", name="签收")).first
        address = waiting.get_by_role("link").first.get_attribute("href")
        waiting.get_by_role("button", name="签收").click()
        taken = page.locator("[data-row]").filter(has=page.locator(f"a[href='{address}']"))
        expect(taken.get_by_text("已签收")).to_be_visible()
        expect(taken.get_by_role("button", name="签收")).to_have_count(0)
        page.goto("/search")
        page.locator("input[name=q]").fill("招生")
        page.get_by_role("button", name="检索").click()
        expect(page.locator("#results mark").first).to_be_visible()
        page.goto("/policies/heating")
        page.get_by_text("以表格查看").click()
        assert page.get_by_role("cell", name="2026-05-08").is_visible()


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (DESKTOP, "dark"), (SMALL, "light")])
def test_no_page_keeps_anybody_out(served: Served, size: dict[str, int], scheme: str) -> None:
    """axe-core by WCAG 2.2 AA, and nothing wider than the screen; on a small phone also none of the larger ones."""
    found: list[str] = []
    world = served.world
    make_and_keep(world.console, "daily", DAY, actor="system")
    drill = start_drill(
        world.store, world.world.log, world.clock, find_scenario("service-breakdown"), POLICIES[0], actor="x"
    )
    _speak_of_regions(world)
    with served.page(viewport=size, color_scheme=scheme) as page:
        page.goto("/sign-in")
        found += _broken(page, size["width"], scheme)
        for role, paths in (
            ("duty", ("/desk", "/tickets?status=all", "/tickets/T0001", "/search?q=供暖", "/searches?q=供暖", "/events",
                      "/events/heat",
                      "/policies", "/policies/enterprise", "/policies/heating", "/policies/edit", "/releases",
                      "/account/tokens",
                      "/webhooks", "/search/analysis", "/search/analysis?area=湖南省长沙市",
                      "/search/compare?first=heating", "/sources", "/leader",
                      "/account", "/nothing",
                      "/tickets/T0001/sheet", "/tickets/T0001/response", "/tickets/T0001/split", "/handover", "/wall",
                      "/roster", "/plans", "/plans/edit", "/plans/general-service", "/rules", "/channels", "/notices",
                      "/dead-letters", "/answers", "/answers/edit", "/answers/coverage", "/briefings",
                      "/grassroots", "/grassroots/tasks", "/responses/month",
                      "/responses/month/tickets?figure=tickets", "/interpretations", "/consultations", "/disclosure",
                      "/briefings/kept/RB-20260508", "/briefings/kept/RB-20260508/edit",
                      "/briefings/kept/RB-20260508/evidence/1", "/policies/heating/history", "/drills",
                      f"/drills/{drill}", f"/documents/{burst()[0].document.id}")),
            ("administrator", ("/admin/users", "/admin/users/1", "/admin/units", "/admin/units/1", "/admin/sessions",
                               "/admin/tokens", "/admin/system")),
            ("auditor", ("/admin/audit",)),
            ("operator", ("/sources/new", "/sources/of/board", "/sources/of/board/remove")),
        ):  # fmt: skip
            served.sign_in(page, role)
            for path in paths:
                page.goto(path)
                found += _broken(page, size["width"], scheme)
            page.context.clear_cookies()
    served.wrong.clear()  # the page that is not there is told of as an error
    assert found == [], "\n".join(found)


def _speak_of_regions(world: ConsoleWorld) -> None:
    """Posts of several regions, so many more of each that the map has all its shades."""
    regions = [region for place, region in enumerate(HUNAN, 1) for _ in range(3**place)]
    records = [record(f"of-{number}", MIDNIGHT, f"供暖第{number}条", event="heat") for number in range(len(regions))]
    world.world.index.write(
        [
            replace(one, assessed=replace(one.assessed, places=(region,)))
            for one, region in zip(records, regions, strict=True)
        ]
    )
    world.world.index.refresh()


HUNAN = ("湖南省", "湖南省长沙市", "湖南省长沙市岳麓区", "湖南省株洲市", "北京市", "海外")


def test_the_map_of_regions_is_used_by_keyboard_and_fits_a_phone(served: Served) -> None:
    _speak_of_regions(served.world)
    with served.page(viewport=PHONE, has_touch=True, is_mobile=True) as page:
        served.sign_in(page, "duty")
        page.goto("/search/analysis?q=供暖")
        tile = page.get_by_role("link", name="湖南 120")
        assert tile.bounding_box()["width"] >= 24
        places = [one.bounding_box() for one in page.locator("ul.map .tile").all()]
        assert len(places) == 34 == len({(round(one["x"]), round(one["y"])) for one in places})
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        tile.focus()
        page.keyboard.press("Enter")
        page.locator(".chip", has_text="湖南省").wait_for()
        page.get_by_role("link", name="岳麓 27").click()
        page.locator(".chip", has_text="湖南省长沙市岳麓区").wait_for()
        page.get_by_role("link", name="回到检索结果").click()
        expect(page.locator("#results b").first).to_have_text("27")
        page.goto("/events/heat")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
"""All that a dark page can have wrong that the light one has not."""
STRIPS = """() => [...document.querySelectorAll("main td, main li, main dd, main h2, main p")].filter(cell => {
  const words = document.createRange(); words.selectNodeContents(cell)
  const wide = cell.getBoundingClientRect().width, high = words.getBoundingClientRect().height
  return cell.innerText.trim() && wide > 0 && high > 110 && high > 2.2 * wide
}).map(cell => cell.innerText.slice(0, 30))"""
"""Texts that are squeezed into a strip a few characters wide."""


def _broken(page: Any, width: int, scheme: str) -> list[str]:
    page.evaluate(AXE)
    run: Callable[..., Any] = page.evaluate
    result = run("only => axe.run({ runOnly: only })", TAGS if scheme == "light" else CONTRAST)
    place = page.url.split("/", 3)[3]
    broken = [
        f"{place}: {one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary'][:160]}"
        for one in result["violations"]
    ]
    for screen in (SMALL, PHONE) if width == SMALL["width"] else ({"width": width, "height": 0},):
        if screen["height"]:
            page.set_viewport_size(screen)
        wide = page.evaluate("document.documentElement.scrollWidth") - screen["width"]
        broken += [f"{place}: {wide} px wider than a screen of {screen['width']}"] if wide > 0 else []
        broken += [f"{place}: a strip at {screen['width']} px: {text}" for text in page.evaluate(STRIPS)]
    if screen is PHONE:
        page.set_viewport_size(SMALL)
    return broken
