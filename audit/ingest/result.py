"""What an ingest did, input by input."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class FileResult:
    """What became of one input. `known` inputs were read before and not touched; `error` says why one could not be
    opened; counts by reason are of records; `implausible_times` counts calls without a believable time, `nameless`
    billed calls that name no model; `unknown` gives the columns of the first record no reader knew, and a
    `--map` line to complete, or says what of audit's own the input is."""

    name: str
    source_id: int | None = None
    bytes: int = 0
    readers: Counter[str] = field(default_factory=Counter)
    records: int = 0
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    usage_unknown: int = 0
    usage_estimated: int = 0
    implausible_times: int = 0
    nameless: int = 0
    doubtful_usage: int = 0
    known: bool = False
    error: str | None = None
    hint: str = ""
    unknown: str = ""

    @property
    def usable(self) -> bool:
        """Whether any record of it was understood, now or before."""
        return self.known or self.accepted > 0 or bool(self.skipped or self.duplicates)


@dataclass(slots=True)
class IngestResult:
    """What an ingest did with all its inputs."""

    files: list[FileResult] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Calls added."""
        return sum(each.accepted for each in self.files)

    @property
    def records(self) -> int:
        """Records seen."""
        return sum(each.records for each in self.files)

    @property
    def rejected(self) -> Counter[str]:
        """Records that could not be used, by reason."""
        return sum((each.rejected for each in self.files), Counter())

    @property
    def skipped(self) -> Counter[str]:
        """Records that are rightly not calls, by reason."""
        return sum((each.skipped for each in self.files), Counter())

    @property
    def duplicates(self) -> Counter[str]:
        """Calls that were already there, by reason."""
        return sum((each.duplicates for each in self.files), Counter())

    @property
    def usage_unknown(self) -> int:
        """Calls added whose token counts neither the log nor a text tells."""
        return sum(each.usage_unknown for each in self.files)

    @property
    def usage_estimated(self) -> int:
        """Calls added whose token counts come, at least partly, from the tokenizer."""
        return sum(each.usage_estimated for each in self.files)

    @property
    def implausible_times(self) -> int:
        """Calls added whose time can't be right; they are in no period."""
        return sum(each.implausible_times for each in self.files)

    @property
    def nameless(self) -> int:
        """Billed calls added that name no model; what they cost is unknown."""
        return sum(each.nameless for each in self.files)

    @property
    def known(self) -> int:
        """Inputs that had been read before."""
        return sum(each.known for each in self.files)

    @property
    def usable(self) -> bool:
        """Whether anything of any input was understood."""
        return any(each.usable for each in self.files)
