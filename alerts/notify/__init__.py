"""From a notice to messages: inhibit → silence → route → quiet hours and digests → dedup → outbox → send → record.

Each stage is a small function from a case and what is known at the moment (`scene`) to a verdict; `dispatch` runs them
in a line, in one transaction a batch, and keeps each verdict with its reason (`decisions`), so that `why` can explain
what became of a notice for any person.
"""
