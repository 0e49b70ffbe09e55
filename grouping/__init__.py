"""Assessed to grouped documents: near duplicates and events, in one order."""
