"""领导视图: each number opens what it is taken from, within what the viewer sees."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.tables import timers
from minsheng.clock import CHINA
from tests.briefings.small_world import MIDNIGHT
from tests.console.world import ConsoleWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ConsoleWorld]:
    """One clock of a heating ticket met in time and one late, one of a school ticket not met at all."""
    world = ConsoleWorld(tmp_path)
    now = world.clock.now()
    with world.store.begin() as connection:
        connection.execute(timers.delete())
        for number, kind, due, met in (
            (1, "information", now - timedelta(hours=5), now - timedelta(hours=6)),
            (1, "conference", now - timedelta(hours=3), now - timedelta(hours=1)),
            (5, "response", now - timedelta(hours=2), None),
            (5, "information", now + timedelta(hours=2), None),
        ):
            connection.execute(
                timers.insert().values(ticket_id=number, kind=kind, due_at=due, met_at=met, cancelled_at=met)
            )
    yield world
    world.close()


def rows(page: str) -> list[str]:
    return re.findall("<tr data-row>.*?</tr>", page, re.S)


def test_the_figure_of_clocks_kept_opens_these_clocks(world: ConsoleWorld) -> None:
    client = world.client("leader")
    page = client.get("/leader").text
    assert '<a href="/leader/clocks">1 / 3</a>' in page and '<a href="/leader/clocks?result=late">未按时 2</a>' in page
    listed = rows(client.get("/leader/clocks").text)
    assert [re.findall("/tickets/(T\\d+)", one)[0] for one in listed] == ["T0005", "T0001", "T0001"]
    assert ["逾期未办" in one for one in listed] == [True, False, False]
    assert "举行新闻发布会" in listed[1] and "逾期完成" in listed[1]
    (kept,) = rows(client.get("/leader/clocks?result=kept").text)
    assert "发布权威信息" in kept and "按时" in kept
    assert len(rows(client.get("/leader/clocks?result=late").text)) == 2
    assert client.get("/leader/clocks?result=x").status_code == 400
    assert "briefing-read" in {line.action for line in world.console.audit.list(limit=5)}


def test_the_clocks_are_those_that_the_viewer_sees(world: ConsoleWorld) -> None:
    schools = world.client("leader", "schools")
    assert '<a href="/leader/clocks">0 / 1</a>' in schools.get("/leader").text
    page = schools.get("/leader/clocks").text
    assert len(rows(page)) == 1 and "T0001" not in page
    nobody = world.client("leader", "none")
    assert "近 30 天没有这样的时限" in nobody.get("/leader/clocks").text


def test_each_number_of_the_page_leads_to_evidence_that_is_there(world: ConsoleWorld) -> None:
    client = world.client("leader")
    page = client.get("/leader").text
    figures = re.findall(r'<div class="figure">(.*?)</div>', page)
    assert len(figures) >= 2 and all(one.startswith("<a ") or one == "0" for one in figures)
    links = set(re.findall(r'href="(/briefings/[\d-]+)#(evidence-\d+)"', page))
    assert links
    for address, place in links:
        assert f'id="{place}"' in client.get(address).text


def test_links_of_a_briefing_warn_before_they_leave(world: ConsoleWorld) -> None:
    client, day = world.client("leader"), MIDNIGHT.astimezone(CHINA).date()
    page = client.get(f"/briefings/{day}").text
    links = [html.unescape(one) for one in re.findall(r'<a class="out" href="([^"]*)"', page)]
    assert links and all(one.startswith("/leave?to=http") for one in links)
    assert 'href="http' not in page
    warning = client.get(links[0])
    assert warning.status_code == 200 and 'rel="noreferrer noopener nofollow"' in warning.text
    assert client.get(links[0].replace("post", "past")).status_code == 404
