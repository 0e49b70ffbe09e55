"""The settings: one typed TOML file, every setting overridable by an environment variable.

`minsheng.toml` in the data folder is read where it exists. `MINSHENG_<SECTION>__<KEY>` overrides a key, e.g.
`MINSHENG_STREAM__KIND=kafka`; lists and tables are given as TOML values. Unknown keys are refused, with the nearest
right name. Secrets are never written in the file itself: they name a file or a variable that holds them.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from minsheng.errors import WrongSettings

PREFIX = "MINSHENG_"
FILE_NAME = "minsheng.toml"


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reference to a secret: `{ file = "/run/secrets/x" }` or `{ env = "NAME" }`. Its value is never printed."""

    file: str | None = None
    env: str | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.env is None):
            raise ValueError('a secret names one place: { file = "..." } or { env = "..." }')

    def reveal(self) -> str:
        """The secret itself. Raises `WrongSettings` where it can't be read."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if value is None:
                raise WrongSettings(f"the secret's environment variable {self.env} is not set", f"set {self.env}")
            return value
        assert self.file is not None
        try:
            return Path(self.file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise WrongSettings(f"the secret's file {self.file} can't be read: {error.strerror}") from error


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the settings file."""


class StreamSettings(Section, frozen=True, kw_only=True):
    """The log between the stages."""

    kind: Literal["embedded", "kafka"] = "embedded"
    path: str = "log.db"  # embedded: the file, relative to the data folder
    bootstrap_servers: str = "127.0.0.1:9092"  # kafka: host:port, several with commas
    topic_prefix: str = "minsheng."  # kafka: put before each topic's name
    documents_partitions: int = 4  # how many assess workers can share the work
    batch: int = 500  # records a poll
    retention_days: int = 14
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-256"
    username: str | None = None
    password: Secret | None = None
    ca_file: str | None = None
    dead_letter_run: int = 200  # so many rejected records in a row stop the stage
    dead_letter_ratio: float = 0.5  # so large a share of the last 1,000 records stops the stage


class SearchSettings(Section, frozen=True, kw_only=True):
    """The index."""

    kind: Literal["embedded", "elasticsearch"] = "embedded"
    path: str = "index.db"  # embedded: the file, relative to the data folder
    urls: tuple[str, ...] = ("http://127.0.0.1:9200",)
    index_prefix: str = "minsheng"
    shards: int = 1  # elasticsearch: of each month's index
    replicas: int = 0
    username: str | None = None
    password: Secret | None = None
    ca_file: str | None = None
    timeout: float = 30.0  # seconds a request


class StoreSettings(Section, frozen=True, kw_only=True):
    """Policies, sources, tickets: everything that is looked after rather than streamed."""

    kind: Literal["embedded", "postgresql"] = "embedded"
    path: str = "store.db"  # embedded: the file, relative to the data folder
    host: str = "127.0.0.1"
    port: int = 5432
    database: str = "minsheng"
    user: str = "minsheng"
    password: Secret | None = None
    ssl: bool = False


class CrawlSettings(Section, frozen=True, kw_only=True):
    """Fetching."""

    contact: str = ""  # a mail address or page put into the user agent, so that site owners can reach you
    per_host_delay: float = 1.0  # seconds between requests to one host, before AutoThrottle
    per_host_concurrency: int = 2
    concurrency: int = 16
    timeout: float = 30.0  # seconds a request
    source_timeout: float = 600.0  # seconds a run of one source
    max_body: int = 10_000_000  # bytes
    author_key: Secret | None = None  # default: made once, kept in the data folder


class ClassifySettings(Section, frozen=True, kw_only=True):
    """Assessing."""

    model: str = "ngram"
    threads: int = 0  # 0: as many as there are cores


class GroupSettings(Section, frozen=True, kw_only=True):
    """Near duplicates and events."""

    window_days: int = 60  # how long an event can be joined after its last document
    max_texts: int = 200_000  # distinct texts remembered, about 1 kB each
    max_documents: int = 500_000  # documents whose place is remembered, copies included, about 0.5 kB each


