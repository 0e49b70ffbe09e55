"""Bursts of opinion in a real background: what alarms, how soon, and how often in vain. See `__main__`."""
