"""Score every replayed answer against the logged one."""

from audit.scoring.judgement import judge, kind_of
from audit.scoring.observed import observed
from audit.scoring.stage import Scored, scoring

__all__ = ["Scored", "judge", "kind_of", "observed", "scoring"]
