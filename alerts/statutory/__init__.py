"""Days that the law sets for what is no ticket: results of consultations to be made public, applications for
information to be answered. The departments that answer for them are told before the day, and when it is over."""
