"""The settings: one typed TOML file, every setting overridable by an environment variable.

`minsheng.toml` in the data folder is read where it exists. `MINSHENG_<SECTION>__<KEY>` overrides a key, e.g.
`MINSHENG_STREAM__KIND=kafka` or `MINSHENG_ALERT__WEIGHTS__VOLUME=0.3`; lists and tables are given as TOML values, lists
of texts also with commas. Unknown keys are refused, with the nearest right name. Secrets are never written in the file
itself: they name a file or a variable that holds them.
"""

from __future__ import annotations

import difflib
import ipaddress
import itertools
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from minsheng.errors import WrongSettings
from minsheng.exercises import EXERCISE

PREFIX = "MINSHENG_"
FILE_NAME = "minsheng.toml"

Count = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Minutes = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


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
            value = Path(self.file).expanduser().read_text(encoding="utf-8").strip()
        except OSError as error:
            raise WrongSettings(f"the secret's file {self.file} can't be read: {error.strerror}") from error
        except UnicodeDecodeError:
            raise WrongSettings(f"the secret's file {self.file} is not UTF-8 text") from None
        if not value:
            raise WrongSettings(f"the secret's file {self.file} is empty")
        return value


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the settings file."""


class StreamSettings(Section, frozen=True, kw_only=True):
    """The log between the stages."""

    kind: Literal["embedded", "kafka"] = "embedded"  # SQLite on this machine, or a Kafka cluster
    path: str = "log.db"  # embedded: the file, relative to the data folder
    bootstrap_servers: str = "127.0.0.1:9092"  # kafka: host:port, several with commas
    topic_prefix: str = "minsheng."  # kafka: put before each topic's name
    documents_partitions: Count = 4  # how many assess workers can share the work
    batch: Count = 500  # records a poll
    assess_batch: Count = 250  # of the assess stage, the slow one: those after it begin once so many are assessed
    retention_days: Count = 14  # records older than this are removed from the log
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"  # kafka
    sasl_mechanism: str = "SCRAM-SHA-256"  # kafka, with a SASL protocol
    username: str | None = None  # kafka, with a SASL protocol
    password: Secret | None = None  # kafka, with a SASL protocol
    ca_file: str | None = None  # kafka, with an SSL protocol: the authority that signed the servers' certificates
    dead_letter_run: Count = 200  # so many rejected records in a row stop the stage
    dead_letter_ratio: Share = 0.5  # so large a share of the last 1,000 records stops the stage


class SearchSettings(Section, frozen=True, kw_only=True):
    """The index."""

    kind: Literal["embedded", "elasticsearch"] = "embedded"  # SQLite on this machine, or an Elasticsearch cluster
    path: str = "index.db"  # embedded: the file, relative to the data folder
    urls: tuple[str, ...] = ("http://127.0.0.1:9200",)  # elasticsearch: its nodes
    index_prefix: str = "minsheng"  # elasticsearch: how the names of its indices begin
    shards: Count = 1  # elasticsearch: of each month's index
    replicas: Annotated[int, msgspec.Meta(ge=0)] = 0  # elasticsearch: copies of each shard
    username: str | None = None  # elasticsearch
    password: Secret | None = None  # elasticsearch
    ca_file: str | None = None  # elasticsearch: the authority that signed the servers' certificates
    timeout: Seconds = 30.0  # seconds a request
    retention_days: Count = 1_100  # whole months older than this are removed from the index


class StoreSettings(Section, frozen=True, kw_only=True):
    """Policies, sources, tickets: everything that is looked after rather than streamed."""

    kind: Literal["embedded", "postgresql"] = "embedded"  # SQLite on this machine, or a PostgreSQL server
    path: str = "store.db"  # embedded: the file, relative to the data folder
    host: str = "127.0.0.1"  # postgresql
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 5432  # postgresql
    database: str = "minsheng"  # postgresql
    user: str = "minsheng"  # postgresql
    password: Secret | None = None  # postgresql
    ssl: bool = False  # postgresql: encrypt the connection and check the server's certificate


class HostSettings(Section, frozen=True, kw_only=True):
    """How one host is asked, where the general settings don't fit. What is not set stays general."""

    host: str  # www.example.org; or .example.org for all below it, too
    delay: NotNegative | None = None  # seconds between requests
    concurrency: Count | None = None  # requests at the same time
    daily: Annotated[int, msgspec.Meta(ge=0)] | None = None  # requests a day, China time; 0: no limit
    hours: str = ""  # the only hours in which it is asked, China time, e.g. 22:00-06:00; empty: always
    robots_permission: str = ""  # the owner's written permission to pass over robots.txt: by whom, when, where it lies

    def __post_init__(self) -> None:
        if not self.host or "/" in self.host:
            raise ValueError(f"crawl.hosts: '{self.host}' is no host: write www.example.org or .example.org")
        if self.robots_permission and len(self.robots_permission.strip()) < 10:
            raise ValueError(
                f"crawl.hosts: the permission of {self.host} says too little: write by whom, when, and where it lies"
            )
        hours_of(self.hours)


