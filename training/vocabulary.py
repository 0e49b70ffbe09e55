"""Makes the encoder's tokenizer: one token a character, and one for each common emoji code such as [微笑].

python -m training.vocabulary OUTPUT.json
"""

from __future__ import annotations

import re
import sys
from collections import Counter

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from classifiers.encoder.characters import SPECIAL, normalise
from training.corpus import pieces

SIZE = 8_000
EMOJI_CODES = 300
LEAST = 3
"""Texts a character must stand in to get a token of its own."""

_CODE = re.compile(r"\[[a-z\u4e00-\u9fff]{1,6}\]")


def count() -> tuple[Counter[str], Counter[str]]:
    """How often each character and each emoji code stands in the corpus."""
    characters: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for piece in pieces():
        text = normalise(piece)
        codes.update(_CODE.findall(text))
        characters.update(text)
    return characters, codes


def build(characters: Counter[str], codes: Counter[str]) -> Tokenizer:
    """The tokenizer: the commonest characters and codes; everything else is [UNK]."""
    kept_codes = [code for code, _ in codes.most_common(EMOJI_CODES) if code not in SPECIAL]
    room = SIZE - len(SPECIAL) - len(kept_codes)
    common = [one for one, number in characters.most_common() if number >= LEAST and not one.isspace()][:room]
    tokens = [*SPECIAL, *kept_codes, *common]
    # Pairs that are never merged: each character is a token, and found three times as fast as by splitting before.
    tokenizer = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, [], unk_token="[UNK]"))
    # As added tokens they are found by an automaton; a pattern of as many alternatives took most of the time.
    whole = [*SPECIAL[5:], *kept_codes]
    tokenizer.add_tokens([AddedToken(token, normalized=False, special=False) for token in whole])
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def main() -> None:
    tokenizer = build(*count())
    tokenizer.save(sys.argv[1], pretty=False)
    encoded = tokenizer.encode(normalise("今天又停水了[怒] @某某 看 https://example.org/a ABC123！"))
    print(tokenizer.get_vocab_size(), encoded.tokens)


if __name__ == "__main__":
    main()
