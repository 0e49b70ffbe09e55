"""The store seam: the same behaviour on SQLite and on PostgreSQL."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import minsheng.store.tables  # noqa: F401 - declares them
from deploy.servers import Server
from minsheng.errors import MinshengError, Unavailable
from minsheng.settings import load_settings
from minsheng.store import Store, UtcDateTime, insert_or_ignore, metadata, upsert
from minsheng.store.migrate import current, downgrade, migrate, revisions

PLACE = sa.MetaData()
things = sa.Table(
    "things",
    PLACE,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(50), nullable=False, unique=True),
    sa.Column("size", sa.Integer, nullable=False, default=0),
    sa.Column("at", UtcDateTime),
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    address: str = request.getfixturevalue("empty_postgresql_url")
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    opened.close()


@pytest.fixture
def made(store: Store) -> Store:
    with store.begin() as connection:
        PLACE.create_all(connection)
    return store


def rows(store: Store) -> list[tuple[int, str, int]]:
    with store.read() as connection:
        return [
            tuple(row) for row in connection.execute(sa.select(things.c["id", "name", "size"]).order_by(things.c.id))
        ]


def test_a_block_that_raises_leaves_nothing(made: Store) -> None:
    with pytest.raises(RuntimeError), made.begin() as connection:
        connection.execute(sa.insert(things), {"id": 1, "name": "a"})
        raise RuntimeError
    assert rows(made) == []


def test_times_come_back_aware_in_utc_and_sort(made: Store) -> None:
    china = timezone(timedelta(hours=8))
    with made.begin() as connection:
        connection.execute(
            sa.insert(things),
            [
                {"id": 1, "name": "early", "at": datetime(2026, 5, 1, 7, 59, 59, 999999, china)},
                {"id": 2, "name": "late", "at": datetime(2026, 5, 1, 0, 0, tzinfo=UTC)},
            ],
        )
    with made.read() as connection:
        found = connection.scalars(sa.select(things.c.at).order_by(things.c.at)).all()
        after = connection.scalars(sa.select(things.c.id).where(things.c.at >= datetime(2026, 5, 1, 8, tzinfo=china)))
        assert after.all() == [2]
    assert found == [datetime(2026, 4, 30, 23, 59, 59, 999999, UTC), datetime(2026, 5, 1, tzinfo=UTC)]
    assert all(time.tzinfo is UTC for time in found)


def test_a_time_without_zone_is_refused(made: Store) -> None:
    with pytest.raises(sa.exc.StatementError, match="zone"), made.begin() as connection:
        connection.execute(sa.insert(things), {"id": 1, "name": "a", "at": datetime(2026, 5, 1)})  # noqa: DTZ001


def test_upsert_inserts_and_updates(made: Store) -> None:
    with made.begin() as connection:
        upsert(made, things, [{"id": 1, "name": "a", "size": 1}], keys=["id"], connection=connection)
        upsert(
            made,
            things,
            [{"id": 1, "name": "b", "size": 2}, {"id": 2, "name": "c", "size": 3}],
            keys=["id"],
            connection=connection,
        )
    assert rows(made) == [(1, "b", 2), (2, "c", 3)]


def test_upsert_updates_only_the_columns_named(made: Store) -> None:
    with made.begin() as connection:
        upsert(made, things, [{"id": 1, "name": "a", "size": 1}], keys=["id"], connection=connection)
        upsert(made, things, [{"id": 1, "name": "b", "size": 2}], keys=["id"], update=["size"], connection=connection)
    assert rows(made) == [(1, "a", 2)]


def test_upsert_takes_the_same_key_twice(made: Store) -> None:
    twice = [{"id": 1, "name": "a", "size": 1}, {"id": 2, "name": "x", "size": 0}, {"id": 1, "name": "b", "size": 2}]
    with made.begin() as connection:
        upsert(made, things, twice, keys=["id"], connection=connection)
    assert rows(made) == [(1, "b", 2), (2, "x", 0)]


def test_upsert_of_keys_alone_keeps_the_row(made: Store) -> None:
    both = sa.Table(
        "both",
        sa.MetaData(),
        sa.Column("a", sa.Integer, primary_key=True),
        sa.Column("b", sa.Integer, primary_key=True),
    )
    with made.begin() as connection:
        both.create(connection)
        for _ in range(2):
            upsert(made, both, [{"a": 1, "b": 2}], keys=["a", "b"], connection=connection)
        assert connection.execute(sa.select(both)).all() == [(1, 2)]


def test_insert_or_ignore_respects_every_unique_constraint(made: Store) -> None:
    with made.begin() as connection:
        insert_or_ignore(made, things, [{"id": 1, "name": "a"}], connection=connection)
        insert_or_ignore(
            made,
            things,
            [{"id": 1, "name": "z"}, {"id": 2, "name": "a"}, {"id": 3, "name": "c"}, {"id": 3, "name": "d"}],
            connection=connection,
        )
    assert rows(made) == [(1, "a", 0), (3, "c", 0)]


def test_many_rows_reach_postgresql_in_one_statement(made: Store) -> None:
    many_times: list[bool] = []
    sa.event.listen(made.engine, "before_cursor_execute", lambda *call: many_times.append(call[5]))
    many = [{"id": number, "name": str(number), "size": number} for number in range(5_000)]
    with made.begin() as connection:
        upsert(made, things, many, keys=["id"], connection=connection)
        insert_or_ignore(made, things, many, connection=connection)
        upsert(made, things, [{**row, "size": 0} for row in many], keys=["id"], connection=connection)
    assert made.name == "sqlite" or not any(many_times)
    assert rows(made) == [(number, str(number), 0) for number in range(5_000)]


def test_every_kind_of_value_comes_back(made: Store) -> None:
    kinds = sa.Table(
        "kinds",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text),
        sa.Column("big", sa.BigInteger),
        sa.Column("float", sa.Float),
        sa.Column("yes", sa.Boolean),
        sa.Column("json", sa.JSON),
        sa.Column("json_or_null", sa.JSON(none_as_null=True)),
        sa.Column("at", UtcDateTime),
        sa.Column("bytes", sa.LargeBinary),
    )
    at = datetime(2026, 5, 1, 1, 2, 3, 456789, UTC)
    given = [
        (1, "供暖😀", 2**62, 0.1, True, {"a": [1, None, 'x"y{,}\\\n']}, [1, "暖"], at, b"\x00\\\xff"),
        (2, 'a"b\\c{},NULL', -1, -1e300, False, [], None, at, b""),
        (3, "NULL", None, None, None, None, {}, None, None),
        (4, "", 0, 0.0, True, "text", [[1], [2, 3]], at, b"x" * 100_000),
    ]
    columns = [column.name for column in kinds.c]
    with made.begin() as connection:
        kinds.create(connection)
        values = [dict(zip(columns, row, strict=True)) for row in given]
        insert_or_ignore(made, kinds, values[:2], connection=connection)
        upsert(made, kinds, values, keys=["id"], connection=connection)
        assert [tuple(row) for row in connection.execute(sa.select(kinds).order_by(kinds.c.id))] == given


def test_writers_at_the_same_time_wait_for_each_other(made: Store) -> None:
    with made.begin() as connection:
        connection.execute(sa.insert(things), {"id": 1, "name": "counter", "size": 0})
    failed: list[BaseException] = []

    def count() -> None:
        try:
            for _ in range(20):
                with made.begin() as connection:
                    chosen = sa.select(things.c.size).where(things.c.id == 1).with_for_update()
                    size = connection.scalar(chosen)
                    connection.execute(sa.update(things).where(things.c.id == 1).values(size=size + 1))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert rows(made) == [(1, "counter", 80)]


def test_reading_does_not_wait_for_a_writer(made: Store) -> None:
    with made.begin() as writing:
        writing.execute(sa.insert(things), {"id": 1, "name": "a"})
        assert rows(made) == []
    assert rows(made) == [(1, "a", 0)]


def test_a_wrong_statement_stays_what_it_is(made: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught, made.begin() as connection:
        connection.execute(sa.text("select * from nowhere"))
    assert not isinstance(caught.value, Unavailable)
    with pytest.raises(sa.exc.IntegrityError), made.begin() as connection:
        connection.execute(sa.insert(things), [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}])


def test_check_names_the_database_but_no_password(store: Store) -> None:
    line = store.check()
    assert line.startswith(("SQLite 3", "PostgreSQL 1"))
    assert store.url.password is None or store.url.password not in line


def test_migrations_make_what_the_code_declares_and_take_it_away(store: Store) -> None:
    assert current(store) is None
    assert migrate(store) == revisions()[-1] == current(store)
    with store.begin() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
        assert differences == []
        made = set(sa.inspect(connection).get_table_names())
        assert made == {*metadata.tables, "alembic_version"}
        # What makes "one open ticket per event" true is easily lost in a migration.
        indexes = {index["name"]: index for index in sa.inspect(connection).get_indexes("tickets")}
        assert indexes["uq_tickets_event_id_open"]["unique"]
    downgrade(store, "base")
    assert current(store) is None
    with store.read() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
    assert migrate(store) == revisions()[-1]


def test_every_migration_goes_down_and_up_again(store: Store) -> None:
    migrate(store)
    for revision in [*reversed(revisions()[:-1]), "base"]:
        downgrade(store, revision)
        assert current(store) == (None if revision == "base" else revision)
    migrate(store)


def test_migrating_again_changes_nothing(store: Store) -> None:
    migrate(store)
    statements: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *call: statements.append(call[2].lower()))
    migrate(store)
    assert not [text for text in statements if "create" in text or "alter" in text]


def test_a_failed_migration_leaves_the_database_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    real = command.upgrade

    def fail(config: object, revision: str) -> None:
        real(config, revision)  # type: ignore[arg-type]
        raise RuntimeError("power cut")

    monkeypatch.setattr(command, "upgrade", fail)
    with pytest.raises(RuntimeError):
        migrate(store)
    with store.read() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_a_database_of_a_newer_program_is_refused(store: Store) -> None:
    migrate(store)
    with store.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(MinshengError, match=r"9999.*upgrade"):
        migrate(store)
    with pytest.raises(MinshengError, match="9999"):
        downgrade(store, "base")
    assert current(store) == "9999"


def _migrate_in_process(url: str, start: object, answers: multiprocessing.Queue[str]) -> None:
    start.wait()  # type: ignore[attr-defined]
    try:
        store = Store(url)
        migrate(store)
        answers.put("done")
    except Exception as error:
        answers.put(repr(error))


def test_processes_that_start_together_migrate_once(url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(4), spawn.Queue()
    processes = [spawn.Process(target=_migrate_in_process, args=(url, start, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == ["done"] * 4
    for process in processes:
        process.join()


def test_sqlite_says_what_is_wrong_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "torn.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(Unavailable, match=r"damaged.*backup"):
        Store(f"sqlite:///{tmp_path / 'torn.db'}").check()
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(Unavailable, match="unable to open"):
        Store(f"sqlite:///{tmp_path / 'folder.db'}").check()


def test_sqlite_that_stays_locked_is_unavailable(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'store.db'}"
    holder, waiter = Store(address), Store(address)
    with waiter.read() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=10")
    with holder.begin(), pytest.raises(Unavailable, match="locked"), waiter.begin():
        pass
    with waiter.begin():
        pass


def test_what_is_committed_is_on_the_disk(tmp_path: Path) -> None:
    """A power cut takes back no acknowledgement, and nothing of the audit log."""
    with Store(f"sqlite:///{tmp_path / 'store.db'}").read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


@pytest.mark.postgresql
def test_postgresql_with_wrong_password_or_database_says_so(postgresql_url: str) -> None:
    wrong = sa.make_url(postgresql_url).set(database="nowhere")
    with pytest.raises(Unavailable, match=r"nowhere.*does not exist.*\[store\]"):
        Store(wrong).check()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    store = Store("postgresql+pg8000://someone:geheim@127.0.0.1:9/nothing")
    with pytest.raises(Unavailable, match="minsheng doctor") as caught:
        store.check()
    assert "geheim" not in str(caught.value)
    assert caught.value.part == "store"


@pytest.mark.postgresql
def test_a_server_that_goes_away_is_unavailable_until_it_returns(own_server: Callable[[str], Server]) -> None:
    server = own_server("postgresql")
    store = Store(server.address)
    with store.begin() as connection:
        PLACE.create_all(connection)
        connection.execute(sa.insert(things), {"id": 1, "name": "a"})
    with pytest.raises(Unavailable), store.begin() as connection:
        connection.execute(sa.insert(things), {"id": 2, "name": "b"})
        server.kill()
        connection.execute(sa.insert(things), {"id": 3, "name": "c"})
    with pytest.raises(Unavailable):
        rows(store)
    server.start()
    assert rows(store) == [(1, "a", 0)]
    # An orderly stop tells the open connections goodbye, in words of its own.
    with pytest.raises(Unavailable), store.read() as connection:
        others = sa.text("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
        with Store(server.address).begin() as killer:
            killer.execute(others)
        connection.execute(sa.select(things))
    assert rows(store) == [(1, "a", 0)]
    store.close()


def test_the_store_of_the_settings(tmp_path: Path) -> None:
    store = Store.from_settings(load_settings(tmp_path / "new", environ={}))
    assert store.name == "sqlite"
    store.check()
    (tmp_path / "pw").write_text("geheim\n")
    environ = {
        "MINSHENG_STORE__KIND": "postgresql",
        "MINSHENG_STORE__PASSWORD": f'{{ file = "{tmp_path / "pw"}" }}',
    }
    server = Store.from_settings(load_settings(tmp_path, environ=environ))
    assert server.url.password == "geheim"
    assert "geheim" not in repr(server.url)
