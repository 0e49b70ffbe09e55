"""The development servers start, survive a kill with their data, and can be paused."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from deploy.servers import KafkaServer, Server, ServerUnavailable, cache_folder
from deploy.servers.kafka import cluster_id
from deploy.servers.process import HOST, free_port
from deploy.servers.tools import POMS, coordinates, find_java


@pytest.mark.postgresql
def test_each_database_is_fresh(empty_postgresql_url: str) -> None:
    engine = sa.create_engine(empty_postgresql_url)
    assert sa.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(sa.text("create table t (x int)"))
    engine.dispose()


@pytest.mark.postgresql
def test_a_killed_server_comes_back_on_its_port_with_its_data(own_server: Callable[[str], Server]) -> None:
    server = own_server("postgresql")
    address = server.address
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("create table kept as select 7 as x"))
    server.kill()
    assert server.pid is None
    with pytest.raises(sa.exc.InterfaceError), engine.connect():
        pass
    server.start()
    assert server.address == address
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select x from kept")) == 7


def test_a_clusters_id_is_never_taken_for_an_option() -> None:
    ids = [cluster_id(uuid.UUID(bytes=bytes([first, *range(1, 16)]))) for first in range(256)]
    assert {len(identity) for identity in ids} == {22}
    assert not [identity for identity in ids if identity.startswith("-")]


@pytest.mark.kafka
def test_a_paused_server_listens_but_does_not_answer(own_server: Callable[[str], Server]) -> None:
    server = own_server("kafka")
    server.pause()
    with socket.create_connection((HOST, server.port), timeout=5):
        pass
    with pytest.raises(Exception, match=r"(?i)unable to bootstrap|timeout"):
        server.answers()
    server.resume()
    server.wait(30)


@pytest.mark.kafka
def test_a_server_that_ends_shows_its_log(tmp_path: Path, kafka_server: str) -> None:
    server = KafkaServer(cache_folder(), tmp_path)
    with socket.socket() as taken:
        taken.bind((HOST, server.port))
        taken.listen()
        with pytest.raises(ServerUnavailable, match=r"(?s)kafka.*[Aa]ddress already in use"):
            server.start()
    server.kill()


@pytest.mark.elasticsearch
def test_elasticsearch_indexes_and_finds(each_elasticsearch_server: str, unique: str) -> None:
    from elasticsearch import Elasticsearch

    client = Elasticsearch(each_elasticsearch_server)
    client.index(index=unique, document={"text": "地铁三号线开通"}, refresh=True)
    assert client.search(index=unique, query={"match_phrase": {"text": "三号线"}})["hits"]["total"]["value"] == 1
    client.indices.delete(index=unique)
    client.close()


def test_the_mail_server_keeps_what_it_is_sent(smtp_server) -> None:  # type: ignore[no-untyped-def]
    import smtplib

    with smtplib.SMTP(HOST, smtp_server.port) as client:
        client.sendmail("a@example.test", ["b@example.test"], "Subject: x\r\n\r\nbody\r\n")
    assert [message["subject"] for message in smtp_server.messages] == ["x"]


def test_servers_run_in_the_background_until_stopped(tmp_path: Path) -> None:
    def servers(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy.servers", *arguments, "--dir", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True)

    assert servers("status").returncode == 1
    try:
        started = servers("start", "smtp")
        assert started.returncode == 0, started.stderr
        assert "smtp: mailto://" in servers("status").stdout
        assert "runs already" in servers("start", "smtp").stdout
        assert "export MINSHENG_NOTIFY__CHANNELS=" in servers("env").stdout
    finally:
        assert "smtp: stopped" in servers("stop").stdout
    assert servers("status").returncode == 1


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
def test_a_server_dies_with_a_killed_test_run(tmp_path: Path) -> None:
    program = f"""
import time
from pathlib import Path
from deploy.servers import SMTPServer
server = SMTPServer(Path({str(tmp_path)!r}), Path({str(tmp_path)!r}) / "smtp")
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""
    run = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    server = psutil.Process(int(run.stdout.readline()))
    assert server.is_running()
    run.kill()
    run.wait()
    deadline = time.monotonic() + 30
    # Where nobody collects orphans, as in a bare container, the dead stay on the list.
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the server outlived its test run by 30 s"
        time.sleep(0.1)


def test_an_unknown_server_is_wrong_use() -> None:
    done = subprocess.run([sys.executable, "-m", "deploy.servers", "start", "kafak"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "known are: kafka" in done.stderr


def test_a_java_that_is_not_there_is_named_with_what_to_do() -> None:
    with pytest.raises(ServerUnavailable, match=r"no Java 99 .* make tools"):
        find_java(cache_folder(), 99)


def test_ports_are_outside_those_of_outgoing_connections() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert free_port() < lowest


def test_every_pom_names_exact_versions() -> None:
    for pom in POMS.glob("*.xml"):
        for coordinate in coordinates(pom):
            assert coordinate.count(":") == 2 and all(coordinate.split(":")), (pom.name, coordinate)
