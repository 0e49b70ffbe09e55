"""The watch over policies' releases: what is prepared before one, and how it is received after it.

`readiness` says whether plan, interpretation and Q&A are there; `watch` keeps the timer rows, reminds before a release
and makes the first reports after it; `report` puts such a report together and keeps it, frozen.
"""
