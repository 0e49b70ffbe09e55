"""What a single line is, by its words and its links: a link, a field, a sentence, information, furniture."""

from __future__ import annotations

from crawlers import phrases
from crawlers.outline import Line
from crawlers.time_marks import ANY_TIME


def is_link(line: Line) -> bool:
    """Whether a line is one link, which leads elsewhere unless it leads to a file."""
    return line.linked > 0.8 * len(line.text) and not _is_file(line)


def _is_file(line: Line) -> bool:
    """Whether a line names a file that goes with the text: by its ending, or by its link's where it says so."""
    if phrases.ATTACHED.search(line.text):
        return True
    if not phrases.NUMBERED.match(line.text):
        return False
    return any(phrases.ATTACHED.search(link.get("href") or "") for link in line.element.iter("a"))


def is_field(line: Line) -> bool:
    """Whether a line is a field of a message: a label alone, or who answered and when."""
    return not line.prose and not line.heading and phrases.MESSAGE_FIELD.fullmatch(line.text) is not None


def is_sentence(line: Line) -> bool:
    """Whether a line is a sentence of some length, whatever it begins with."""
    # Notes end with the topics that they are put under.
    text = phrases.TOPICS.sub("", line.text) if "#" in line.text else line.text
    return line.prose >= 25 and text.endswith(("。", "！", "？", "；", "”"))


def is_information(line: Line) -> bool:
    """Whether a line between headline and text says time, medium or author."""
    text = line.text
    if len(text) > 150:
        return False
    if phrases.informs(text) or phrases.BYLINE.match(text) or phrases.LINE_FURNITURE.match(text):
        return True
    return bool(ANY_TIME.search(text)) and not line.prose and not phrases.ADOPTED.search(text)


def is_furniture(line: Line) -> bool:
    """Whether a line in the text is none of it."""
    if phrases.IMPRINT.match(line.text) or is_field(line):
        return True
    if is_sentence(line):
        return False
    if phrases.LINE_FURNITURE.match(line.text) or phrases.CLOCK.match(line.text):
        return True
    if len(line.text) <= 30 and phrases.PROMOTION.search(line.text):
        return True
    label, colon, _ = line.text.replace(":", "：").partition("：")
    if colon and line.linked * 2 > len(line.text) and phrases.READ_ON.match(label):
        return True
    return is_link(line) and line.linked >= 4


def surrounds_text(line: Line) -> bool:
    """Whether a line at the beginning or the end of the text is none of it: a link, an invitation, a label alone."""
    if len(line.text) <= 150 and (invites := phrases.PROMOTION.search(line.text)):
        # A sentence that says more, and invites in its last words, is one of the text's.
        said = phrases.TOPICS.sub("", line.text)
        return not (is_sentence(line) and _words_before(said, invites.start()) * 2 > len(said))
    if phrases.CREDIT.match(line.text):
        return True
    return not line.prose and (
        (line.linked * 2 > len(line.text) and not phrases.ATTACHED.search(line.text))
        or phrases.CLOCK.match(line.text) is not None
    )


def _words_before(text: str, place: int) -> int:
    """How long the clauses are that end before a place in a line."""
    return max(text.rfind(stop, 0, place) for stop in "，。；！？") + 1
