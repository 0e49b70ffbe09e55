"""The policy Q&A base (政策问答库): questions people ask about policies, with answers that a department signs.

`model` says what an entry is and `book` keeps entries with their history; `finding` searches them by meaning, with the
vectors that `encoding` makes. `mining` finds what people ask in posts and messages, `texts` holds the clauses of the
policies, `suggestion` quotes them as a first draft, `contradictions` compares answers with one another and with the
clauses. `exchange` exports and imports for the 12345 hotline's knowledge base, `portal` writes a page that is searched
without a server, `coverage` says what is still unanswered and which answers helped.
"""
