"""Risk, tickets, plans, deadlines and notices."""
