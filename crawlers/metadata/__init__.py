"""What a page says of itself, by rules for Chinese pages: headline, time, medium, author.

No single place is believed. What the page declares out of sight (`declared`) is held against what stands on it: the
headline is the line for which most speaks (`headline`, `title_parts`); time, medium and author are looked for in the
lines around it first (`nearby`, `published`, `byline`). `reading` puts them together.
"""
