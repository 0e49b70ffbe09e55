"""Makes the list of Chinese words that policy linking tells words' boundaries by.

    python -m training.lexicon DICT

DICT is `jieba/dict.txt` from the source release of jieba 0.42.1 (MIT licence, Copyright 2013 Sun Junyi), whose hash is
checked. Kept are single characters, and words of two to five characters that it counts at least `LEAST` times, without
personal names. The program needs no jieba: the list alone is 1/4 of its size.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sys
from pathlib import Path

from classifiers.words import FILE

SOURCE_SHA256 = "7197c3211ddd98962b036cdf40324d1ea2bfaa12bd028e68faa70111a88e12a8"
LEAST = 3
LONGEST = 5


def lexicon(lines: list[str]) -> str:
    """`word count` a line, in the order of the words, below a line that says where they come from.

    Parameters
    ----------
    lines:
        jieba's: `word count part-of-speech`.
    """
    kept: dict[str, int] = {}
    for line in lines:
        word, count, kind = (*line.split(" "), "")[:3]
        if not all("\u4e00" <= character <= "\u9fff" for character in word):
            continue
        if len(word) == 1 or (len(word) <= LONGEST and int(count) >= LEAST and kind not in ("nr", "nrfg")):
            kept[word] = int(count)
    head = (
        f"# words of jieba 0.42.1 (MIT, Copyright 2013 Sun Junyi), counted {LEAST} times or more: training/lexicon.py"
    )
    return "\n".join([head, *(f"{word} {kept[word]}" for word in sorted(kept))]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dictionary", type=Path)
    content = parser.parse_args().dictionary.read_bytes()
    if hashlib.sha256(content).hexdigest() != SOURCE_SHA256:
        sys.exit("this is not jieba/dict.txt of release 0.42.1")
    text = lexicon(content.decode("utf-8").splitlines())
    FILE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{FILE.name}: {text.count(chr(10)) - 1:,} words, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
