"""Each figure that the README quotes, against a peer in the same run."""
