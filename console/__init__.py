"""The web console: what duty officers, departments, leaders, operators and administrators see in a browser.

A request meets, in this order: the guard of its route (`console.access`: session, right, forged forms), the viewer's
scope (`console.scope`: put into every query), the page, and the audit log (`console.audit`).
"""
