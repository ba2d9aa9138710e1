"""Where a candidate may not take a whole workflow: the part it may take, told by a rule, a router or a verifier."""

from audit.deciding.parts.policy import Policy
from audit.deciding.parts.stage import Offer, parts

__all__ = ["Offer", "Policy", "parts"]
