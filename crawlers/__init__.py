"""Sources to documents: one spider per kind of source, extraction, politeness, privacy, schedule."""
