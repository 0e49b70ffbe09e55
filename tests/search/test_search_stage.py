"""The index stage."""

from __future__ import annotations

from pathlib import Path

from minsheng.records import Grouped
from search.embedded import EmbeddedIndex
from search.index import Filters
from search.stage import IndexStage
from stream.log import GROUPED, Partition
from tests.search.corpus import corpus, grouped


def test_a_batch_is_indexed_once_however_often_it_comes(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "index.db")
    stage = IndexStage(index)
    assert (stage.name, stage.input, stage.output, stage.record) == ("index", GROUPED, None, Grouped)
    assert stage.start() is None
    for _ in range(2):
        result = stage.work(corpus())
        assert (list(result.outputs), list(result.rejected)) == ([], [])
        assert stage.checkpoint({Partition(GROUPED, 0): 60}, final=False)
    assert index.count(Filters()) == 60
    stage.close()


def test_an_empty_batch_is_nothing(tmp_path: Path) -> None:
    stage = IndexStage(EmbeddedIndex(tmp_path / "index.db"))
    assert stage.work([]).rejected == []
    assert stage.work([grouped(1, "医保")]).rejected == []
