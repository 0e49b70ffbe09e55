"""The register of policies: what is watched, what links point to, and what response plans are bound to.

`read_policies` reads files and needs no store; `PolicyRegister` keeps policies in the store.
"""

from minsheng.policies.model import STAGES, Policy, Sensitivity, Stage, revision_of, standard_number
from minsheng.policies.reading import read_policies
from minsheng.policies.register import ImportResult, PolicyRegister, PolicyVersion
from minsheng.policies.succession import successors
from minsheng.policies.titles import PolicyTitles

__all__ = [
    "STAGES",
    "ImportResult",
    "Policy",
    "PolicyRegister",
    "PolicyTitles",
    "PolicyVersion",
    "Sensitivity",
    "Stage",
    "read_policies",
    "revision_of",
    "standard_number",
    "successors",
]
