"""`minsheng doctor`: looks at every part and says what to do. It changes nothing.

Each check is a function that yields findings; `examine` runs them all, and none of them can stop the others.
"""

from minsheng.doctor.examine import examine
from minsheng.doctor.finding import Finding, State

__all__ = ["Finding", "State", "examine"]
