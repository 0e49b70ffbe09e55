"""Who is told, and when: the unit's own people with their addresses, duty rosters, routes and escalation chains.

All of it is one TOML file that a person writes (`file` reads and checks it) and that the store keeps by revisions
(`book`), so that every process on every machine goes by the same one. What changes from day to day, a stand-in, a swap,
an absence, are rows (`changes`); `roster` answers from both who is on duty at any time.
"""
