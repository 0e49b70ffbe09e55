"""Makes `minsheng/traditional.txt`: traditional characters and the simplified ones they are folded to.

    pip install opencc-python-reimplemented
    python -m training.traditional

The table is OpenCC's `TSCharacters` (Apache-2.0), of each character the first of its simplified forms.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def main() -> None:
    lines = resources.files("opencc").joinpath("dictionary/TSCharacters.txt").read_text(encoding="utf-8").splitlines()
    pairs = [(old, new.split()[0]) for old, new in (line.split("\t") for line in lines)]
    kept = sorted({old + new for old, new in pairs if old != new and len(old) == len(new) == 1})
    target = Path(__file__).parents[1] / "minsheng" / "traditional.txt"
    head = "# Traditional and simplified characters, from OpenCC's TSCharacters (Apache-2.0); training/traditional.py\n"
    target.write_text(head + "".join(f"{pair}\n" for pair in kept), encoding="utf-8")
    print(f"{target.name}: {len(kept)} characters")


if __name__ == "__main__":
    main()
