"""Score every replayed answer against the logged one."""

from audit.scoring.judgement import judge, kind_of
from audit.scoring.observed import observed
from audit.scoring.stage import Scored, scoring
from audit.scoring.transcripts import Transcript, answer_text, transcripts

__all__ = ["Scored", "Transcript", "answer_text", "judge", "kind_of", "observed", "scoring", "transcripts"]
