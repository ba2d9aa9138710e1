"""A routing table for people and programs, and as the configuration of a LiteLLM router."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from audit.export.values import Document, utc

if TYPE_CHECKING:
    from audit.config import EndpointConfig
    from audit.routing import Certificate, RouteTo, RoutingTable

FORMAT = "audit-routes/1"
_KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


_HOW = {
    "whole": "send every request of at most max_input_tokens to `model`; longer ones and failures go to `otherwise`",
    "rule": "send a request to `model` where everything in apply.when holds; all others and failures go to `otherwise`",
    "router": "score a request with apply.router as docs/replay.md says and send it to `model` where the score is at "
    "most the threshold; all others, prompts longer than max_input_tokens and failures go to `otherwise`",
    "cascade": "ask `model` first and keep its answer where apply.cascade.accept_if holds; ask `otherwise` where it "
    "does not, on failures, and for prompts longer than max_input_tokens; asked twice means paid twice",
}


def routes_document(table: RoutingTable) -> Document:
    """The table with a certificate for every route, what was left where it is, and every part that was tried."""
    return {
        "format": FORMAT,
        "made_at": utc(table.made_at_us),
        "expires_at": utc(min((each.certificate.expires_at_us for each in table.routes), default=None)),
        "routes": [_route(each) for each in table.routes],
        "not_routed": [
            {"workflow": each.workflow, "current_model": each.current_model, "model": each.model, "reason": each.reason}
            for each in table.left_out
        ],
        "parts_tried": [asdict(each) for each in table.tried],
    }


def _route(each: RouteTo) -> Document:
    return {
        "workflow": each.workflow,
        "current_model": each.current_model,
        "model": each.model,
        "endpoint": each.endpoint,
        "step": each.step,
        "name": each.name,
        "how": _HOW[each.step],
        "max_input_tokens": each.max_input_tokens,
        "otherwise": each.current_model,
        "cost_ratio": each.cost_ratio,
        "share_of_requests": each.routed,
        "share_of_dollars_saved": each.saving,
        "fallback_share": each.fallback,
        "break_even_fallback": each.break_even,
        "p95_seconds": each.p95_seconds,
        "p95_first_chunk_seconds": each.p95_first_chunk_seconds,
        "certificate": _certificate(each.certificate),
        "apply": dict(each.apply),
    }


def beyond_litellm(table: RoutingTable) -> list[tuple[RouteTo, str]]:
    """Routes a LiteLLM configuration can't express, with the reason."""
    why = {
        "rule": "its router can't choose by language, tools, or a least length",
        "router": "its router can't apply a trained one",
        "cascade": "its router can't check an answer before it is returned",
    }
    return [(each, why[each.step]) for each in table.routes if not _by_length(each)]


def _by_length(each: RouteTo) -> bool:
    """Whether nothing but the length of a prompt decides."""
    return set(each.apply.get("when", {})) <= {"input_tokens_to"} and each.step in ("whole", "rule")


def _certificate(each: Certificate) -> Document:
    return {
        "loss_upper_bound": each.loss_upper_bound,
        "alpha": each.alpha,
        "family_wise_error": each.delta,
        "pairs_tried": each.tried,
        "policies_tried": each.policies_tried,
        "n": each.n,
        "n_effective": each.n_effective,
        "floor": each.floor,
        "rated_by_people": each.rated,
        "judge": each.judge,
        "seeds": list(each.seeds),
        "answered_as": each.snapshot,
        "traffic": [utc(moment) for moment in each.traffic_us],
        "replayed": [utc(moment) for moment in each.replayed_us],
        "decided_at": utc(each.decided_at_us),
        "expires_at": utc(each.expires_at_us),
        "event": each.event,
    }


def litellm_document(table: RoutingTable, endpoints: Mapping[str, EndpointConfig]) -> Document:
    """`model_list`, `router_settings` and `litellm_settings` of a LiteLLM proxy.

    Each certified workflow becomes a model name; longer prompts than those tested and failures fall back to today's
    model. What `beyond_litellm` lists is left out. Keys are named, never written.
    """
    models: list[Document] = []
    fallbacks: list[Document] = []
    for each in filter(_by_length, table.routes):
        today = f"{each.workflow} today"
        info: Document = {"audit_certificate": _certificate(each.certificate), "current_model": each.current_model}
        if each.max_input_tokens is not None:
            info["max_input_tokens"] = each.max_input_tokens
        models += [
            {
                "model_name": each.workflow,
                "litellm_params": _params(each.provider, each.model, endpoints.get(each.endpoint)),
                "model_info": info,
            },
            {"model_name": today, "litellm_params": _params(each.current_provider, each.current_model, None)},
        ]
        fallbacks.append({each.workflow: [today]})
    return {
        "model_list": models,
        "router_settings": {"enable_pre_call_checks": True},
        "litellm_settings": {"fallbacks": fallbacks, "context_window_fallbacks": fallbacks},
    }


def _params(provider: str, model: str, endpoint: EndpointConfig | None) -> dict[str, Any]:
    if endpoint is not None and endpoint.base_url:
        flavour = "anthropic" if endpoint.flavour.startswith("anthropic") else "openai"
        key = {"api_key": f"os.environ/{endpoint.key_env}"} if endpoint.key_env else {"api_key": "none"}
        return {"model": f"{flavour}/{model}", "api_base": endpoint.base_url, **key}
    name = model if not provider or model.startswith(f"{provider}/") else f"{provider}/{model}"
    return {"model": name} | ({"api_key": f"os.environ/{_KEYS[provider]}"} if provider in _KEYS else {})
