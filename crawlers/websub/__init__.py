"""WebSub (W3C Recommendation of 23 January 2018): a feed's hub says when there is something new.

`discovery` finds what a feed offers, `subscriptions` keeps what was asked for and confirmed, `hubs` asks the hubs, and
`callback` is what they call. A push only brings the next run of its source forward: what is new is fetched as always,
so that the same checks hold, and nothing that a push carries is read.
"""
