"""The encoder: a small transformer over characters, with all heads in one pass."""
