"""Evaluation of responses (回应评价): whether a matter was answered well, not only whether it was answered.

`demands` finds what people ask for, `answers` what of it a reply answers, `substance` and `wording` how concrete and
how plain the reply is, `aftermath` what was said afterwards; `grade` puts these parts into one grade, and `evaluation`
does it for a ticket and keeps the result. `sheet` is the supervisor's own score, `monthly` the table by unit.
"""