def hours_of(text: str) -> tuple[time, time] | None:
    """`22:00-06:00` as two times of day; None where it is empty. Raises `ValueError`."""
    if not text:
        return None
    try:
        begin, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError:
        raise ValueError(f"crawl.hosts: '{text}' are no hours: write 22:00-06:00") from None
    if begin == end:
        raise ValueError(f"crawl.hosts: '{text}' is no span of time: leave hours out to ask at all times")
    return begin, end


class BrowserSettings(Section, frozen=True, kw_only=True):
    """Chromium, for sources whose option `javascript` asks for it; needs `pip install 'minsheng[browser]'`."""

    path: str = ""  # Chromium's program; empty: the system's, else the one that Playwright has fetched
    pages: Count = 2  # pages at the same time
    timeout: Seconds = 60.0  # seconds that a page may take; waiting for its host's turns is part of it
    requests: Count = 80  # requests that a page's scripts may make
    memory_mb: Annotated[int, msgspec.Meta(ge=100)] = 800  # memory of all pages; beyond, the largest is ended
    sandbox: bool = True  # false only where the crawler runs in a container of its own that is its sandbox


class CrawlSettings(Section, frozen=True, kw_only=True):
    """Fetching."""

    contact: str = ""  # a mail address or page put into the user agent, so that site owners can reach you
    per_host_delay: NotNegative = 1.0  # seconds between requests to one host, before AutoThrottle
    per_host_concurrency: Count = 2  # requests to one host at the same time
    per_host_daily: Annotated[int, msgspec.Meta(ge=0)] = 20_000  # requests to one host a day, China time; 0: no limit
    hosts: tuple[HostSettings, ...] = ()  # single hosts that are asked otherwise
    concurrency: Count = 16  # requests of one source at the same time
    timeout: Seconds = 30.0  # seconds a request
    source_timeout: Seconds = 600.0  # seconds a run of one source
    max_body: Count = 10_000_000  # bytes
    allowed_networks: tuple[str, ...] = ()  # networks of your own that sources may be in, e.g. 10.20.0.0/16
    author_key: Secret | None = None  # hashes authors' names; default: made and replaced in the data folder
    old_author_keys: tuple[Secret, ...] = ()  # keys that author_key replaced, until what they hashed is removed
    author_key_days: Annotated[int, msgspec.Meta(ge=0)] = 365  # a key in the data folder is replaced so often; 0: never
    login_key: Secret | None = None  # seals sources' cookies in the store; default: made once, in the data folder
    browser: BrowserSettings = BrowserSettings()  # runs the scripts of pages that are made by them

    def __post_init__(self) -> None:
        for network in self.allowed_networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f"crawl.allowed_networks: {error}; write 10.20.0.0/16 or 10.20.3.4") from None


class CollectorSettings(Section, frozen=True, kw_only=True):
    """Another collector that may deliver documents."""

    source: str  # the id of the source that its documents get
    token: Secret  # what it shows at the HTTP endpoint; at least 16 characters

    def __post_init__(self) -> None:
        if self.source == EXERCISE:
            raise ValueError(f"receive.collectors: '{EXERCISE}' is kept for drills: choose another id")


