"""The sample world for `minsheng run --sample`: served in this process, and loaded into the data folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.logs import get_logger
from minsheng.parts import open_store
from minsheng.settings import load_settings
from minsheng.store.migrate import migrate
from sample import DEFAULT_PORT
from sample.load import Served, load_sample, remember, remembered
from sample.site import SampleSite

log = get_logger(__name__)


@contextmanager
def start_sample(data_dir: Path, clock: Clock, *, live: bool) -> Iterator[SampleSite]:
    """Serve the sample site until the block ends, with the data folder pointing at it.

    A data folder that has seen the sample before gets the same world again, at the same times and addresses: what was
    crawled is not crawled twice, what was cut off goes on, and what the user changed in the folder stays.

    Parameters
    ----------
    live:
        Let the last hour play out from now on; counts only for a new data folder.

    Raises
    ------
    WrongUse
        If the data folder holds other policies, or the port of the last time is taken.
    Unavailable
        If the store can't be reached.
    """
    before = remembered(data_dir)
    if before is not None:
        log.info("sample_goes_on", anchor=before.anchor.isoformat(), hint="a new --data-dir starts it afresh")
        port = urlsplit(before.base_url).port or DEFAULT_PORT
        try:
            site = SampleSite(port=port, clock=clock, live=before.live, anchor=before.anchor)
        except WrongUse as error:
            raise WrongUse(
                f"{error.message}, where this data folder's sample site was served before",
                "stop the program that has it, or take a new --data-dir",
            ) from error
    else:
        site = _on_a_free_port(clock, live=live)
    with site:
        served = Served(anchor=site.site.anchor, live=site.site.live, base_url=site.base_url)
        settings = load_settings(data_dir)
        store = open_store(settings)
        try:
            migrate(store)
            load_sample(settings, store, served, keep=before is not None)
            remember(data_dir, served)
        finally:
            store.close()
        yield site


def _on_a_free_port(clock: Clock, *, live: bool) -> SampleSite:
    try:
        return SampleSite(port=DEFAULT_PORT, clock=clock, live=live)
    except WrongUse:
        return SampleSite(clock=clock, live=live)
