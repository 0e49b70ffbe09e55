"""Labels given by reading real texts, kept by hash: the texts themselves stay outside the repository."""
