"""Rules: which risk is of which level, as files that are checked before they are in force."""

from alerts.rules.model import FACTS, Rule, RuleSet
from alerts.rules.reading import default_rules, read_rules

__all__ = ["FACTS", "Rule", "RuleSet", "default_rules", "read_rules"]
