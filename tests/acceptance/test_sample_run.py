"""What a newcomer sees first: the sample world goes through the whole road, and one ticket comes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sample.content import load_expected

MINSHENG = Path(sys.executable).parent / "minsheng"


def minsheng(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MINSHENG_")}
    return subprocess.run(
        [MINSHENG, "--data-dir", data_dir, *arguments], env=environ, capture_output=True, text=True, timeout=200
    )


def printed(data_dir: Path, *arguments: str) -> object:
    result = minsheng(data_dir, *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    result = minsheng(folder, "run", "--once", "--sample")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_one_ticket_with_the_plan_prepared_for_it(data_dir):
    expected = load_expected()
    (ticket,) = printed(data_dir, "tickets", "list")
    assert ticket["policy"] == expected.policy
    assert ticket["policy"] not in expected.quiet
    shown = minsheng(data_dir, "tickets", "show", ticket["number"])
    assert "水费扣收" in shown.stdout
    assert "《云江省城镇居民生活用水阶梯价格管理办法》" in shown.stdout
    assert "{" not in shown.stdout


def test_all_that_was_said_is_found(data_dir):
    expected = load_expected()
    found = printed(data_dir, "search", "--policy", expected.policy, "--since", "2h")
    assert found["total"] >= expected.minimum_documents
    for policy in expected.quiet:
        assert printed(data_dir, "search", "--policy", policy, "--since", "2h")["total"] >= 20


def test_no_telephone_or_identity_number_and_no_author_is_kept(data_dir):
    found = printed(data_dir, "search", "身份证号", "--policy", load_expected().policy)
    assert found["total"] == 1
    for file in data_dir.rglob("*.db"):
        content = file.read_bytes()
        assert b"13800000001" not in content
        assert b"110101190001010000" not in content
        assert "白榆路小卖部".encode() not in content, file


def test_a_briefing_is_written(data_dir):
    (briefing,) = (data_dir / "briefings").glob("daily-*.html")
    assert "阶梯价格管理办法" in briefing.read_text(encoding="utf-8")


def test_a_second_run_changes_nothing(data_dir):
    before = printed(data_dir, "tickets", "list"), printed(data_dir, "search", "--size", "0")["total"]
    assert minsheng(data_dir, "run", "--once", "--sample").returncode == 0
    tickets, total = printed(data_dir, "tickets", "list"), printed(data_dir, "search", "--size", "0")["total"]
    assert [ticket["number"] for ticket in tickets] == [ticket["number"] for ticket in before[0]]
    assert total == before[1]
