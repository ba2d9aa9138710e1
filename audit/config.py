"""`audit.toml` and flags as one frozen `Config`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from audit.errors import ConfigError

DEFAULT_FILE = "audit.toml"
DEFAULT_DB = "audit.duckdb"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """One `[[endpoint]]`: where a model answers. The key itself is only ever read from the environment.

    `region`, `project` and `api_version` are for clouds that ask for them.
    """

    name: str
    base_url: str = ""
    flavour: str = "openai_chat"
    key_env: str = ""
    input_per_million: float | None = None
    output_per_million: float | None = None
    region: str = ""
    project: str = ""
    api_version: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContractConfig:
    """One `[[contract]]`: a negotiated discount, price or least spend, by provider, model pattern and date."""

    provider: str
    model: str = "*"
    valid_from: str = ""
    valid_to: str = ""
    discount_percent: float | None = None
    prices_per_million: Mapping[str, float] = field(default_factory=dict)
    commitment_usd_per_month: float | None = None


@dataclass(frozen=True, slots=True)
class CostConfig:
    """One `[[cost]]`: money a request log cannot hold (GPUs, vector store, review), in USD a month."""

    name: str
    usd_per_month: float
    workflow: str = ""


@dataclass(frozen=True, slots=True)
class ReplayConfig:
    """`[replay]`: defaults of `audit replay`."""

    sample: int = 500
    seed: int = 1
    max_cost_usd: float = 5.0
    concurrency: int = 32
    exclude_workflows: tuple[str, ...] = ()
    max_prompt_tokens_local: int = 512


@dataclass(frozen=True, slots=True)
class ProjectionConfig:
    """`[projection]`: how savings are simulated, bounded and turned into months."""

    level: float = 0.90
    draws: int = 1000
    seed: int = 1
    month_days: float = 30.4375
    realisation: Mapping[str, float] = field(default_factory=lambda: {"A": 1.0, "B": 0.9, "C": 0.8, "D": 0.5})
    engineer_day_usd: float = 800.0


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a run was told; stored in the audit file and printed in the report."""

    tags: Mapping[str, str] = field(default_factory=dict)
    map: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    workflows: Mapping[str, str] = field(default_factory=dict)
    levers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    budgets: Mapping[str, Any] = field(default_factory=dict)
    outcomes: Mapping[str, Any] = field(default_factory=dict)
    latency: Mapping[str, float] = field(default_factory=dict)
    first_chunk: Mapping[str, float] = field(default_factory=dict)
    rubrics: Mapping[str, str] = field(default_factory=dict)
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    projection: ProjectionConfig = field(default_factory=ProjectionConfig)
    endpoint: tuple[EndpointConfig, ...] = ()
    contract: tuple[ContractConfig, ...] = ()
    cost: tuple[CostConfig, ...] = ()
    path: str = ""


_TABLES: dict[str, type[Any]] = {"replay": ReplayConfig, "projection": ProjectionConfig}
_LISTS: dict[str, type[Any]] = {"endpoint": EndpointConfig, "contract": ContractConfig, "cost": CostConfig}

_RANGES: dict[str, tuple[float, float]] = {
    "[replay] sample": (1, 10_000_000),
    "[replay] max_cost_usd": (0, 1e9),
    "[replay] concurrency": (1, 256),
    "[replay] max_prompt_tokens_local": (1, 1_000_000),
    "[projection] level": (0.5, 0.999),
    "[projection] draws": (100, 100_000),
    "[projection] month_days": (28, 31),
    "[projection] engineer_day_usd": (0, 1e6),
    "[[cost]] usd_per_month": (0, 1e12),
    "[[contract]] discount_percent": (-1000, 100),
    "[[contract]] commitment_usd_per_month": (0, 1e12),
    "[[endpoint]] input_per_million": (0, 1e6),
    "[[endpoint]] output_per_million": (0, 1e6),
}
_TEXTS = ("tags", "map", "aliases", "workflows")


def load(path: str | Path | None = None) -> Config:
    """Read the configuration: the named file, else `AUDIT_CONFIG`, else `./audit.toml`, else defaults.

    Raises ConfigError for a missing named file, invalid TOML, unknown keys (naming the nearest known one) and values
    of the wrong type.
    """
    named = path or os.environ.get("AUDIT_CONFIG")
    file = Path(named) if named else Path(DEFAULT_FILE)
    if not file.is_file():
        if named:
            raise ConfigError(f"no configuration file at {file}", "check --config or AUDIT_CONFIG")
        return Config()
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}", "see docs/configuration.md for an example") from error
    return _config(data, str(file))


def _config(data: Mapping[str, Any], where: str) -> Config:
    known = [each.name for each in fields(Config) if each.name != "path"]
    _refuse_unknown(data, known, where)
    values: dict[str, Any] = {"path": where}
    for key, value in data.items():
        if key in _LISTS:
            if not isinstance(value, list):
                raise ConfigError(f"{where}: {key} is a list of tables", f"write [[{key}]]")
            values[key] = tuple(_table(_LISTS[key], item, f"{where} [[{key}]]") for item in value)
        elif not isinstance(value, dict):
            raise ConfigError(f"{where}: {key} is a table", f"write [{key}]")
        elif key in _TABLES:
            values[key] = _table(_TABLES[key], value, f"{where} [{key}]")
        else:
            _check_values(key, value, where)
            values[key] = value
    return Config(**values)


