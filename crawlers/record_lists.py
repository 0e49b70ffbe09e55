"""Lists that stand in a page as records for its scripts: put where links are looked for.

大汉 JCMS, which many provinces' and cities' sites are made with, sends the entries of a column so: HTML in the CDATA of
`<datastore><recordset><record>`, in a script element that its own script unfolds page by page.
"""

from __future__ import annotations

import re

_BEGIN = re.compile(r"<script\b[^>]*>\s*(?:<\?xml[^>]*>\s*)?<datastore>", re.IGNORECASE)
CLASS = "datastore"
_RECORD, _CDATA = "<record>", "<![CDATA["


def with_records(html: str) -> str:
    """The page with such lists as elements; any other page as it is."""
    parts: list[str] = []
    reached = 0
    while begin := _BEGIN.search(html, reached):
        end = html.find("</script>", begin.end())
        if end < 0:
            break
        records = _records(html[begin.end() : end])
        parts += (html[reached : begin.start()], f'<div class="{CLASS}">', *records, "</div>")
        reached = end + len("</script>")
    return "".join((*parts, html[reached:])) if parts else html


def _records(store: str) -> list[str]:
    found: list[str] = []
    for record in store.split(_RECORD)[1:]:
        _, cdata, entry = record.partition(_CDATA)
        if cdata:
            found.append(entry.partition("]]>")[0])
    return found
