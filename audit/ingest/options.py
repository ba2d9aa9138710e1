"""What a run was told, in a form that can be handed to worker processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Options:
    """How records become rows: `tags` maps user, team, feature and environment to keys of a call's tags
    (`{"team": "metadata.squad"}`), `mapping` names the fields of records no reader knows, `content` keeps texts, `sets`
    reads evaluation sets, which are refused otherwise."""

    tags: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    content: bool = True
    sets: bool = False
