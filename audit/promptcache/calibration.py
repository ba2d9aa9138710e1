"""What the log itself teaches about a provider's prompt cache: how often the rules' hits were really billed as hits."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from audit.promptcache.gather import STAMP
from audit.promptcache.play import Bools, Ints
from audit.promptcache.policies import LOOKING_BACK, TODAY, Behaviour, Played, play
from audit.promptcache.traffic import MATCHES, Floats, Small, Traffic
from audit.promptcache.traffic import traffic as traffic_of
from audit.store import Store

_META = "prompt_cache_calibration"
_PLAYABLE = """
SELECT (SELECT COUNT(*) FROM cache_rule) + (SELECT COUNT(*) FROM request WHERE text_status = 'hashed')
"""
_LIVES_MS = (300_000, 600_000, 1_800_000, 3_600_000, 86_400_000)
"""Lives a provider may give an idle entry: documented as 5 to 10 minutes, up to an hour, or a day on request."""
_FEWEST_HITS = 20
"""Requests with a predicted or billed hit that the log must hold before it overrules the documents."""
_PRIOR_HITS = 5.0
"""Weight of the documented reliability, in requests."""
_PRIOR_SPREAD = 0.15
"""Standard deviation of the reliability where nothing was logged."""
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One model's prompt cache: billed against predicted tokens under today's prompts and marks.

    `reliability` is the share of the predicted tokens to expect, `spread` its standard error from day to day;
    `measured` is false where the log says nothing and the documented figure stands. Where no request tells its cached
    tokens, `billed` is None and `predicted` is what the rules promise all `requests`.
    """

    provider_name: str
    model: str
    requests: int
    hits: int
    predicted: int
    billed: int | None
    reliability: float
    spread: float
    measured: bool
    life_s: int
    min_tokens: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything learnt from one log: by model, per request, and today's play over the whole traffic."""

    models: list[Calibrated]
    model: Small
    by_model: Floats
    behaviour: Behaviour
    today: Played

    @property
    def reliability(self) -> Floats:
        """Of each request's model."""
        return np.asarray(self.by_model[self.model])


def calibrate(traffic: Traffic) -> Calibration:
    """Compare today's prompts, played by the rules, with the cached tokens billed."""
    found: Calibration = traffic.once("calibration", make=lambda: _calibrate(traffic))
    return found


def models_of(store: Store) -> list[Calibrated]:
    """What `calibrate` finds for the models of an audit file; kept in the file until the log in it changes."""
    stamp = json.dumps(store.rows(STAMP)[0], sort_keys=True)
    known = json.loads(store.meta(_META) or "{}")
    if known.get("stamp") != stamp:
        models = calibrate(traffic_of(store)).models if store.value(_PLAYABLE) else []
        known = {"stamp": stamp, "models": [asdict(each) for each in models]}
        store.set_meta(_META, json.dumps(known))
    return [Calibrated(**each) for each in known["models"]]


def today(traffic: Traffic, behaviour: Behaviour, alive: Bools) -> Played:
    """What the requests that are alive read under today's marks; models of different rules side by side."""
    found: Played = traffic.remember("today", alive=alive, make=lambda: _today(traffic, behaviour, alive))
    return found


def _today(traffic: Traffic, behaviour: Behaviour, alive: Bools) -> Played:
    read, covered = (np.zeros(len(traffic), dtype=np.int64) for _ in range(2))
    for match in {rule.match for rule in traffic.rules} & set(MATCHES):
        played = play(traffic, TODAY[match], behaviour, alive)
        if match == LOOKING_BACK.match and behaviour.looks_back.any():
            back = play(traffic, LOOKING_BACK, behaviour, alive)
            read += np.where(behaviour.looks_back, back.read, played.read)
        else:
            read += played.read
        covered += played.covered
    return Played.of(read, covered)


def _calibrate(traffic: Traffic) -> Calibration:
    names = sorted({(rule.provider_name, rule.model) for rule in traffic.rules})
    by_rule = np.array([names.index((rule.provider_name, rule.model)) for rule in traffic.rules], dtype=np.int64)
    model = by_rule.astype(np.int32)[traffic.rule]
    everyone = np.ones(len(traffic), dtype=np.bool_)
    behaviour = _least_seen(traffic, model, Behaviour.documented(traffic))
    behaviour = _looks(traffic, model, behaviour, everyone)
    behaviour, played = _lives(traffic, model, behaviour, everyone)
    models = [
        _calibrated(traffic, names[each], model == each, behaviour, played)
        for each in range(len(names))
        if (model == each).any()
    ]
    known = {(each.provider_name, each.model): each.reliability for each in models}
    by_model = np.array([known.get(name, 0.7) for name in names] or [0.7])
    return Calibration(models, model, by_model, behaviour, played)


