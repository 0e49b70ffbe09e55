"""What every stage shares: records, the policy register, settings, store, clock and command line."""

__version__ = "0.1.0"
