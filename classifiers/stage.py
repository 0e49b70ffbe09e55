"""The assess stage: documents in, documents with the models' opinions and their policies out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from classifiers.corrections import CurrentLabels, corrected, corrected_links, without_stance
from classifiers.linking import PolicyLinker, inherit
from classifiers.model import HEADS, Model, Text, judge_with
from classifiers.places import places_in, units_in
from minsheng.clock import Clock
from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from minsheng.policies import Policy
from minsheng.records import Assessed, Document, Judgement, PolicyLink
from search.index import Index
from stream.log import ASSESSED, DOCUMENTS, Partition
from stream.stage import Result

log = get_logger(__name__)

Links = tuple[PolicyLink, ...]
ParentLookup = Callable[[Sequence[str]], Mapping[str, Links]]
"""Document ids → the policy links of those that are known."""


class PolicySource(Protocol):
    """Where the policies come from; `minsheng.policies.PolicyRegister` is one."""

    def all(self) -> list[Policy]: ...

    def revision(self) -> str: ...


class AssessStage:
    """Judges and links documents. The same document gives the same assessment, whatever else is in the batch, as long
    as what it answers came before it.

    Parameters
    ----------
    model:
        Judges the texts.
    policies:
        The register; it is looked at again every `reload_after` seconds, and the linker made anew where it changed.
    clock:
        Gives the time of the assessment.
    parent_lookup:
        Finds the links of documents that were assessed too long ago to be remembered here.
    labels:
        What persons have set; it outranks the model and the linker. None where there is nothing of the kind.
    remembered:
        How many documents' links are kept for the replies to come.
    """

    name = "assess"
    input = DOCUMENTS
    output = ASSESSED
    record = Document

    def __init__(
        self,
        model: Model,
        policies: PolicySource,
        clock: Clock,
        *,
        parent_lookup: ParentLookup | None = None,
        labels: CurrentLabels | None = None,
        reload_after: float = 5.0,
        remembered: int = 100_000,
    ) -> None:
        self._model = model
        self._policies = policies
        self._clock = clock
        self._parent_lookup = parent_lookup
        self._labels = labels
        self._reload_after = reload_after
        self._remembered = remembered
        self._links: OrderedDict[str, Links] = OrderedDict()
        self._links_before: Mapping[str, Links] = {}  # by the register before the last change
        self._linker: PolicyLinker | None = None
        self._checked_at = 0.0

    def start(self) -> Mapping[Partition, int] | None:
        self._linker = self._read_register()
        if self._labels is not None:
            self._labels.refresh()
        return None

    def work(self, batch: Sequence[Document]) -> Result:
        linker = self._current_linker()
        self._refresh_labels()
        judged = judge_with(self._model, [Text(document.title, document.text) for document in batch])
        links = self._link(batch, linker)
        versions = {**self._model.versions, "policies": linker.revision}
        now = self._clock.now()
        return Result(
            outputs=[
                self._corrected(assessed(document, heads, policies, versions, now))
                for document, heads, policies in zip(batch, judged, links, strict=True)
            ]
        )

    def checkpoint(self, positions: Mapping[Partition, int], *, final: bool = False) -> bool:
        return True

    def close(self) -> None:
        self._links.clear()
        self._links_before = {}

    def _link(self, batch: Sequence[Document], linker: PolicyLinker) -> list[Links]:
        parents = self._older_parents(batch)
        linked = []
        for document in batch:
            links: Links = tuple(linker.link(document.title, document.text, document.url))
            if document.parent_id is not None:
                known = self._links.get(document.parent_id) or parents.get(document.parent_id, ())
                links = inherit(links, known)
            if self._labels is not None:
                links = corrected_links(links, self._labels.of(document.id))
            self._remember(document.id, links)
            linked.append(links)
        return linked

    def _older_parents(self, batch: Sequence[Document]) -> Mapping[str, Links]:
        """The links of the parents that are neither remembered nor in this batch, from the lookup."""
        here = {document.id for document in batch}
        wanted = {document.parent_id for document in batch if document.parent_id is not None}
        missing = sorted(wanted - here - self._links.keys())
        known = {name: self._links_before[name] for name in missing if name in self._links_before}
        if not missing or self._parent_lookup is None:
            return known
        try:
            return {**known, **self._parent_lookup(missing)}
        except Unavailable as error:
            # The index being away must not stop the assessment; replies then stand on their own words.
            log.warning("parents_not_looked_up", reason=str(error), documents=len(missing))
            return known

    def _remember(self, document_id: str, links: Links) -> None:
        self._links[document_id] = links
        self._links.move_to_end(document_id)
        while len(self._links) > self._remembered:
            self._links.popitem(last=False)

    def _corrected(self, record: Assessed) -> Assessed:
        return record if self._labels is None else corrected(record, self._labels.of(record.document.id))

    def _refresh_labels(self) -> None:
        if self._labels is None:
            return
        try:
            self._labels.refresh()
        except Unavailable as error:
            # Nobody can set a label either while the store is away: those known here are all there are.
            log.warning("labels_not_checked", reason=str(error))

    def _current_linker(self) -> PolicyLinker:
        if self._linker is None:
            self._linker = self._read_register()
        elif self._clock.monotonic() - self._checked_at >= self._reload_after:
            self._checked_at = self._clock.monotonic()
            try:
                if self._policies.revision() != self._linker.revision:
                    self._linker = self._read_register()
                    # The index may know better by now: `minsheng policies relink`.
                    self._links_before, self._links = self._links, OrderedDict()
            except Unavailable as error:
                log.warning("policies_not_checked", reason=str(error))
        return self._linker

    def _read_register(self) -> PolicyLinker:
        self._checked_at = self._clock.monotonic()
        linker = PolicyLinker(self._policies.all())
        log.info("policies_loaded", revision=linker.revision)
        return linker


def assessed(
    document: Document,
    heads: Mapping[str, Judgement],
    policies: Links,
    versions: Mapping[str, str],
    at: datetime,
    *,
    opinion: int = 1,
) -> Assessed:
    """The record of what was found: a stance only where a policy is linked without doubt, and none of advertising.

    Parameters
    ----------
    heads, versions:
        Head → its judgement and the version of what judged; `versions` has `policies` too.
    """
    has_stance = "stance" in heads and any(not link.ambiguous for link in policies)
    kept = {*HEADS, "policies"} if has_stance else {*HEADS, "policies"} - {"stance"}
    record = Assessed(
        document=document,
        sentiment=heads["sentiment"],
        emotion=heads["emotion"],
        topic=heads["topic"],
        request=heads["request"],
        stance=heads["stance"] if has_stance else None,
        harm=heads.get("harm"),
        advert=heads.get("advert"),
        policies=policies,
        places=tuple("".join(place.path) for place in places_in(document.title, document.text, region=document.region)),
        units=tuple(unit.name for unit in units_in(document.title, document.text)),
        models={head: version for head, version in versions.items() if head in kept},
        opinion=opinion,
        assessed_at=at,
    )
    return without_stance(record) if record.advertises else record


def assess_one(
    document: Document, model: Model, policies: PolicySource, clock: Clock, labels: CurrentLabels, index: Index
) -> Assessed:
    """One document as the stage would assess it, outside the road."""
    stage = AssessStage(model, policies, clock, parent_lookup=parents_in(index), labels=labels)
    stage.start()
    (record,) = stage.work([document]).outputs
    assert isinstance(record, Assessed)
    return record


def parents_in(index: Index) -> ParentLookup:
    """A lookup of parents in the index."""

    def lookup(ids: Sequence[str]) -> Mapping[str, Links]:
        return {document_id: record.assessed.policies for document_id, record in index.get(ids).items()}

    return lookup