def _least_seen(traffic: Traffic, model: Small, behaviour: Behaviour) -> Behaviour:
    """Lower the minimum where shorter prefixes were billed as cached: sources disagree on it for some models."""
    least = behaviour.min_tokens.copy()
    short = (traffic.read > 0) & (traffic.read < least)
    for each in np.unique(model[short]):
        seen = np.sort(traffic.read[short & (model == each)])
        if len(seen) >= _FEWEST_HITS:
            least[model == each] = np.minimum(least[model == each], seen[len(seen) // 100])
    return replace(behaviour, min_tokens=least)


def _lives(traffic: Traffic, model: Small, behaviour: Behaviour, everyone: Bools) -> tuple[Behaviour, Played]:
    """Give models that cache by themselves the life that explains their billed hits best; ties go to the shorter."""
    automatic = traffic.matching("longest_prefix") & ~traffic.retained if len(traffic) else everyone
    hit = automatic & (traffic.read > 0)
    wanted = [each for each in np.unique(model[hit]) if int(np.sum(hit & (model == each))) >= _FEWEST_HITS]
    played = _today(traffic, behaviour, everyone)
    if not wanted:
        return behaviour, played
    told = automatic & (traffic.read >= 0) & np.isin(model, wanted)
    life, best = behaviour.life.copy(), _errors(traffic, played, model, told)
    for each in _LIVES_MS:
        tried = np.where(told, each, behaviour.life)
        errors = _errors(traffic, _today(traffic, replace(behaviour, life=tried), told), model, told)
        for name in wanted:
            if errors[name] < best[name] or (
                errors[name] == best[name] and each < life[(model == name) & automatic].max()
            ):
                best[name], life[(model == name) & automatic] = errors[name], each
    behaviour = replace(behaviour, life=life, long_life=np.maximum(behaviour.long_life, 0))
    return behaviour, _today(traffic, behaviour, everyone)


def _looks(traffic: Traffic, model: Small, behaviour: Behaviour, everyone: Bools) -> Behaviour:
    """Let models that cache at breakpoints find the ends of earlier prompts where that explains their bill better."""
    told = (traffic.read > 0) & traffic.matching(LOOKING_BACK.match) if len(traffic) else everyone
    wanted = [each for each in np.unique(model[told]) if int(np.sum(told & (model == each))) >= _FEWEST_HITS]
    if not wanted:
        return behaviour
    told = (traffic.read >= 0) & np.isin(model, wanted)
    back = replace(behaviour, looks_back=np.isin(model, wanted))
    strict, loose = (_errors(traffic, _today(traffic, each, told), model, told) for each in (behaviour, back))
    return replace(behaviour, looks_back=np.isin(model, [each for each in wanted if loose[each] < strict[each]]))


def _errors(traffic: Traffic, played: Played, model: Small, told: Bools) -> NDArray[np.float64]:
    away = np.abs(played.read - traffic.read).astype(np.float64)
    return np.bincount(model[told], weights=away[told], minlength=int(model.max()) + 1).astype(np.float64)


def _calibrated(
    traffic: Traffic, name: tuple[str, str], mine: Bools, behaviour: Behaviour, played: Played
) -> Calibrated:
    counted = mine & ~traffic.batch
    told = counted & (traffic.read >= 0)
    billed, predicted = traffic.read[told].astype(np.int64), played.read[told].astype(np.int64)
    hits = int(np.sum((billed > 0) | (predicted > 0)))
    rule = traffic.rules[int(traffic.rule[np.flatnonzero(mine)[-1]])]
    reliability, spread = _reliability(billed, predicted, traffic.start[told] // _DAY_MS, rule.reliability)
    silent = not told.any()
    shown = counted if silent else told
    return Calibrated(
        provider_name=name[0],
        model=name[1],
        requests=int(np.sum(shown)),
        hits=hits,
        predicted=int(played.read[shown].astype(np.int64).sum()),
        billed=None if silent else int(billed.sum()),
        reliability=reliability,
        spread=spread,
        measured=hits >= _FEWEST_HITS and int(predicted.sum()) > 0,
        life_s=int(np.median(behaviour.life[mine])) // 1000,
        min_tokens=int(np.median(behaviour.min_tokens[mine])),
    )


def _reliability(billed: Ints, predicted: Ints, day: Ints, documented: float) -> tuple[float, float]:
    """Billed over predicted tokens, drawn towards the documented figure when hits are few; never above 1.

    The spread is that of a ratio over days as clusters: sqrt(sum of squared day residuals) over the predicted sum.
    """
    total = float(predicted.sum())
    hits = int(np.sum(predicted > 0))
    if hits == 0:
        return documented, _PRIOR_SPREAD
    prior = _PRIOR_HITS * total / hits
    ratio = min(1.0, (float(billed.sum()) + documented * prior) / (total + prior))
    _, place = np.unique(day, return_inverse=True)
    residual = np.bincount(place, weights=billed - ratio * predicted)
    days = len(residual)
    if days < 2:
        return ratio, _PRIOR_SPREAD
    clustered = float(np.sqrt(np.sum(residual**2) * days / (days - 1))) / (total + prior)
    return ratio, min(_PRIOR_SPREAD, clustered)