class LevelSettings(Section, frozen=True, kw_only=True):
    """What a level takes: the weighted score, and distinct voices that are negative or ask for something."""

    score: float
    voices: int


class RiskWeights(Section, frozen=True, kw_only=True):
    """How much each part of the risk counts; they are divided by their sum."""

    volume: float = 0.28
    abnormal: float = 0.15
    growth: float = 0.10
    negative: float = 0.14
    request: float = 0.10
    reach: float = 0.08
    spread: float = 0.05
    release: float = 0.05
    sensitivity: float = 0.05


class AlertSettings(Section, frozen=True, kw_only=True):
    """Risk and tickets. Windows are on event time: the time of publishing, not of fetching.

    The deadlines' source: 国办发〔2016〕61号 (especially major and major emergencies: authoritative information within
    5 hours, press conference within 24 hours) and 国办发〔2016〕80号 (other public opinion: response within 48 hours).
    They count from the time of the post that gave the ticket its level.
    """

    backfill_days: float = 2.0  # older documents open historical tickets that send no notice
    windows_hours: tuple[int, ...] = (1, 6, 24)
    baseline_days: int = 28  # the policy's own past that a window is compared with; under 7 known days: cold start
    concerned_share: float = 0.3  # least share of voices that are negative or ask for something
    excess: float = 2.5  # least distance from the usual, in standard deviations of a Poisson count
    blue: LevelSettings = LevelSettings(score=0.40, voices=8)
    yellow: LevelSettings = LevelSettings(score=0.58, voices=15)
    orange: LevelSettings = LevelSettings(score=0.70, voices=50)
    red: LevelSettings = LevelSettings(score=0.82, voices=150)
    weights: RiskWeights = RiskWeights()
    slow_days: int = 28  # messages on one matter are added up over so many days
    slow_messages: int = 4  # so many messages ...
    slow_authors: int = 3  # ... from so many authors open a blue ticket
    slow_yellow_messages: int = 12
    slow_yellow_authors: int = 8
    release_days: int = 30  # after its release a policy is watched more closely
    calm_hours: float = 24.0  # a level counts as fallen so long after it rose, not before
    information_hours: float = 5.0  # orange and red: authoritative information
    conference_hours: float = 24.0  # orange and red: press conference
    response_hours: float = 48.0  # blue and yellow: response
    warn_at: float = 0.8  # share of a deadline's time after which the officer is warned


class ChannelSettings(Section, frozen=True, kw_only=True):
    """Where notices go. `url` is an Apprise address; one that holds a key belongs into `secret_url`."""

    name: str
    url: str | None = None
    secret_url: Secret | None = None
    levels: tuple[Literal["blue", "yellow", "orange", "red"], ...] = ("blue", "yellow", "orange", "red")


class NotifySettings(Section, frozen=True, kw_only=True):
    """Notices."""

    terminal: bool = True  # also write each notice to the terminal of `minsheng run`
    channels: tuple[ChannelSettings, ...] = ()


class BriefingSettings(Section, frozen=True, kw_only=True):
    """Reports."""

    unit: str = "政务舆情值班室"  # the issuing unit in the masthead


