"""The sample in a data folder, and on the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from crawlers.sources import read_folder
from minsheng.cli.app import app
from minsheng.clock import ManualClock
from minsheng.errors import WrongUse
from minsheng.policies import Policy, PolicyRegister, read_policies
from minsheng.settings import load_settings
from minsheng.store import Store
from sample.load import Served, load_sample, remembered
from sample.start import start_sample
from tests.stores import lay_store

ANCHOR = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
SERVED = Served(anchor=ANCHOR, live=False, base_url="http://127.0.0.1:8642")


@pytest.fixture
def settings(tmp_path):
    return load_settings(tmp_path / "data", environ={})


@pytest.fixture
def store(settings):
    lay_store(settings.data_dir / "store.db")
    store = Store.from_settings(settings)
    yield store
    store.close()


def test_policies_plans_and_sources_are_written(settings, store):
    loaded = load_sample(settings, store, SERVED)
    assert read_policies(settings.path("policies")) == PolicyRegister(store).all()
    assert loaded.policies == len(PolicyRegister(store).all())
    assert len(list(settings.path("plans").glob("*.toml"))) == loaded.plans
    sources, errors = read_folder(settings.path("sources"))
    assert not errors
    assert len(sources) == loaded.sources
    assert all(policy.url.startswith(SERVED.base_url) for policy in PolicyRegister(store).all())
    assert load_settings(settings.data_dir, environ={}).crawl.per_host_delay == 0


def test_loading_again_changes_nothing_and_keeps_the_users_settings(settings, store):
    settings.data_dir.mkdir(exist_ok=True)
    settings.path("minsheng.toml").write_text('[logs]\nlevel = "warning"\n')
    load_sample(settings, store, SERVED)
    before = {file: file.read_bytes() for file in settings.data_dir.rglob("*.toml")}
    load_sample(settings, store, SERVED)
    assert {file: file.read_bytes() for file in settings.data_dir.rglob("*.toml")} == before
    assert "warning" in settings.path("minsheng.toml").read_text()


def test_policies_of_ones_own_are_not_mixed_with_the_sample(settings, store):
    PolicyRegister(store).import_policies([Policy(id="own", title="自己的办法")])
    with pytest.raises(WrongUse, match="own"):
        load_sample(settings, store, SERVED)
    assert not settings.path("sources").exists()
    load_sample(settings, store, SERVED, force=True)
    assert PolicyRegister(store).get("own") is not None


def test_policy_files_of_ones_own_count_too(settings, store):
    settings.path("policies").mkdir(parents=True)
    settings.path("policies/mine.toml").write_text('id = "mine"\ntitle = "我的办法"\n')
    with pytest.raises(WrongUse, match="mine"):
        load_sample(settings, store, SERVED)


def test_a_second_start_serves_the_same_world(tmp_path):
    clock = ManualClock(ANCHOR)
    with start_sample(tmp_path, clock, live=True) as site:
        first = remembered(tmp_path)
        assert first == Served(anchor=ANCHOR, live=True, base_url=site.base_url)
    clock.advance(hours=2)
    with start_sample(tmp_path, clock, live=False):
        assert remembered(tmp_path) == first


def test_a_second_start_keeps_what_the_user_changed(tmp_path):
    clock = ManualClock(ANCHOR)
    with start_sample(tmp_path, clock, live=False):
        pass
    plan, source = tmp_path / "plans/water-price-charges.toml", tmp_path / "sources/sample-hub.toml"
    plan.write_text(plan.read_text(encoding="utf-8").replace("version = 2", "version = 3"), encoding="utf-8")
    source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    (tmp_path / "policies/parking-charges.toml").unlink()
    changed = plan.read_bytes(), source.read_bytes()
    settings = load_settings(tmp_path, environ={})
    PolicyRegister(Store.from_settings(settings)).import_policies([Policy(id="own", title="自己的办法")])
    with start_sample(tmp_path, clock, live=False):
        assert (plan.read_bytes(), source.read_bytes()) == changed
        assert (tmp_path / "policies/parking-charges.toml").exists()


def test_the_port_of_the_last_time_is_taken(tmp_path):
    clock = ManualClock(ANCHOR)
    with (
        start_sample(tmp_path, clock, live=False),
        pytest.raises(WrongUse, match="served before"),
        start_sample(tmp_path, clock, live=False),
    ):
        pass


def test_a_broken_memory_is_said(tmp_path):
    (tmp_path / "sample.toml").write_text("anchor = 1\n")
    with pytest.raises(WrongUse, match=r"sample\.toml can't be read"):
        remembered(tmp_path)


def test_load_on_the_command_line(tmp_path):
    arguments = ["--data-dir", str(tmp_path), "sample", "load", "--url", "http://127.0.0.1:9999/"]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["sources"] == 7
    assert "http://127.0.0.1:9999/gov/" in (tmp_path / "sources/sample-gov.toml").read_text()
    assert CliRunner().invoke(app, arguments).exit_code == 0


def test_serve_on_the_command_line_until_it_is_told_to_stop(tmp_path):
    command = [Path(sys.executable).parent / "minsheng", "--data-dir", tmp_path, "sample", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
            with urlopen(f"{url}/yunjiang/feed.xml") as response:
                assert response.status == 200
        finally:
            process.terminate()
        assert process.wait(timeout=30) == 0
