"""Whom to ask for each current model: the named candidates or proposed ones, and what keeps one from being asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from audit.clients.local import MODEL as EMBEDDED
from audit.errors import ReplayError
from audit.replay.routes import Current, Directory, Route, Skipped
from audit.replay.variants import Variant


def routes(
    directory: Directory,
    found: Sequence[Current],
    models: Sequence[str],
    floor: bool,
    variants: Sequence[Variant] = (),
    *,
    unready: bool = False,
) -> tuple[list[Route], list[Skipped]]:
    """Routes for the named models, or for proposed ones where nothing is named, and what had to be left out.

    With `variants` the current models are asked changed prompts; nothing is proposed then. A named model whose endpoint
    can't be used is an error (ReplayError); a proposed one is skipped with its reason. With `unready` endpoints that
    lack a key or a package are kept, since nothing is to be sent.
    """
    made: list[Route] = []
    skipped: dict[tuple[str, str], Skipped] = {}
    named = [directory.find(name) for name in models]
    embedded = (directory.endpoints["local"], EMBEDDED)
    for current in found:
        proposed = [] if named or variants else [*directory.proposed(current), *([] if directory.batch else [embedded])]
        for endpoint, model in named or proposed:
            if model in (current.model, current.price[1] if current.price else None) and endpoint.flavour != "local":
                continue
            route = directory.route(current, endpoint, model)
            problem = _problem(route)
            if problem is None or (unready and (named or not route.client.in_process)):
                made.append(route)
            elif named:
                raise problem
            else:
                skipped[endpoint.name, model] = Skipped(model, endpoint.name, problem.message, problem.hint or "")
        own = directory.floor(current) if floor or variants else None
        problem = _problem(own) if own and not unready else None
        if own is None or problem is not None:
            if variants:
                said = problem.hint if problem and problem.hint else "no endpoint of its provider is known"
                skipped[current.model, ""] = Skipped(current.model, current.provider_name, "can't be asked", said)
            continue
        made.extend(replace(own, floor=False, variant=each) for each in variants)
        if floor and any(route.current is current for route in made):
            made.append(own)
    return made, list(skipped.values())


def unfloored(directory: Directory, ways: Sequence[Route]) -> tuple[Skipped, ...]:
    """Current models that are not asked again for their noise floor, each with what keeps them from it."""
    floored = {route.current.model for route in ways if route.floor}
    found = []
    for current in {route.current.model: route.current for route in ways}.values():
        own = None if current.model in floored else directory.floor(current)
        problem = _problem(own) if own else None
        if current.model not in floored:
            reason = problem.message if problem else "no endpoint of its provider is known"
            found.append(Skipped(current.model, current.provider_name, reason, (problem and problem.hint) or ""))
    return tuple(found)


def lacking(ways: Sequence[Route]) -> tuple[Skipped, ...]:
    """What keeps routes from being asked now, once per endpoint."""
    found: dict[str, Skipped] = {}
    for route in ways:
        problem = None if route.endpoint.name in found else _problem(route)
        if problem is not None:
            found[route.endpoint.name] = Skipped(route.model, route.endpoint.name, problem.message, problem.hint or "")
    return tuple(found.values())


def _problem(route: Route) -> ReplayError | None:
    try:
        route.client.ready(route.endpoint)
    except ReplayError as error:
        return error
    return None