class LogsSettings(Section, frozen=True, kw_only=True):
    """What the program says of itself."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"


class Settings(Section, frozen=True, kw_only=True):
    """All settings. `data_dir` is the folder that everything embedded lies in; it is set by `MINSHENG_DATA_DIR`."""

    stream: StreamSettings = StreamSettings()
    search: SearchSettings = SearchSettings()
    store: StoreSettings = StoreSettings()
    crawl: CrawlSettings = CrawlSettings()
    classify: ClassifySettings = ClassifySettings()
    group: GroupSettings = GroupSettings()
    alert: AlertSettings = AlertSettings()
    notify: NotifySettings = NotifySettings()
    briefing: BriefingSettings = BriefingSettings()
    logs: LogsSettings = LogsSettings()
    data_dir: Path = Path("minsheng-data")

    def path(self, name: str) -> Path:
        """A file or folder in the data folder; an absolute name stays as it is."""
        return self.data_dir / name


SECTIONS: dict[str, type[Section]] = {
    field.name: field.type
    for field in msgspec.structs.fields(Settings)
    if isinstance(field.type, type) and issubclass(field.type, Section)
}


def load_settings(
    data_dir: Path | None = None, file: Path | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings.

    Parameters
    ----------
    data_dir:
        The data folder; default `MINSHENG_DATA_DIR`, or `minsheng-data` here.
    file:
        The settings file; default `MINSHENG_SETTINGS`, or `minsheng.toml` in the data folder, which may be absent.
    environ:
        Stands in for the process environment.

    Raises
    ------
    WrongSettings
        With the place and the nearest right name.
    """
    env = os.environ if environ is None else environ
    folder = Path(data_dir or env.get(f"{PREFIX}DATA_DIR") or "minsheng-data").expanduser()
    named = file or (Path(env[f"{PREFIX}SETTINGS"]) if env.get(f"{PREFIX}SETTINGS") else None)
    path = named or folder / FILE_NAME
    values: dict[str, Any] = {}
    if named is not None or path.exists():
        values = _read_toml(path)
    _refuse_unknown(values, str(path))
    for place, value in _overrides(env).items():
        section, key = place
        table = values.setdefault(section, {})
        if not isinstance(table, dict):
            raise WrongSettings(f"{path}: {section} must be a table, written [{section}]")
        table[key] = value
    try:
        settings = msgspec.convert({**values, "data_dir": str(folder)}, Settings, strict=False, dec_hook=_decode)
    except (msgspec.ValidationError, ValueError) as error:
        raise WrongSettings(f"{path}: {_readable(str(error))}", "see docs/reference/settings.md") from error
    return settings


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WrongSettings(f"there is no settings file {path}", "check --settings or MINSHENG_SETTINGS") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSettings(f"{path}: not readable as TOML: {error}") from error
    except OSError as error:
        raise WrongSettings(f"{path}: {error.strerror}") from error


def _refuse_unknown(values: Mapping[str, Any], where: str) -> None:
    for name, table in values.items():
        if name not in SECTIONS:
            raise WrongSettings(f"{where}: unknown section [{name}]", _nearest(name, SECTIONS))
        if not isinstance(table, Mapping):
            raise WrongSettings(f"{where}: {name} must be a table, written [{name}]")
        known = {field.name: None for field in msgspec.structs.fields(SECTIONS[name])}
        for key in table:
            if key not in known:
                raise WrongSettings(f"{where}: unknown setting {key} in [{name}]", _nearest(key, known))


def _overrides(env: Mapping[str, str]) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    for name, text in env.items():
        if not name.startswith(PREFIX) or "__" not in name:
            continue
        section, _, key = name[len(PREFIX) :].lower().partition("__")
        if section not in SECTIONS:
            raise WrongSettings(f"environment variable {name}: unknown section {section}", _nearest(section, SECTIONS))
        known = {field.name: None for field in msgspec.structs.fields(SECTIONS[section])}
        if key not in known:
            raise WrongSettings(f"environment variable {name}: unknown setting {key}", _nearest(key, known))
        found[section, key] = _toml_value(text, name)
    return found


def _toml_value(text: str, name: str) -> Any:
    """Lists and tables are TOML; everything else is the text itself, converted to the setting's type later."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise WrongSettings(f"environment variable {name}: not a TOML value: {error}") from error


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"


def _readable(text: str) -> str:
    """msgspec writes `Expected ... - at `$.stream.batch``; people know the dotted name."""
    return text.replace("`$.", "`")


def _decode(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(f"settings of type {kind} can't be read")
