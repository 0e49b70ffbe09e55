"""The index: protocol, embedded and Elasticsearch implementations, query language, analysis of Chinese."""
