"""Drills (演练): a scenario's posts go the whole road as an exercise, and its report says how fast each step was.

`scenario` reads what is to happen, `start` puts it onto the log, `report` tells from what the store holds of the ticket
how it went, and `book` keeps that when the drill is over. What keeps a drill apart from what is real stands in
`minsheng.exercises`, and in each place that counts.
"""
