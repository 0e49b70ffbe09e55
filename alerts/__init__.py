"""Alerts: from grouped documents to risk, tickets with their plans, deadlines and notices.

What happens to a document: `stage` notes it as an observation and asks `risk` how its event stands; where the level
calls for it, `tickets` opens or raises the event's one ticket, `plans` copies the prepared plan into it, `deadlines`
sets its timers and `notices` puts messages into the outbox, all in one transaction. `service` then drives timers and
outbox.
"""
