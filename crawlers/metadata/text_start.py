"""Where the running text of a page begins, before it is known what of it is the article."""

from __future__ import annotations

from crawlers import phrases
from crawlers.outline import Outline
from crawlers.time_marks import DATE


def text_start(page: Outline) -> int:
    """About where the running text begins: the first line of the stretch of lines that holds most of it."""
    width, best, most, held = 12, 0, 0, 0
    lines = page.lines
    for place, line in enumerate(lines):
        held += line.prose - (lines[place - width].prose if place >= width else 0)
        if held > most:
            most, best = held, place
    if not most:
        return len(lines)
    first = max(best - width + 1, 0)
    # Back over the lines before it that are running text, too.
    start = next((place for place in range(first, best + 1) if lines[place].prose), first)
    gap = 0
    for place in range(start - 1, -1, -1):
        if lines[place].prose:
            start, gap = place, 0
        elif (gap := gap + 1) > 3:
            break
    # What stands before the line with time and medium, a notice at the side for example, is no text of this article.
    for place in range(min(best - 1, start + 2 * width), start, -1):
        line = lines[place]
        if not line.prose and DATE.search(line.text) and phrases.INFORMATION.search(line.text):
            ahead = page.prose(place, min(best + width, len(lines)))
            if page.prose(start, place) < 0.3 * ahead:
                return next((after for after in range(place, best + 1) if lines[after].prose), start)
    return start
