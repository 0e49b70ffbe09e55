"""Checks of log, index, store and model."""

from __future__ import annotations

from collections.abc import Iterator

from minsheng.doctor.finding import Finding, Patient, broken, ok, pending
from minsheng.store.migrate import current, revisions


def log(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    if settings.stream.kind == "embedded" and not settings.path(settings.stream.path).exists():
        yield pending("log", f"{settings.path(settings.stream.path)} is not there yet")
        return
    yield ok("log", patient.log.check())


def index(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    if settings.search.kind == "embedded" and not settings.path(settings.search.path).exists():
        yield pending("index", f"{settings.path(settings.search.path)} is not there yet")
        return
    told = patient.index.statistics()
    yield ok("index", f"{told['engine']}, {told['where']}: {told['documents']} documents, {_size(int(told['bytes']))}")


def store(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    if settings.store.kind == "embedded" and not settings.path(settings.store.path).exists():
        yield pending("store", f"{settings.path(settings.store.path)} is not there yet")
        return
    described = patient.store.check()
    revision, known = current(patient.store), revisions()
    if revision is None:
        yield pending("store", f"{described}: no tables yet")
    elif revision not in known:
        yield broken("store", f"{described}: revision {revision} is newer than this program", "upgrade this program")
    elif revision != known[-1]:
        yield pending(
            "store",
            f"{described}: revision {revision}, this program needs {known[-1]}",
            "back it up now: it is migrated at its next use",
        )
    else:
        yield ok("store", f"{described}: revision {revision}")


def model(patient: Patient) -> Iterator[Finding]:
    """Can the model be loaded, and does it judge?"""
    from classifiers.load import load_model
    from classifiers.model import EVERY_MODEL, Text

    loaded = load_model(patient.settings)
    (judged,) = loaded.judge([Text("", "路修好了，谢谢。")])
    missing = [head for head in EVERY_MODEL if head not in judged]
    if missing:
        yield broken("model", f"{patient.settings.classify.model} does not judge {', '.join(missing)}", "train it anew")
    else:
        yield ok("model", f"{patient.settings.classify.model}: {', '.join(sorted(set(loaded.versions.values())))}")


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"
