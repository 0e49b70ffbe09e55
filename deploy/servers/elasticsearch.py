"""One Elasticsearch node, put together from the jars that Elastic publishes."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import urllib.request
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.servers.process import HOST, Server, free_port, run_tool
from deploy.servers.tools import find_java, java_options, resolve_jars

LAUNCHER = Path(__file__).parent / "ElasticsearchNode.java"
_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


class ElasticsearchServer(Server):
    """Elasticsearch 8, one node without security. `address` is its URL.

    It has bulk, search, aggregations, templates, aliases, point in time and external versioning. It lacks what is
    published only inside the full distribution: `GET /`, scripts, update and delete by query, reindex, ILM and data
    streams.
    """

    name = "elasticsearch"
    pom = "elasticsearch8"
    java_version = 17
    startup_seconds = 180.0
    heap_mb = 768
    """Enough for tests; a million documents want four times as much."""

    def __init__(self, cache: Path, folder: Path | None = None, *, detached: bool = False) -> None:
        super().__init__(cache, folder, detached=detached)
        self.transport_port = free_port()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    @classmethod
    def fetch(cls, cache: Path) -> None:
        _lay_out(cache, cls.pom, find_java(cache, cls.java_version))

    def prepare(self) -> None:
        self._java = find_java(self.cache, self.java_version)
        self._home = _lay_out(self.cache, self.pom, self._java)
        home = self.folder / "home"
        for name in ("config", "plugins", "logs", "data"):
            (home / name).mkdir(parents=True, exist_ok=True)
        (home / "modules").symlink_to(self._home / "modules")
        settings = {
            "cluster.name": "minsheng-development",
            "discovery.type": "single-node",
            "network.host": HOST,
            "http.port": self.port,
            "transport.port": self.transport_port,
            "path.data": home / "data",
            "path.logs": home / "logs",
            # A developer's disk is often nearly full; that must not make the indices read-only.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        config = "".join(f"{key}: {value}\n" for key, value in settings.items())
        (home / "config" / "elasticsearch.yml").write_text(config, encoding="utf-8")
        (home / "config" / "log4j2.properties").write_text(_LOGGING, encoding="utf-8")

    def command(self) -> Sequence[str]:
        modules = ["-p", str(self._home / "lib"), "--add-modules", "ALL-MODULE-PATH"]
        memory = [f"-Xms{self.heap_mb}m", f"-Xmx{self.heap_mb}m", *java_options(short_lived=self.short_lived)]
        quiet = ["--enable-native-access=ALL-UNNAMED"] if self.java_version > 17 else []
        launcher = ["-cp", str(self._home / "launcher"), "ElasticsearchNode", str(self.folder / "home")]
        return [str(self._java), *memory, *quiet, *modules, *launcher]

    def answers(self) -> bool:
        url = f"{self.address}/_cluster/health?wait_for_status=yellow&timeout=1s"
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own server
            return bool(response.status == 200)

    def settings(self) -> Mapping[str, str]:
        return {"MINSHENG_SEARCH__KIND": "elasticsearch", "MINSHENG_SEARCH__URLS": f'["{self.address}"]'}


class Elasticsearch9Server(ElasticsearchServer):
    """Elasticsearch 9; needs a newer Java than most systems have."""

    name = "elasticsearch9"
    pom = "elasticsearch9"
    java_version = 21


def _lay_out(cache: Path, pom: str, java: Path) -> Path:
    """The part of a node's home that all nodes share: `lib`, `modules`, and the compiled launcher."""
    jars = resolve_jars(cache, pom)
    home = cache / "homes" / f"{jars.name}-{_fingerprint()}"
    if home.is_dir():
        return home
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".home-") as temporary:
        made = Path(temporary) / "home"
        transport = made / "modules" / "transport-netty4"
        transport.mkdir(parents=True)
        (made / "lib").mkdir()
        for jar in jars.glob("*.jar"):
            shutil.copy2(jar, transport if jar.name.startswith(("transport-netty4-", "netty-")) else made / "lib")
        with zipfile.ZipFile(next(transport.glob("transport-netty4-*.jar"))) as archive:
            for entry in archive.namelist():
                if entry.startswith("META-INF/es-plugins/transport-netty4/") and not entry.endswith("/"):
                    (transport / Path(entry).name).write_bytes(archive.read(entry))
        _open_entitlements(made / "lib")
        _compile(cache, java, made)
        try:
            made.rename(home)
        except OSError:
            if not home.is_dir():  # otherwise somebody else was faster
                raise
    return home


def _open_entitlements(lib: Path) -> None:
    """Let the node run on a Java runtime that lacks the debugger's and the linker's modules.

    The entitlement library declares that it needs them, for checks that only the full distribution's start turns on.
    Without that declaration it is an automatic module of the same name, and loads everywhere.
    """
    jar = next(lib.glob("elasticsearch-entitlement-[0-9]*.jar"))
    opened = jar.with_suffix(".opened")
    with zipfile.ZipFile(jar) as source, zipfile.ZipFile(opened, "w") as target:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == "META-INF/MANIFEST.MF":
                content = content.rstrip() + b"\r\nAutomatic-Module-Name: org.elasticsearch.entitlement\r\n\r\n"
            if entry.rpartition("/")[2] != "module-info.class":
                target.writestr(entry, content)
    opened.replace(jar)


def _compile(cache: Path, java: Path, home: Path) -> None:
    """Compile the launcher with Eclipse's compiler, which is a jar like the others: many runtimes have none."""
    compiler = resolve_jars(cache, "compiler")
    class_path = ":".join(str(jar) for jar in (home / "lib").glob("*.jar"))
    command = [str(java), "-cp", f"{compiler}/*", "org.eclipse.jdt.internal.compiler.batch.Main", "-nowarn", "-17"]
    run_tool(
        [*command, "-cp", class_path, "-d", str(home / "launcher"), str(LAUNCHER)],
        "compiling Elasticsearch's launcher",
    )


def _fingerprint() -> str:
    """Changes with how a home is laid out."""
    return hashlib.sha256(LAUNCHER.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:8]
