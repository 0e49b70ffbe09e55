"""The settings file and environment variables: what is taken, and how a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from minsheng.errors import WrongSettings
from minsheng.settings import Secret, Settings, load_settings


def load(tmp_path: Path, toml: str = "", **environ: str) -> Settings:
    (tmp_path / "minsheng.toml").write_text(toml, encoding="utf-8")
    return load_settings(tmp_path, environ=environ)


def told(tmp_path: Path, toml: str = "", **environ: str) -> str:
    with pytest.raises(WrongSettings) as caught:
        load(tmp_path, toml, **environ)
    return str(caught.value)


def test_without_file_and_variables_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "none", environ={})
    assert settings.stream.kind == "embedded"
    assert settings.data_dir == tmp_path / "none"
    assert settings.path("log.db") == tmp_path / "none" / "log.db"
    assert settings.path("/var/log.db") == Path("/var/log.db")


def test_a_file_sets_and_a_variable_overrides(tmp_path: Path) -> None:
    toml = '[stream]\nkind = "kafka"\nbatch = 50\n[crawl]\ntimeout = 5\n'
    settings = load(tmp_path, toml, MINSHENG_STREAM__BATCH="70", MINSHENG_STORE__SSL="true")
    assert (settings.stream.kind, settings.stream.batch) == ("kafka", 70)
    assert settings.crawl.timeout == 5.0
    assert settings.store.ssl is True


def test_the_file_may_start_with_the_mark_that_windows_editors_write(tmp_path: Path) -> None:
    (tmp_path / "minsheng.toml").write_bytes("\ufeff[logs]\nlevel = 'debug'\n".encode())
    assert load_settings(tmp_path, environ={}).logs.level == "debug"


def test_data_folder_and_file_come_from_variables(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[briefing]\nunit = "值班室"\n', encoding="utf-8")
    environ = {"MINSHENG_DATA_DIR": str(tmp_path / "d"), "MINSHENG_SETTINGS": str(tmp_path / "other.toml")}
    settings = load_settings(environ=environ)
    assert (settings.data_dir, settings.briefing.unit) == (tmp_path / "d", "值班室")


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match="no settings file"):
        load_settings(tmp_path, tmp_path / "missing.toml", environ={})


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[straem]\nkind = "kafka"', "unknown section [straem] — did you mean stream?"),
        ('[stream]\nkinds = "kafka"', "unknown setting kinds in [stream] — did you mean kind?"),
        ('[[notify.channels]]\nnam = "x"', "unknown setting nam in [notify.channels[0]] — did you mean name?"),
        ('stream = "kafka"', "stream must be a table"),
        ('[stream]\nkind = "rabbit"', "Invalid enum value 'rabbit' - at `stream.kind`"),
        ('[stream]\nbatch = "many"', "Expected `int`, got `str` - at `stream.batch`"),
        ('[stream]\nbatch = "5"', "Expected `int`, got `str` - at `stream.batch`"),
        ("[stream]\nbatch = 0", "Expected `int` >= 1 - at `stream.batch`"),
        ("[store]\nport = 70000", "`store.port`"),
        ("[search]\nurls = [1]", "`search.urls[0]`"),
        ('[[notify.channels]]\nname = "x"\nlevels = ["pink"]', "`notify.channels[0].levels[0]`"),
        ('[stream]\npassword = { file = "a", env = "b" }', "names one place"),
        ("[stream\n", "not readable as TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, toml: str, words: str) -> None:
    message = told(tmp_path, toml)
    assert words in message
    assert "minsheng.toml" in message


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MINSHENG_STREM__KIND", "kafka", "did you mean stream?"),
        ("MINSHENG_STREAM__KINDS", "kafka", "did you mean kind?"),
        ("MINSHENG_STREAM__KIND__X", "kafka", "unknown setting x"),
        ("MINSHENG_STREAM_KIND", "kafka", "MINSHENG_STREAM__KIND"),
        ("MINSHENG_STREAM__BATCH", "many", "`stream.batch`"),
        ("MINSHENG_STREAM__BATCH", "-1", "`stream.batch`"),
        ("MINSHENG_STORE__SSL", "perhaps", "`store.ssl`"),
        ("MINSHENG_SEARCH__URLS", "['http://a'", "not a TOML value"),
        ("MINSHENG_NOTIFY__CHANNELS", "[{nam = 'x'}]", "did you mean name?"),
        ("MINSHENG_NOTIFY__CHANNELS", "mail", "notify.channels"),
    ],
)
def test_a_mistake_in_a_variable_is_named(tmp_path: Path, name: str, value: str, words: str) -> None:
    message = told(tmp_path, **{name: value})
    assert words in message
    assert name in message


def test_other_variables_of_the_prefix_are_left_alone(tmp_path: Path) -> None:
    load(tmp_path, MINSHENG_TEST_SERVERS="x", MINSHENG_REQUIRE_SERVERS="1")


def test_every_kind_of_value_comes_from_a_variable(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '[stream]\nusername = "someone"',
        MINSHENG_STREAM__USERNAME="",
        MINSHENG_SEARCH__USERNAME="123",
        MINSHENG_SEARCH__URLS="http://a:1, http://b:2",
        MINSHENG_ALERT__WINDOWS_HOURS="1,12",
        MINSHENG_STREAM__PASSWORD="{ env = 'KAFKA_PASSWORD' }",
        MINSHENG_NOTIFY__CHANNELS="[{ name = 'duty', url = 'mailto://x', levels = ['red'] }]",
        MINSHENG_BRIEFING__UNIT="[测试] 值班室",
    )
    assert settings.stream.username is None
    assert settings.search.username == "123"
    assert settings.search.urls == ("http://a:1", "http://b:2")
    assert settings.alert.windows_hours == (1, 12)
    assert settings.stream.password == Secret(env="KAFKA_PASSWORD")
    assert settings.notify.channels[0].levels == ("red",)
    assert settings.briefing.unit == "[测试] 值班室"


def test_a_secret_written_into_the_settings_is_refused_and_not_repeated(tmp_path: Path) -> None:
    for message in (
        told(tmp_path, '[stream]\npassword = "geheim"'),
        told(tmp_path, MINSHENG_STREAM__PASSWORD="geheim"),
    ):
        assert "a secret is not written into the settings" in message
        assert "geheim" not in message


def test_a_secret_is_revealed_but_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("geheim\n", encoding="utf-8")
    toml = f"[stream]\npassword = {{ file = '{tmp_path / 'key'}' }}\n[search]\npassword = {{ env = 'ES_KEY' }}\n"
    settings = load(tmp_path, toml)
    monkeypatch.setenv("ES_KEY", "auch geheim")
    assert settings.stream.password is not None
    assert settings.search.password is not None
    assert settings.stream.password.reveal() == "geheim"
    assert settings.search.password.reveal() == "auch geheim"
    assert "geheim" not in repr(settings) + str(settings)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_secret_that_cant_be_read_says_so(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(WrongSettings, match="key"):
        Secret(file=str(tmp_path / "key")).reveal()


def test_a_secret_variable_that_is_not_set_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    with pytest.raises(WrongSettings, match="NOT_THERE"):
        Secret(env="NOT_THERE").reveal()