class ReceiveSettings(Section, frozen=True, kw_only=True):
    """What comes by itself (`minsheng receive`): documents that other collectors deliver, and pushes of feeds' hubs."""

    host: str = "127.0.0.1"  # the address that the endpoint listens on; put a proxy with TLS before it
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8645  # its port; 0 takes any free one
    collectors: tuple[CollectorSettings, ...] = ()  # who may deliver
    max_items: Count = 1000  # items of one request
    max_body: Count = 20_000_000  # bytes of one request, opened
    public_url: str = ""  # how hubs of feeds reach the endpoint, e.g. https://push.example.gov.cn/; empty: no pushes

    def __post_init__(self) -> None:
        if self.public_url and not re.fullmatch(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", self.public_url):
            raise ValueError(f"receive.public_url: '{self.public_url}' is no address: write https://HOST/")


class HeadSettings(Section, frozen=True, kw_only=True):
    """A model of the user's own for one head, in Hugging Face's format; needs `pip install 'minsheng[torch]'`."""

    head: Literal["sentiment", "emotion", "topic", "request", "stance", "harm", "advert"]  # what it judges
    model: str  # its folder, in the data folder or absolute; or an id on Hugging Face's hub, where the network allows
    labels: dict[str, str] = {}  # the model's label → the head's; those that are called alike need no entry
    batch: Count = 32  # texts at a time
    device: Literal["auto", "cpu", "cuda"] = "auto"  # auto: a GPU where there is one
    max_tokens: Count = 256  # of a longer text the rest is not read
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"  # the numbers it is run in
    unsure_below: Share | None = None  # a label with a lower score is marked as unsure


class ClassifySettings(Section, frozen=True, kw_only=True):
    """Assessing."""

    model: str = "encoder"  # the shipped model that judges every head without one of its own
    heads: tuple[HeadSettings, ...] = ()  # models of the user's own, one a head
    threads: Annotated[int, msgspec.Meta(ge=0)] = 0  # 0: as many as there are cores
    own_process: bool | None = None  # of minsheng run; unset: where there is more than one processor


class GroupSettings(Section, frozen=True, kw_only=True):
    """Near duplicates and events."""

    window_days: Count = 400  # how long an event can be joined after its last document
    max_texts: Count = 200_000  # distinct texts remembered, about 2 kB each
    max_documents: Count = 500_000  # documents whose place is remembered, copies included, about 0.5 kB each
    own_process: bool | None = None  # of minsheng run; unset: where there is more than one processor


class ClockSettings(Section, frozen=True, kw_only=True):
    """A clock of your own, beside those of the State Council: what an authority of yours asks for, and by when."""

    kind: str  # its short name in Latin letters, e.g. first-report
    title: str  # what is due, as people read it: 向上级首报
    hours: float  # so long after the post that gave the ticket its level
    levels: tuple[Literal["blue", "yellow", "orange", "red"], ...] = ("blue", "yellow", "orange", "red")  # which levels
    working: bool = False  # count only working time, as [work] sets it; a working day of 7 hours is 7
    source: str = ""  # who sets it, with the number of the document
    apart: bool = False  # an answer to the public does not meet it; it is marked as met by itself

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]{1,24}", self.kind) or self.kind.endswith("-warning"):
            raise ValueError(f"alert.clocks: '{self.kind}' is no short name: write e.g. first-report")
        if self.hours <= 0 or not self.title.strip():
            raise ValueError(f"alert.clocks: {self.kind} needs a title, and hours above 0")


class AlertSettings(Section, frozen=True, kw_only=True):
    """Risk and tickets. Windows are on event time: the time of publishing, not of fetching. What each level takes is
    said by the rules, see `docs/how-to/write-a-rule.md`.

    The deadlines' source: 国办发〔2016〕61号 (especially major and major emergencies: authoritative information within
    5 hours, press conference within 24 hours) and 国办发〔2016〕80号 (other public opinion: response within 48 hours).
    They count from the time of the post that gave the ticket its level.
    """

    backfill_days: float = 2.0  # older documents open historical tickets that send no notice
    windows_hours: tuple[int, ...] = (1, 6, 24)  # spans that are compared with the past
    baseline_days: int = 28  # the policy's own past that a window is compared with; under 7 known days: cold start
    slow_days: Count = 365  # messages on one matter are added up over so many days
    release_days: int = 30  # after its release a policy is watched more closely
    calm_hours: float = 24.0  # a level counts as fallen so long after it rose, not before
    information_hours: float = 5.0  # orange and red: authoritative information
    conference_hours: float = 24.0  # orange and red: press conference
    response_hours: float = 48.0  # blue and yellow: response
    clocks: tuple[ClockSettings, ...] = ()  # further clocks
    warn_at: Share = 0.8  # share of a deadline's time after which the officer is warned
    reopen_days: NotNegative = 7.0  # an ended ticket reopens when its event flares up within so many days; 0: never
    task_notice_levels: tuple[Literal["blue", "yellow", "orange", "red"], ...] = (
        "orange",
        "red",
    )  # of tickets of these levels a notice says when a task or a unit's report is overdue; of all, the timeline does
    attachment_bytes: Count = 50_000_000  # a file attached to a ticket may be so large
    retention_days: Count = 400  # what risk is judged by is removed when it is older; tickets stay

    def __post_init__(self) -> None:
        if not self.windows_hours or min(self.windows_hours) < 1:
            raise ValueError("alert.windows_hours needs at least one window, of an hour or more")
        kinds = ["information", "conference", "response", *(clock.kind for clock in self.clocks)]
        if twice := {kind for kind in kinds if kinds.count(kind) > 1}:
            raise ValueError(f"alert.clocks: the name {sorted(twice)[0]} is given twice")


