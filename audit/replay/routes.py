"""Who answers: candidates for each current model, the current model itself, and the endpoint each is reached at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from audit.clients import Client
from audit.clients.local import MODEL as EMBEDDED
from audit.config import EndpointConfig
from audit.errors import ConfigError
from audit.plugins import find
from audit.prices.catalogue import Catalogue, Match
from audit.replay.rates import Rates, configured, rates_of
from audit.replay.variants import Variant
from audit.store import Store

BUILT_IN = (
    EndpointConfig("openai"),
    EndpointConfig("anthropic", flavour="anthropic_messages"),
    EndpointConfig("local", flavour="local"),
)
OFFICIAL_HOSTS = {"api.openai.com": "openai", "api.anthropic.com": "anthropic"}
PROPRIETARY = frozenset({"openai", "anthropic", "google", "x-ai"})
HALF = 0.5
"""Of the cheaper models that cost at most this share, the dearest is proposed beside the cheapest."""

_CURRENT = """
SELECT s.model, COALESCE(r.provider_name, r.price_provider, '') AS provider_name,
       MIN(r.price_provider) AS price_provider, MIN(r.price_model) AS price_model,
       MIN(r.request_model) AS request_model, COUNT(*) AS units
FROM replay_picked AS s JOIN request AS r ON r.request_id = s.request_id
GROUP BY s.model, COALESCE(r.provider_name, r.price_provider, '')
ORDER BY units DESC, s.model, provider_name
"""


@dataclass(frozen=True, slots=True)
class Current:
    """A model of the log, the provider that served it and its price model; `units` counts drawn prompts.

    `asked` is the name it was asked by: a deployment, an inference profile.
    """

    model: str
    provider_name: str
    price: tuple[str, str] | None
    units: int
    asked: str = ""


@dataclass(frozen=True, eq=False)
class Route:
    """One current model's prompts asked of one model at one endpoint; `floor` when that is the current model itself.

    `model` is what the journal calls it, `sends` the name that is sent. `rates` is None where nothing is known about
    its price; `billed` are the rates of the tier its calls are made in: the same, unless that is the batch tier.
    `responses` speaks for requests that were made through the Responses API, where the endpoint has it.
    `variant` is set where the current model is asked with a changed prompt.
    """

    current: Current
    endpoint: EndpointConfig
    client: Client
    model: str
    sends: str
    floor: bool
    rates: Rates | None
    context_window: int | None = None
    responses: Client | None = None
    variant: Variant | None = None
    billed: Rates | None = None

    @property
    def variant_name(self) -> str:
        """Name of the change made to each prompt; empty for the plain request."""
        return self.variant.name if self.variant else ""

    @property
    def same_model(self) -> bool:
        """Whether this asks the current model itself."""
        return self.floor or self.variant is not None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A candidate that would have been proposed, and what keeps it from being asked."""

    model: str
    endpoint: str
    reason: str
    hint: str


def currents(store: Store) -> list[Current]:
    """Models of the drawn prompts (in `replay_picked`), the most frequent first."""
    return [
        Current(
            row["model"],
            row["provider_name"],
            (row["price_provider"], row["price_model"]) if row["price_model"] else None,
            row["units"],
            row["request_model"] or row["model"],
        )
        for row in store.rows(_CURRENT)
    ]


