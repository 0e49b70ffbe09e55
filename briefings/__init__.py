"""Reports for leaders, made from the index and the store."""