class ChannelSettings(Section, frozen=True, kw_only=True):
    """Where notices go. `url` is an Apprise address, a plain http(s) webhook, or a robot's webhook of DingTalk, WeCom
    or Feishu; one that holds a key belongs into `secret_url`. With `body` it is a gateway of any other kind, e.g. for
    SMS: see docs/how-to/add-a-notifier.md."""

    name: str  # what the log and tickets call it
    url: str | None = None  # where it is, if that holds no key
    secret_url: Secret | None = None  # where it is, if that holds a key
    levels: tuple[Literal["blue", "yellow", "orange", "red"], ...] = (
        "blue",
        "yellow",
        "orange",
        "red",
    )  # only notices of these levels go there
    operators: bool = False  # also told when a source needs an operator, once each time
    personal: bool = False  # reaches one person at a time: {to} in address or body is what the duty book has of him
    fallback: tuple[str, ...] = ()  # channels to try instead where a notice does not get through; none: any other one
    per_minute: int = 20  # DingTalk mutes a robot that sends more
    body: str = ""  # gateways: what to post, with {to}, {text}, {short}, {subject}, {level}, {link}, {secret} filled in
    headers: dict[str, str] = {}  # gateways: headers to send, filled in alike
    secret: Secret | None = None  # gateways: what {secret} stands for
    success: str = ""  # gateways: JMESPath that is true of an answer that confirms, e.g. code == `0`; none: any 2xx
    error: str = ""  # gateways: JMESPath of the words that a refusal is explained with, e.g. msg
    longest: Count = 300  # gateways: characters of {short}

    def __post_init__(self) -> None:
        if (self.url is None) == (self.secret_url is None):
            raise ValueError(f"channel {self.name} needs either url or secret_url")
        if not self.body and (self.headers or self.secret or self.success or self.error):
            raise ValueError(f"channel {self.name}: headers, secret, success and error belong to a gateway with a body")
        if self.personal and self.operators:
            raise ValueError(f"channel {self.name} reaches one person at a time: operators need one that reaches all")


class NotifySettings(Section, frozen=True, kw_only=True):
    """Notices. Who is told of what stands in the duty book (`minsheng roster import`); without one every channel is."""

    terminal: bool = True  # also write each notice to the terminal of `minsheng run`
    channels: tuple[ChannelSettings, ...] = ()  # where notices go
    timeout: float = 10.0  # seconds a try
    tries: int = 8  # after so many a notice is given up and its ticket says so
    tries_alone: Count = 3  # orange and red: after so many another channel is tried, too
    breaker_failures: Count = 5  # so many failures in a row rest a channel ...
    breaker_seconds: Seconds = 30.0  # ... for so long, twice as long each time, up to ten minutes
    answer_listen: str = ""  # address and port that links in notices are answered at, e.g. 127.0.0.1:8646; empty: none
    answer_url: str = ""  # how people reach it, e.g. https://minsheng.example.gov.cn/; empty: notices have no links
    link_key: Secret | None = None  # signs links in notices; default: made once, in the data folder
    link_hours: Annotated[float, msgspec.Meta(gt=0)] = 72.0  # how long a link can be used
    watchdog_url: Secret | None = None  # asked again and again while all is well; whoever owns it alarms when it stops
    watchdog_seconds: Seconds = 60.0  # how often

    def __post_init__(self) -> None:
        names = [channel.name for channel in self.channels]
        for name in names:
            if names.count(name) > 1 or name == "terminal":
                raise ValueError(f"notify.channels: two channels are called {name}: give each its own name")
        for channel in self.channels:
            for other in channel.fallback:
                if other not in names or other == channel.name:
                    raise ValueError(f"notify.channels: {channel.name}: fallback {other} is no other channel")
        if self.answer_listen and not self.answer_listen.rpartition(":")[2].isdecimal():
            raise ValueError(f"notify.answer_listen: '{self.answer_listen}' is no address: write 127.0.0.1:8646")
        if self.answer_url and not self.answer_url.startswith(("http://", "https://")):
            raise ValueError(f"notify.answer_url: '{self.answer_url}' is no address: write https://HOST/")


