"""Keys that ended up where names belong: recognised by their form or by the field they stand in, and never kept."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from audit.wire.columns import folded

_BEGINNINGS = (
    "sk-", "sk_", "pk-lf-", "rk_", "gsk_", "xai-", "AIza", "AKIA", "ASIA", "ghp_", "gho_", "ghs_", "github_pat_",
    "glpat-", "xoxb-", "xoxp-", "hf_", "r8_", "eyJ", "Bearer ", "bearer ", "Basic ", "basic ",
)  # fmt: skip
_SHORTEST = 20
"""Characters of the shortest key in use; a name that begins like one is shorter, or has no digit."""
_FIELDS = frozenset(
    {"apikey", "xapikey", "authorization", "proxyauthorization", "secret", "clientsecret", "secretkey", "password",
     "passwd", "accesstoken", "authtoken", "bearertoken", "refreshtoken", "idtoken", "privatekey", "accesskey",
     "cookie"}
)  # fmt: skip


def unkeyed(text: str) -> str:
    """`text`, or where it is a key a mark that tells it from other keys and gives nothing of it away."""
    if text.startswith(_BEGINNINGS) and len(text) >= _SHORTEST and any(sign.isdigit() for sign in text):
        return mark(text)
    return text


def mark(text: str) -> str:
    """What stands for a secret: the same for the same one."""
    return f"secret-{blake2b(text.encode('utf-8', 'replace'), digest_size=4).hexdigest()}"


@lru_cache(maxsize=4096)
def is_secret_field(name: str) -> bool:
    """Whether a field is called as if it held a key."""
    return folded(name.rpartition(".")[2]) in _FIELDS
