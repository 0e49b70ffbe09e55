"""What the product is built on: pinned as declared, explained, and free of copyleft that would bind its users."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS: dict[str, list[object]] = DECLARED["dependency-groups"]


def group(name: str) -> list[Requirement]:
    """The requirements of a dependency group and of those it includes."""
    found: list[Requirement] = []
    for entry in GROUPS[name]:
        found += group(entry["include-group"]) if isinstance(entry, dict) else [Requirement(str(entry))]
    return found


RUN_TIME = [Requirement(text) for text in DECLARED["project"]["dependencies"]]
PINNED_FOR = {
    "requirements.txt": RUN_TIME + group("build"),
    "requirements-dev.txt": RUN_TIME + group("dev"),
    "requirements-servers.txt": group("servers"),
    "requirements-torch.txt": group("torch"),
    "requirements-peers.txt": group("peers"),
}


def pins(file: str) -> dict[str, str]:
    """Name to version, as pinned."""
    text = (PROJECT / file).read_text(encoding="utf-8")
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.M)}


@pytest.mark.parametrize("file", PINNED_FOR)
def test_every_declared_dependency_is_pinned_within_its_bounds(file: str) -> None:
    pinned = pins(file)
    for requirement in PINNED_FOR[file]:
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in {file}: run make lock"
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version} in {file}: run make lock"


@pytest.mark.parametrize("file", PINNED_FOR)
def test_every_pin_has_hashes_and_no_address(file: str) -> None:
    text = (PROJECT / file).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text and "--find-links" not in text
    for block in re.split(r"\n(?=\w)", text)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_tests_run_on_the_versions_that_users_get() -> None:
    users, developers = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: developers.get(name) for name in users} == users


def test_every_declared_dependency_is_explained() -> None:
    text = (PROJECT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained = {canonicalize_name(name) for name in re.findall(r"^\| `([\w.-]+)", text, re.M)}
    extras = [Requirement(one) for extra in DECLARED["project"]["optional-dependencies"].values() for one in extra]
    declared = {
        canonicalize_name(requirement.name)
        for requirement in [*RUN_TIME, *extras, *(one for name in GROUPS for one in group(name))]
    }
    assert explained == declared


def run_time_distributions() -> dict[str, importlib.metadata.Distribution]:
    """Everything that installing the product brings, here."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [(requirement.name, requirement.extras) for requirement in RUN_TIME]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        key = (canonicalize_name(name), frozenset(extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            found[key[0]] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:  # for another system or version of Python
            continue
        for text in found[key[0]].requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
                waiting.append((requirement.name, requirement.extras))
    return found


def licences(distribution: importlib.metadata.Distribution) -> list[str]:
    """The licences to choose from, as the distribution states them."""
    metadata = distribution.metadata
    if "License-Expression" in metadata:
        return re.split(r"\s+OR\s+", metadata["License-Expression"])
    classified = [
        text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier", []) if text.startswith("License ::")
    ]
    return classified or metadata.get_all("License", [""])


def binds_our_users(licence: str) -> bool:
    return bool(re.search(r"(?<!L)GPL|Affero|(?<!Lesser )General Public Licen", licence, re.I))


@pytest.mark.parametrize(
    ("licence", "binds"),
    [
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0-only", True),
        ("GNU General Public License v2 (GPLv2)", True),
        ("GNU Affero General Public License v3", True),
        ("LGPL-2.1-or-later", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("Mozilla Public License 2.0 (MPL 2.0)", False),
    ],
)
def test_what_counts_as_binding(licence: str, binds: bool) -> None:
    assert binds_our_users(licence) == binds


def test_nothing_at_run_time_is_only_gpl() -> None:
    distributions = run_time_distributions()
    assert len(distributions) > len(RUN_TIME)
    stated = {name: licences(one) for name, one in distributions.items()}
    assert [name for name, choices in stated.items() if not any(choices)] == [], "no licence stated"
    assert {name: choices for name, choices in stated.items() if all(map(binds_our_users, choices))} == {}