class ReleaseSettings(Section, frozen=True, kw_only=True):
    """The watch over policies' releases: reminders of what is missing before one, and first reports after it."""

    time: str = "09:00"  # when on its day a policy is released, and when reminders go out, China time
    remind_days: tuple[Annotated[int, msgspec.Meta(ge=0, le=365)], ...] = (14, 7, 3, 1, 0)  # so many days before
    report_hours: tuple[Annotated[int, msgspec.Meta(ge=1, le=720)], ...] = (2, 24, 72)  # so many hours after
    receivers: tuple[str, ...] = ("responsible",)  # who is told, as the duty book writes it; nobody found: its routes

    def __post_init__(self) -> None:
        try:
            moment = time.fromisoformat(self.time)
        except ValueError:
            raise ValueError(f"release.time: '{self.time}' is no time of day: write 09:00") from None
        if moment.tzinfo is not None:
            raise ValueError("release.time is China time: write it without a zone")


class InterpretationSettings(Section, frozen=True, kw_only=True):
    """Interpretation of policies (解读), and what is asked of it.

    The goal's source: 四川省人民政府办公厅, key points of open-government work 2023 (16 May 2023), part two (7): of the
    policies issued in the name of a government or its office no less than half have interpretation in more forms than
    text; materials come out with the policy, and don't just copy or shorten it. It names no share for "copy": that one
    is ours, see docs/how-to/interpret-policies.md.
    """

    diverse_share: Share = 0.5  # of the policies issued by a government or its office, those with more than text
    copied_share: Share = 0.5  # from this share of its text in the document word for word, a piece counts as copied
    official_departments: tuple[str, ...] = (
        "人民政府",
        "政府办公厅",
        "政府办公室",
    )  # how the departments end in whose name such policies are issued
    official_numbers: tuple[str, ...] = (
        "府发",
        "府办发",
        "府办规",
        "府规",
        "政发",
        "政办发",
        "政规",
        "政办规",
    )  # or their 文号


class ConsultationSettings(Section, frozen=True, kw_only=True):
    """Consultations on drafts (征求意见), and by when it is made public what was taken up.

    The term's source: 四川省人民政府办公厅, key points of open-government work 2023 (16 May 2023), part one (4):
    opinions that were taken up are published within one month of the end of the consultation. Counted by the calendar
    from the closing day; where another authority sets another term, it is set here.
    """

    publish_months: Count = 1  # months from the closing day within which it is made public what was taken up
    warn_days: Annotated[int, msgspec.Meta(ge=0)] = 7  # so many days before that day the duty desk begins to warn


class ScheduleSettings(Section, frozen=True, kw_only=True):
    """What `minsheng run` and `minsheng stage alert` do by themselves, again and again."""

    topic_minutes: Minutes = 15.0  # owners of watch topics are told of new matches, so many minutes apart
    topic_notices: Count = 12  # of one topic at most so often a day; the rest comes with the next day's first
    responses_minutes: Minutes = 60.0  # responses are evaluated again once they are two, and thirty, days old
    questions_at: str = "03:30"  # when the Q&A base ends what has expired and reads new questions, China time
    statutory_at: str = "08:30"  # when departments are told of consultations and applications whose day is near or over

    def __post_init__(self) -> None:
        for name in ("questions_at", "statutory_at"):
            given = getattr(self, name)
            try:
                time.fromisoformat(given)
            except ValueError:
                raise ValueError(f"schedule.{name}: '{given}' is no time of day: write 03:30") from None


class WorkSettings(Section, frozen=True, kw_only=True):
    """Working time: what deadlines in working hours, working days and the reports of each morning go by.

    National holidays and make-up days are known as far as the State Council has announced them; `minsheng doctor` says
    up to which year.
    """

    hours: tuple[str, ...] = ("09:00-12:00", "13:00-17:00")  # the hours of a working day, China time
    holidays: tuple[date, ...] = ()  # further days off, e.g. a region's own: ["2027-04-09"]
    workdays: tuple[date, ...] = ()  # further days of work, e.g. a make-up day of your own

    def __post_init__(self) -> None:
        spans = spans_of(self.hours)
        if not spans or any(before[1] > after[0] for before, after in itertools.pairwise(spans)):
            raise ValueError("work.hours needs spans in order that don't overlap, e.g. 09:00-12:00, 13:00-17:00")
        both = sorted(set(self.holidays) & set(self.workdays))
        if both:
            raise ValueError(f"work: {both[0]} is named as a day off and as a day of work")