def _check_values(key: str, table: Mapping[str, Any], where: str) -> None:
    """Tables whose keys are names of the user's own: every value has the one type the table is for."""
    for name, value in table.items():
        if key in ("latency", "first_chunk") and not _within(value, (1e-9, 1e9)):
            raise ConfigError(f"{where} [{key}] {name}: {value!r} is no number of seconds", f'write "{name}" = 2.5')
        if key == "rubrics" and not (isinstance(value, str) and value.strip()):
            raise ConfigError(f"{where} [rubrics] {name}: {value!r} is no text", "say what makes an answer acceptable")
        if key in _TEXTS and not isinstance(value, str):
            raise ConfigError(f"{where} [{key}] {name}: {value!r} is no text", f'write {name} = "…"')
    if key == "aliases":
        for name in table:
            seen, at = {name}, table[name]
            while at in table:
                if at in seen:
                    raise ConfigError(f"{where} [aliases] {name}: goes round in a circle", "name a model with a price")
                seen.add(at)
                at = table[at]


def _within(value: Any, limits: tuple[float, float]) -> bool:
    """Whether a value is a number inside limits; NaN is in none."""
    return not isinstance(value, bool) and isinstance(value, int | float) and limits[0] <= value <= limits[1]


def _table(kind: type[T], data: Mapping[str, Any], where: str) -> T:
    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where}: {data!r} is not a table", f"known keys: {', '.join(names)}")
    _refuse_unknown(data, names, where)
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    try:
        made = kind(**values)
    except TypeError as error:
        lacking = ", ".join(part for part in str(error).split("'")[1::2])
        raise ConfigError(f"{where}: {lacking} is missing", f"known keys: {', '.join(names)}") from error
    for each in fields(kind):  # type: ignore[arg-type]
        _check_type(getattr(made, each.name), str(each.type), f"{where} {each.name}")
    _check_meaning(made, where)
    return made


def _is_address(endpoint: EndpointConfig) -> bool:
    """Whether its base_url may stand: an address, nothing, or a file of recorded answers."""
    address = endpoint.base_url
    return not address or endpoint.flavour == "recorded" or address.startswith(("http://", "https://"))


def _check_meaning(made: Any, where: str) -> None:
    """Numbers in their range, days that exist, addresses that are some."""
    section = where[where.rindex(" ") + 1 :]
    for each in fields(made):
        value, limits = getattr(made, each.name), _RANGES.get(f"{section} {each.name}")
        if limits and value is not None and not _within(value, limits):
            raise ConfigError(
                f"{where} {each.name}: {value!r} is out of range", f"it lies between {limits[0]:g} and {limits[1]:g}"
            )
    if isinstance(made, EndpointConfig) and not _is_address(made):
        raise ConfigError(f"{where} base_url: {made.base_url!r} is no address", "it begins with http:// or https://")
    if isinstance(made, EndpointConfig) and made.flavour != "recorded" and set("?#") & set(made.base_url):
        raise ConfigError(
            f"{where} base_url: {made.base_url!r} has a query, and paths are put behind it",
            "end it at the path; a version goes to api_version, a key to key_env, anything else to headers",
        )
    if isinstance(made, ContractConfig):
        begins, ends = (_day(getattr(made, name), f"{where} {name}") for name in ("valid_from", "valid_to"))
        if begins and ends and ends < begins:
            raise ConfigError(f"{where} valid_to: {ends} is before {begins}", "a contract begins before it ends")
    if isinstance(made, ProjectionConfig):
        for name, value in made.realisation.items():
            if name not in ("A", "B", "C", "D") or not _within(value, (0, 1)):
                raise ConfigError(
                    f"{where} realisation: {name} = {value!r}", "evidence classes are A, B, C and D, factors 0 to 1"
                )


def _day(text: str, where: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigError(f"{where}: {text!r} is no day", "write it like 2026-10-01") from error


def _check_type(value: Any, expected: str, where: str) -> None:
    wanted: tuple[type, ...] | None = None
    if expected.startswith("float"):
        wanted = (int, float)
    elif expected.startswith("int"):
        wanted = (int,)
    elif expected == "str":
        wanted = (str,)
    elif expected.startswith("Mapping"):
        wanted = (dict,)
    if wanted and value is not None and (isinstance(value, bool) or not isinstance(value, wanted)):
        kind = "table" if expected.startswith("Mapping") else expected.split(" ")[0]
        raise ConfigError(f"{where}: {value!r} is not a {kind}", "see docs/configuration.md")


def _refuse_unknown(data: Mapping[str, Any], known: list[str], where: str) -> None:
    for key in data:
        if key not in known:
            near = get_close_matches(key, known, n=1, cutoff=0.0)
            raise ConfigError(f"{where}: unknown key {key!r}", f"did you mean {near[0]!r}?" if near else None)


def database(path: str | None) -> str:
    """Path of the audit file: the flag, else `AUDIT_DB`, else `./audit.duckdb`."""
    return path or os.environ.get("AUDIT_DB") or DEFAULT_DB
