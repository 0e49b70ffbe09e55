"""Development servers and deployment files."""
