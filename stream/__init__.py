"""The log between the stages: protocol, embedded and Kafka implementations, worker, dead letters."""
