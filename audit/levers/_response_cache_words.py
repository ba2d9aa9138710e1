"""Words that make an answer unfit for a cache: what changes with the day, what belongs to one person, what acts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audit.wire.text import read_json

Flags = NDArray[np.bool_]

# questions whose right answer changes by itself; a language that is not listed here is not seen
_TIME_WORDS = (
    # English
    r"today(?:'s|’s)?|tonight|tomorrow|yesterday|(?:right|just|by|open|as of|until|from|happening|is it) now|now\?"
    r"|nowadays|currently|latest|newest|at the moment|at present|breaking news|so far|up[- ]to[- ]date|these days"
    r"|this (?:morning|afternoon|evening|week|weekend|month|quarter|year)|(?:last|next|past) (?:night|week|weekend"
    r"|month|quarter|year|few days|\d+ (?:days|hours|weeks|months))|\d+ (?:minutes|hours|days|weeks|months) ago"
    r"|current (?:date|time|day|week|month|year|price|rate|weather|temperature|status|balance|version|news|score|stock)"
    r"|what (?:time|day) is it|what(?:'s| is) the (?:date|time)|weather|exchange rates?"
    r"|(?:stock|share|market|spot|gold|oil|bitcoin|crypto) prices?|price of (?:gold|oil|bitcoin)|(?:in|out of) stock"
    # German
    r"|heute|heutig\w*|morgen|gestern|vorgestern|übermorgen|jetzt|gerade eben|momentan|zurzeit|derzeit|aktuell\w*"
    r"|neueste[mnrs]?|(?:diese|letzte|nächste|vergangene)[mnrs]? (?:woche|wochenende|monat|quartal|jahr)|wie spät"
    r"|vor \d+ (?:minuten|stunden|tagen|wochen|monaten)|wetter|wetterbericht|aktienkurs\w*|börsenkurs\w*|wechselkurs\w*"
    r"|auf lager"
    # French
    r"|aujourd['’]hui|demain|avant-hier|hier (?:soir|matin)|d['’]hier|maintenant|actuellement|en ce moment|à l['’]heure"
    r" actuelle|cette (?:semaine|année)|ce (?:mois|matin|soir|week-end)|la semaine (?:dernière|prochaine)|le mois"
    r" (?:dernier|prochain)|quelle heure|quel jour sommes|il y a \d+ (?:minutes|heures|jours|mois)|météo|taux de change"
    r"|cours de (?:l['’]action|la bourse)|en stock"
    # Spanish
    r"|hoy|mañana|ayer|anteayer|ahora|actualmente|en este momento|(?:precio|fecha|hora|saldo|estado) actual"
    r"|esta (?:semana|tarde|noche)|este (?:mes|año|fin de semana)|la semana (?:pasada|próxima)|el mes pasado"
    r"|el próximo mes|qué hora|hace \d+ (?:minutos|horas|días|meses)|qué tiempo hace|el clima|tipo de cambio"
    r"|últimas noticias"
    # Italian
    r"|oggi|domani|ieri|adesso|attualmente|in questo momento|questa (?:settimana|mattina|sera)|questo (?:mese|weekend)"
    r"|quest['’]anno|(?:la )?settimana (?:scorsa|prossima)|che ore sono|che tempo fa|tasso di cambio"
    # Portuguese
    r"|hoje|amanhã|ontem|agora|atualmente|neste momento|esta semana|este (?:mês|ano)|na semana passada|que horas"
    r"|previsão do tempo|taxa de câmbio|em estoque"
    # Dutch, Polish
    r"|vandaag|gisteren|momenteel|op dit moment|actuele|deze (?:week|maand)|dit jaar|hoe laat|wisselkoers"
    r"|dzisiaj|dziś|jutro|wczoraj|teraz|obecnie|aktualn\w*|pogoda"
    # Russian, Ukrainian
    r"|сегодня|завтра|вчера|сейчас|текущ\w+|погод\w+|сьогодні|зараз"
)
_TIME_SIGNS = (
    "今天|今日|明天|昨天|现在|現在|目前|当前|當前|最新|天气|天氣|明日|昨日|天気|本周|本月|今週|今月|오늘|내일|어제|지금"
    "|현재|최신|날씨|اليوم|غدا|أمس|الآن|आज|अभी|วันนี้"
)
TIME = rf"(?i)\b(?:{_TIME_WORDS})\b|{_TIME_SIGNS}"

_NUMBERED = (
    r"order|invoice|ticket|account|customer|client|member|policy|patient|employee|case|claim|booking|reservation"
    r"|reference|tracking|parcel|shipment|contract|passport|license|licence|bestell\w*|auftrag\w*|rechnung\w*|kunden\w*"
    r"|konto\w*|vertrag\w*|sendung\w*|commande|facture|compte|dossier|client|pedido|factura|cuenta|cliente|contrato"
    r"|ordine|fattura|conto|fatura|conta"
)
_PERSONAL = (
    r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}"
    r"|(?:\+|\b00)[1-9](?:[ ().\-/]?\d){7,13}\b"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}\b|\b\d{3}[.-]\d{3}[.-]\d{4}\b"
    r"|\b0\d{1,4}[ /-]\d{2,4}[ -]?\d{2,8}(?:[ -]\d{2,4}){0,3}\b"
    r"|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"
    r"|\b\d{3}-\d{2}-\d{4}\b"
    r"|\b\d{4}(?:[ -]?\d{4}){3}\b|\b3\d{3}[ -]?\d{6}[ -]?\d{5}\b"
    rf"|(?i:\b(?:{_NUMBERED})(?:[ -]?(?:no\.?|nr\.?|number|nummer|id|numéro|número|n[°º]))?"
    r"[ :#]{0,3}[a-z]{0,4}-?\d{4,})"
    r"|(?i:\b(?:my name is|i am called|mein name ist|ich heiße|je m['’]appelle|mon nom est|me llamo|mi nombre es"
    r"|mi chiamo|meu nome é|my (?:date of birth|birthday|social security|passport|address is|salary|diagnosis))\b)"
)
PERSONAL = _PERSONAL

# what an answer may offer or call without anything happening in the world
_HARMLESS = frozenset(
    [
        "get",
        "list",
        "search",
        "find",
        "lookup",
        "look",
        "read",
        "fetch",
        "query",
        "retrieve",
        "calculate",
        "compute",
        "convert",
        "check",
        "describe",
        "count",
        "validate",
        "verify",
        "show",
        "view",
        "select",
        "summarize",
        "summarise",
        "translate",
        "parse",
        "extract",
        "classify",
        "detect",
        "estimate",
        "compare",
        "format",
        "think",
        "reason",
        "answer",
        "respond",
        "reply",
        "output",
        "return",
        "json",
        "structured",
        "result",
        "final",
        "label",
        "tag",
        "categorize",
        "categorise",
        "score",
        "rank",
        "web",
        "file",
        "code",
        "grep",
        "glob",
        "ls",
        "cat",
        "browse",
        "open_url",
        "load",
        "preview",
        "inspect",
        "explain",
        "analyze",
        "analyse",
        "evaluate",
    ]
)
_HARMFUL = frozenset(
    [
        "write",
        "edit",
        "create",
        "delete",
        "remove",
        "update",
        "insert",
        "send",
        "post",
        "put",
        "patch",
        "execute",
        "exec",
        "run",
        "bash",
        "shell",
        "cancel",
        "order",
        "buy",
        "pay",
        "refund",
        "transfer",
        "book",
        "schedule",
        "submit",
        "approve",
        "reject",
        "upload",
        "deploy",
        "commit",
        "push",
        "publish",
        "notify",
        "email",
        "call",
        "set",
        "add",
        "move",
        "rename",
        "grant",
        "revoke",
        "invite",
        "subscribe",
        "unsubscribe",
        "interpreter",
        "computer",
        "click",
        "type",
    ]
)
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def holding(texts: Sequence[str | None], pattern: str) -> Flags:
    """Which texts hold a match of `TIME` or `PERSONAL`."""
    import polars as pl

    found = pl.Series(texts, dtype=pl.String).str.contains(pattern).fill_null(False).to_numpy()
    flags: Flags = np.asarray(found, dtype=np.bool_)
    return flags


def acts(name: str) -> bool:
    """Whether a tool of this name may change something: unless its first word says that it only reads or reports."""
    parts = [part.lower() for part in _PARTS.findall(name)]
    return not parts or parts[0] not in _HARMLESS or any(part in _HARMFUL for part in parts)


def tool_name(text: str) -> str:
    """Name of a tool in its definition or in a call of it, in any flavour; empty when it has none."""
    try:
        tool = read_json(text)
    except ValueError:
        return ""
    if not isinstance(tool, dict):
        return ""
    inner = next((tool[key] for key in ("function", "toolSpec") if isinstance(tool.get(key), dict)), tool)
    return str(inner.get("name") or tool.get("type") or "")