def spans_of(hours: tuple[str, ...]) -> tuple[tuple[time, time], ...]:
    """`("09:00-12:00", "13:00-17:00")` as times of day. Raises `ValueError`."""
    found = []
    for text in hours:
        try:
            begin, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
        except ValueError:
            raise ValueError(f"work.hours: '{text}' are no hours: write 09:00-12:00") from None
        if begin >= end:
            raise ValueError(f"work.hours: '{text}' must begin before it ends")
        found.append((begin, end))
    return tuple(found)


class DistributionSettings(Section, frozen=True, kw_only=True):
    """Who a kind of briefing is issued to."""

    kinds: tuple[
        Literal["daily", "weekly", "monthly", "special", "release", "shift", "comparison", "statement", "consultation"],
        ...,
    ]  # kinds of briefing that this list is for
    to: tuple[str, ...]  # who is told, as the duty book writes it: person:ID, roster:ID, unit:ID, channel:NAME
    names: tuple[str, ...] = ()  # what is printed behind 报送


class BriefingSettings(Section, frozen=True, kw_only=True):
    """Briefings: what stands on them, when they are made, and who they are issued to."""

    unit: str = "政务舆情值班室"  # the issuing unit in the masthead
    secrecy: str = ""  # 密级, top left on each: 秘密★1年
    mark: str = "内部资料　注意保存"  # printed there where there is no secrecy
    daily_at: str = "08:30"  # the day before lies ready as a draft by then, China time; empty: none by itself
    weekly_at: str = "09:00"  # the week before, on a week's first working day; empty: none
    monthly_at: str = "09:30"  # the month before, on a month's first working day; empty: none
    days: Literal["working", "every"] = "working"  # dailies come on working days, then for each day since; or each day
    ahead_minutes: Minutes = 45.0  # they are made so long before; who is on duty is told before the hour if that fails
    distribution: tuple[DistributionSettings, ...] = ()  # the distribution lists

    def __post_init__(self) -> None:
        for name in ("daily_at", "weekly_at", "monthly_at"):
            text = getattr(self, name)
            try:
                time.fromisoformat(text or "00:00")
            except ValueError:
                raise ValueError(f"briefing.{name}: '{text}' is no time of day: write 08:30") from None


class DisclosureSettings(Section, frozen=True, kw_only=True):
    """Applications for information (依申请公开). The terms are those of the Regulations on Open Government Information,
    政府信息公开条例, State Council Order No. 711: answer within 20 working days of receipt, one extension of up to 20,
    the time in which third parties or other offices are asked not counted (Article 33); whoever is unclear is asked to
    be clearer within 7 working days, and the term begins anew when that comes in (Article 30); what many ask for may be
    published without being asked (Article 44, cited from memory: to be checked against the text).
    """

    answer_days: Count = 20  # working days to answer in (Article 33)
    extension_days: Count = 20  # working days that the term may be extended by, once (Article 33)
    correction_days: Count = 7  # working days to ask the applicant to be clearer in (Article 30)
    warn_days: Annotated[int, msgspec.Meta(ge=0)] = 5  # an application counts as soon due so many working days before
    often: Annotated[int, msgspec.Meta(ge=2)] = 3  # from so many applications on a matter is often asked (Article 44)


class ConsoleSettings(Section, frozen=True, kw_only=True):
    """The console in the browser, served by `minsheng run` and `minsheng console`."""

    run: bool = True  # `minsheng run` serves it, too
    host: str = "127.0.0.1"  # the address that it listens on; put a proxy with TLS before it
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8600  # its port; 0 takes any free one
    workers: Annotated[int, msgspec.Meta(ge=0, le=32)] = 0  # processes of `minsheng console`; 0: by the processors
    public_url: str = ""  # how browsers reach it, where a proxy stands before it: https://minsheng.example.gov.cn
    proxies: tuple[str, ...] = ()  # addresses of proxies whose word on the caller's address and on https is taken
    session_hours: Annotated[float, msgspec.Meta(gt=0)] = 12.0  # a session ends after so many hours
    idle_minutes: Annotated[float, msgspec.Meta(gt=0)] = 240.0  # or when nobody has used it for so many minutes
    export_rows: Count = 10_000  # most documents of one export
    api_per_minute: Count = 600  # requests to the API that one token, or one user's sessions, may send a minute
    key: Secret | None = None  # seals second factors and signs links; default: made once, in the data folder

    def __post_init__(self) -> None:
        if self.public_url and not self.public_url.startswith(("http://", "https://")):
            raise ValueError(
                f"console.public_url: '{self.public_url}' is no address: write https://minsheng.example.gov.cn"
            )


