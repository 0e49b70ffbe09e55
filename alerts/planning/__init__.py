"""Plans as records in the store: drafted, reviewed by somebody else, put in force, replaced; every version is kept."""