class Directory:
    """Endpoints by name, and models by the endpoint they are asked at."""

    def __init__(
        self, catalogue: Catalogue, endpoints: Sequence[EndpointConfig], now_us: int, *, batch: bool = False
    ) -> None:
        self._catalogue = catalogue
        self._now_us = now_us
        self.batch = batch
        self._clients: dict[str, Client] = {client.name: client for client in find("clients", "CLIENT")}
        self.endpoints = {each.name: each for each in (*BUILT_IN, *endpoints)}

    def client(self, endpoint: EndpointConfig) -> Client:
        """The flavour an endpoint speaks; raises ConfigError for an unknown one."""
        found = self._clients.get(endpoint.flavour)
        if found is None:
            known = ", ".join(sorted(self._clients))
            raise ConfigError(f"endpoint {endpoint.name!r}: unknown flavour {endpoint.flavour!r}", f"known: {known}")
        return found

    def find(self, name: str) -> tuple[EndpointConfig, str]:
        """The endpoint and model that `--model NAME` or `--model ENDPOINT/NAME` means; raises ConfigError."""
        prefix, _, rest = name.partition("/")
        if rest and prefix in self.endpoints:
            return self.endpoints[prefix], rest
        if name in self.endpoints and self.client(self.endpoints[name]).computes:
            return self.endpoints[name], EMBEDDED if not self.endpoints[name].base_url else name
        match = self._catalogue.resolve(None, name)
        if match is not None and match.provider_name in self.endpoints:
            return self.endpoints[match.provider_name], name
        own = [each for each in self.endpoints.values() if each not in BUILT_IN]
        if len(own) == 1:
            return own[0], name
        raise ConfigError(
            f"no endpoint is known for the model {name!r}",
            "write ENDPOINT/MODEL, with an [[endpoint]] of that name in audit.toml",
        )

    def route(self, current: Current, endpoint: EndpointConfig, model: str) -> Route:
        """A candidate for a current model."""
        price = None if self.client(endpoint).computes else self._price(endpoint, model)
        return self._made(current, endpoint, model, model, False, price)

    def floor(self, current: Current) -> Route | None:
        """The current model asked again where it was served; None where no endpoint of that provider is known."""
        endpoint = self.endpoints.get(current.provider_name) or self._cloud(current)
        if endpoint is None or self._in_process(endpoint):
            return None
        sends = (current.asked if self.client(endpoint).seller else "") or current.model
        if endpoint in BUILT_IN:
            sends = current.model.rpartition("/")[2]
        return self._made(current, endpoint, current.model, sends, True, current.price)

    def _cloud(self, current: Current) -> EndpointConfig | None:
        """The first endpoint of the cloud that served a model, by whatever name it goes here."""
        seller = current.price[0] if current.price else None
        own = (each for each in self.endpoints.values() if each not in BUILT_IN)
        return next((each for each in own if seller and self.client(each).seller == seller), None)

    def _made(
        self,
        current: Current,
        endpoint: EndpointConfig,
        model: str,
        sends: str,
        floor: bool,
        price: tuple[str, str] | None,
    ) -> Route:
        _check_address(endpoint, self.client(endpoint))
        responses = self._clients["openai_responses"] if endpoint == BUILT_IN[0] else None
        rates = configured(endpoint) or rates_of(self._catalogue, price, self._now_us)
        billed = rates
        if self.batch and not configured(endpoint):
            # a tier nobody lists a price of is taken to cost the standard one
            billed = rates_of(self._catalogue, price, self._now_us, "batch") or rates
        window = self._window(price)
        return Route(
            current, endpoint, self.client(endpoint), model, sends, floor, rates, window, responses, billed=billed
        )

    def _price(self, endpoint: EndpointConfig, model: str) -> tuple[str, str] | None:
        """The price model of a candidate: at its provider, or through a gateway where only one company sells it.

        An open-weight model on a server of one's own has no list price.
        """
        seller = self.client(endpoint).seller or endpoint.name
        match = self._catalogue.resolve(seller, model) or self._catalogue.resolve(None, model)
        if match is None or (match.provider_name != seller and not _sold_by_its_maker(match)):
            return None
        return match.provider_name, match.model

    def _in_process(self, endpoint: EndpointConfig) -> bool:
        return self.client(endpoint).in_process

    def _window(self, price: tuple[str, str] | None) -> int | None:
        found = self._catalogue.model(*price) if price else None
        return found.context_window if found else None

    def proposed(self, current: Current) -> list[tuple[EndpointConfig, str]]:
        """Cheaper models to try: the cheapest of the same provider (its family first), and one that halves the cost."""
        endpoint = self.endpoints.get(current.provider_name) or (
            self.endpoints.get(current.price[0]) if current.price else None
        )
        if endpoint is None or current.price is None:
            return []
        cheaper = self._catalogue.cheaper_candidates(*current.price, self._now_us)
        kin = [each for each in cheaper if each.same_family] or cheaper
        halving = [each for each in kin if each.price_ratio <= HALF]
        picked = [*kin[:1], *halving[-1:]]
        return [(endpoint, name) for name in dict.fromkeys(each.model for each in picked)]


def _check_address(endpoint: EndpointConfig, client: Client) -> None:
    """Raise ConfigError for an address that is none, wherever it is stated; it may hold a secret and is not shown."""
    address = "" if client.in_process or client.recorded else client.locate(endpoint)
    if not address or address.startswith("("):
        return
    parts = urlsplit(address)
    wrong, hint = "", "end it at the path"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        wrong, hint = "is no address", "it begins with http:// or https://"
    elif parts.username is not None or parts.password is not None:
        wrong, hint = "holds a user name or password", "a key belongs into the environment (see key_env)"
    elif parts.query or parts.fragment:
        wrong = "has a query, and paths are put behind it"
    if wrong:
        where = "base_url" if endpoint.base_url else f"its variable, such as {endpoint.name.upper()}_BASE_URL"
        raise ConfigError(f"the address of endpoint {endpoint.name!r} ({where}) {wrong}", hint)


def host_of(route: Route) -> str:
    """Host that a route's content would go to; empty when it stays in this process."""
    url = route.client.locate(route.endpoint)
    return (urlsplit(url).hostname or url) if url else ""


def address_of(route: Route) -> str:
    """The host with its port, where one is named: several servers may listen on one machine."""
    url = route.client.locate(route.endpoint)
    return (urlsplit(url).netloc.rpartition("@")[2] or url) if url else ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    return host in ("localhost", "::1") or host.startswith("127.")


def serves(route: Route, provider_name: str, price: tuple[str, str] | None = None) -> bool:
    """Whether the owner of a route's endpoint is the provider that served a request, billed by this price model."""
    if route.client.seller:
        return price is not None and price[0] == route.client.seller
    host = host_of(route)
    if host in OFFICIAL_HOSTS:
        return OFFICIAL_HOSTS[host] == provider_name
    return route.endpoint not in BUILT_IN and route.endpoint.name == provider_name


def _sold_by_its_maker(match: Match) -> bool:
    return match.provider_name in PROPRIETARY and "oss" not in match.model
