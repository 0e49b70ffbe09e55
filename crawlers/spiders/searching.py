"""What kinds share that search a service: what is searched for, and the terms of the register's policies."""

from __future__ import annotations

from crawlers.search_terms import SHORTEST, packed, policy_terms
from crawlers.spiders.base import Options, SourceSpider
from minsheng.clock import CHINA
from minsheng.errors import BadInput


class SearchOptions(Options, frozen=True, kw_only=True):
    """Options of a search."""

    queries: tuple[str, ...] = ()  # what is searched for, one after another; put in place of {query} in the address
    policy_terms: bool | None = None  # also for the terms of the register's policies; unset: where there are no queries
    query_length: int = 20  # characters that the service's search takes; longer titles are cut to what tells them apart
    any_of: str = ""  # what stands between terms where the service finds any of several, as " OR "; empty: one a query

    def check_search(self) -> None:
        """Raises `ValueError`."""
        if self.query_length < SHORTEST * 2:
            raise ValueError(f"query_length must be at least {SHORTEST * 2}")


class SearchSpider(SourceSpider):
    """A spider that asks the same address for one query after another."""

    async def queries(self) -> list[str]:
        """What this run searches for.

        Raises
        ------
        BadInput
            If that is nothing.
        """
        options: SearchOptions = self.options
        found = list(options.queries)
        wanted = not found if options.policy_terms is None else options.policy_terms
        if wanted:
            today = self.run.now().astimezone(CHINA).date()
            terms = policy_terms(await self.run.policies(), today, options.query_length)
            found += packed([term for term in terms if term not in found], options.any_of, options.query_length)
        if not found:
            raise BadInput("nothing to search for", "give options.queries, or add policies: minsheng policies import")
        return found