class SsoSettings(Section, frozen=True, kw_only=True):
    """Signing in to the console by the unit's identity provider (OpenID Connect). Off without `issuer`."""

    issuer: str = ""  # its address, exactly as it calls itself: https://sso.example.gov.cn/realms/gov; empty: off
    client_id: str = ""  # what the console is registered as there
    client_secret: Secret | None = None  # its secret there; without one, PKCE alone protects the exchange
    scopes: tuple[str, ...] = ("openid", "profile")  # what is asked for; `openid` must be among them
    name: str = "统一身份认证"  # what the sign-in page calls it
    username_claim: str = "preferred_username"  # the claim that is the user's name; not one that people change
    display_claim: str = "name"  # the claim that people are called by
    roles_claim: str = ""  # the claim that gives roles, e.g. groups or realm_access.roles; empty: roles are given here
    roles: dict[str, str] = {}  # value of that claim → role; what stands not here gives none
    unit_claim: str = ""  # the claim that gives the unit; empty: units are given here
    units: dict[str, str] = {}  # value of that claim → the unit's name here, where that is another one
    unknown: Literal["refuse", "add"] = "refuse"  # somebody of whom there is no user: sent away, or made a user
    default_roles: tuple[str, ...] = ()  # roles of users that are made so, where `roles_claim` is empty
    local: bool = True  # names and passwords of users here stay good; false: only administrators' do
    leeway_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 60.0  # how far its clock and ours may be apart
    ca_file: str = ""  # certificates (PEM) that it is trusted by, beside the system's own

    def __post_init__(self) -> None:
        if not self.issuer:
            return
        if not self.issuer.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ValueError(f"sso.issuer: '{self.issuer}' is no https address")
        if not self.client_id:
            raise ValueError("sso.client_id: say what the console is registered as at sso.issuer")
        if "openid" not in self.scopes:
            raise ValueError("sso.scopes: 'openid' must be among them")


class MetricsSettings(Section, frozen=True, kw_only=True):
    """Numbers for Prometheus, served by `minsheng run` and `minsheng stage crawl`; the console serves its own."""

    listen: str = ""  # address and port that /metrics is served at, e.g. 127.0.0.1:9464; empty: not at all
    token: Secret | None = None  # what /metrics of the console is asked for with from other machines (Bearer)

    def __post_init__(self) -> None:
        if self.listen and not self.listen.rpartition(":")[2].isdecimal():
            raise ValueError(f"metrics.listen: '{self.listen}' is no address: write 127.0.0.1:9464")


class LogsSettings(Section, frozen=True, kw_only=True):
    """What the program says of itself."""

    level: Literal["debug", "info", "warning", "error"] = "info"  # what is less grave is not written
    format: Literal["auto", "json", "text"] = "auto"  # one JSON line an event, or text; auto: text on a terminal


class Settings(Section, frozen=True, kw_only=True):
    """All settings. `data_dir` is the folder that everything embedded lies in; it is set by `MINSHENG_DATA_DIR`."""

    stream: StreamSettings = StreamSettings()
    search: SearchSettings = SearchSettings()
    store: StoreSettings = StoreSettings()
    crawl: CrawlSettings = CrawlSettings()
    receive: ReceiveSettings = ReceiveSettings()
    classify: ClassifySettings = ClassifySettings()
    group: GroupSettings = GroupSettings()
    alert: AlertSettings = AlertSettings()
    notify: NotifySettings = NotifySettings()
    release: ReleaseSettings = ReleaseSettings()
    interpretation: InterpretationSettings = InterpretationSettings()
    consultation: ConsultationSettings = ConsultationSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    work: WorkSettings = WorkSettings()
    briefing: BriefingSettings = BriefingSettings()
    disclosure: DisclosureSettings = DisclosureSettings()
    console: ConsoleSettings = ConsoleSettings()
    sso: SsoSettings = SsoSettings()
    metrics: MetricsSettings = MetricsSettings()
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
    values = _read_toml(path) if named is not None or path.exists() else {}
    _refuse_unknown(values, Settings, str(path))
    # Defaults first, so that one key of an inner table can be set without its other keys.
    merged = _over(msgspec.to_builtins(Settings(), enc_hook=str), values)
    for override in _overrides(env):
        merged = _over(merged, override)
    try:
        return msgspec.convert({**merged, "data_dir": folder}, Settings, dec_hook=_decode)
    except (msgspec.ValidationError, ValueError) as error:
        raise WrongSettings(f"{path}: {_readable(error)}", "see docs/reference/settings.md") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise WrongSettings(f"there is no settings file {path}", "check --settings or MINSHENG_SETTINGS") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSettings(f"{path}: not readable as TOML: {error}") from error
    except OSError as error:
        raise WrongSettings(f"{path}: {error.strerror}") from error


