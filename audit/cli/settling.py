"""What follows from new requests or a changed configuration: workflows, their names, outliers, verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.config import Config
    from audit.store import Store


def settle(store: Store, settings: Config, say: Callable[[str], None], *, new_requests: bool) -> bool:
    """Sort requests into named workflows and find outliers, where that is not done yet; returns whether it was not."""
    from audit import console
    from audit.ledger import note_sorted
    from audit.naming import Naming, naming
    from audit.outliers import outliers
    from audit.workflows import workflows

    if new_requests:
        say("workflows")
        workflows(store)
    # without a configuration file nobody said that names are to be taken back
    named = naming(store, settings.workflows) if settings.path else Naming()
    for name, near in named.unknown:
        hint = f"; did you mean {console.clean(near)!r}?" if near else ""
        console.warn(f"{settings.path} [workflows]: no workflow was found as {console.clean(name)!r}{hint}")
    if named.changed:
        workflows(store)
    if new_requests or named.changed:
        say("outliers")
        outliers(store)
    if named.moved_replays:
        from audit.deciding import deciding

        say("verdicts")
        deciding(store, settings.latency, settings.first_chunk)
    if new_requests:
        note_sorted(store)
    return new_requests or named.changed
