"""One key for one text, wherever it is posted."""

from __future__ import annotations

import hashlib
import unicodedata

from classifiers.model import Text
from minsheng.records import Document


def text_key(text: Text) -> bytes:
    """SHA-256, the same for texts that differ only in spaces, punctuation, width or case."""
    folded = unicodedata.normalize("NFKC", f"{text.title}\n{text.text}").lower()
    letters = "".join(character for character in folded if character.isalnum()) or folded.strip()
    return hashlib.sha256(letters.encode("utf-8", "surrogatepass")).digest()


def document_key(document: Document) -> str:
    """The key of a document's title and text, in hexadecimal digits."""
    return text_key(Text(document.title, document.text)).hex()