def _fields(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.name: field for field in msgspec.structs.fields(kind) if field.name != "data_dir"}


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that a setting of this type is, may be, or is a list of."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next((found for part in get_args(kind) if (found := _struct_in(part))), None)


def _refuse_unknown(table: Mapping[str, Any], kind: type[msgspec.Struct], where: str, place: str = "") -> None:
    fields = _fields(kind)
    for key, value in table.items():
        dotted = f"{place}{key}"
        if key not in fields:
            what = f"unknown setting {key} in [{place.rstrip('.')}]" if place else f"unknown section [{key}]"
            raise WrongSettings(f"{where}: {what}", _nearest(key, fields))
        inner = _struct_in(fields[key].type)
        if inner is None:
            continue
        if isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, Mapping):
                    _refuse_unknown(item, inner, where, f"{dotted}[{number}].")
        elif isinstance(value, Mapping):
            _refuse_unknown(value, inner, where, f"{dotted}.")
        elif inner is Secret:
            raise WrongSettings(
                f"{where}: {dotted}: a secret is not written into the settings",
                f'name the place that holds it: {key} = {{ file = "..." }} or {{ env = "..." }}',
            )
        else:
            raise WrongSettings(f"{where}: {dotted} must be a table, written [{dotted}]")


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both tables in one, and the tables in them alike; where both hold a value, the one above counts."""
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        merged[key] = _over(lower, value) if isinstance(lower, Mapping) and isinstance(value, Mapping) else value
    return merged


def _overrides(env: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What environment variables set, each in the shape of a settings file."""
    for name, text in sorted(env.items()):
        if not name.startswith(PREFIX):
            continue
        place = name[len(PREFIX) :].lower().split("__")
        if len(place) == 1:
            _refuse_single_underscore(name)
            continue
        where = f"environment variable {name}"
        kind: Any = Settings
        for depth, key in enumerate(place):
            known = _fields(kind) if isinstance(kind, type) and issubclass(kind, Section) else {}
            if key not in known:
                what = f"unknown section {key}" if depth == 0 else f"unknown setting {key}"
                raise WrongSettings(f"{where}: {what}", _nearest(key, known))
            kind = known[key].type
        value = _plain(text, kind, where)
        for key in reversed(place):
            value = {key: value}
        _refuse_unknown(value, Settings, where)
        try:
            msgspec.convert(_over(msgspec.to_builtins(Settings(), enc_hook=str), value), Settings, dec_hook=_decode)
        except (msgspec.ValidationError, ValueError) as error:
            raise WrongSettings(f"{where}: {_readable(error)}", "see docs/reference/settings.md") from error
        yield value


def _refuse_single_underscore(name: str) -> None:
    """`MINSHENG_STREAM_KIND` would be passed over in silence."""
    section, _, key = name[len(PREFIX) :].lower().partition("_")
    if section in SECTIONS and key in _fields(SECTIONS[section]):
        raise WrongSettings(
            f"environment variable {name}: two underscores stand between section and setting",
            f"write {PREFIX}{section.upper()}__{key.upper()}",
        )


def _plain(text: str, kind: Any, where: str) -> Any:
    """An environment variable's text as the plain value that a settings file would hold; what can't be understood
    stays text, and is refused later with its place."""
    parts = get_args(kind)
    if type(None) in parts and not text:
        return None
    is_list = get_origin(kind) is tuple
    if (is_list or _struct_in(kind)) and text.lstrip().startswith(("[", "{")):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError as error:
            raise WrongSettings(f"{where}: not a TOML value: {error}") from error
    if _struct_in(kind):
        return text
    value = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
    try:
        return msgspec.to_builtins(msgspec.convert(value, kind, strict=False))
    except msgspec.ValidationError:
        return value


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    return f"known are: {', '.join(known)}" if known else "see docs/reference/settings.md"


def _readable(error: Exception) -> str:
    """msgspec writes `Expected ... - at `$.stream.batch``; people know the dotted name."""
    return str(error).replace("`$.", "`")


def _decode(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(f"settings of type {kind} can't be read")
