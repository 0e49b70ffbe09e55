"""What officers do with a ticket: every function takes the store, a clock and who acts, and returns plain structs.

All changes go through `alerts.transitions`: one transaction holds the ticket's row, checks the version that the officer
saw, writes, and adds the line of the timeline.
"""
