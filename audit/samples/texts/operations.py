"""Words of the platform team: alerts, the stock agent and its tools."""

from __future__ import annotations

from typing import Any

SEVERITIES = ("critical", "error", "warning", "info")
ALERT_SYSTEM = "Classify the alert by severity: critical, error, warning, info. Return JSON with the key severity."
# the alert gateway writes the severity first, in one of these layouts
ALERT_LAYOUTS = (
    "{severity}: {text} ({service}, {host})",
    "{severity}: {service} on {host}, {text}",
    "{severity} on {host}: {text} ({service})",
)
ALERT_SERVICES = (
    "checkout",
    "search-index",
    "mail-relay",
    "stock-sync",
    "label-printer",
    "cdn-edge",
    "login",
    "price-feed",
    "returns-portal",
)
ALERT_TEXTS: dict[str, tuple[str, ...]] = {
    "critical": ("no heartbeat for {n} s", "database refuses connections", "all {n} workers stopped", "disk is full"),
    "error": (
        "{n} requests failed in one minute",
        "retry budget used up",
        "restarted after out of memory",
        "job {n} ended",
    ),
    "warning": ("queue depth {n} above the limit", "replica lag {n} s", "disk at 91 percent", "pool at {n} of 500"),
    "info": (
        "certificate renewed for 90 days",
        "nightly import took {n} s",
        "version {n} rolled out",
        "health probe answered",
    ),
}
HEALTH_PROMPT = "ping"
HEALTH_ANSWER = "pong"

AGENT_SYSTEM = (
    "You are the stock agent of an online outdoor shop. A ticket names an order whose stock does not add up. Find out "
    "why with the tools, correct it if the house rules allow, and close the ticket with a note.\n\nHouse rules\n"
    + "\n".join(
        f"{number + 1}. {rule}"
        for number, rule in enumerate(
            rule.format(w=warehouse)
            for warehouse in ("Lindau", "Utrecht", "Graz", "Aarhus", "Brno")
            for rule in (
                "Stock in {w} may be moved by you up to 20 pieces; above that a person confirms it in the ticket.",
                "Count differences in {w} of one piece are written off without a question below 40 EUR.",
                "Orders from {w} that are already packed are never changed; leave a note and close the ticket.",
                "If two tools disagree about {w}, trust the stock count and name both figures in the note.",
                "Returns that reached {w} today are not counted yet; neither move them nor promise them.",
                "Pallets on the way to {w} count as stock only after the gate has scanned them.",
                "For {w}, write the note so that the early shift understands it without opening the order.",
                "When {w} is closed for a count, wait with every move and say in the ticket when the count ends.",
            )
        )
    )
)
WAREHOUSES = ("Lindau", "Utrecht", "Graz", "Aarhus", "Brno")


def _tool(name: str, description: str, **fields: str) -> dict[str, Any]:
    properties = {
        field: {"type": kind, "description": f"The {field.replace('_', ' ')}."} for field, kind in fields.items()
    }
    schema = {"type": "object", "properties": properties, "required": list(fields)}
    return {"name": name, "description": description, "input_schema": schema}


USED_TOOLS: tuple[dict[str, Any], ...] = (
    _tool("get_order", "Read one order with its lines, warehouse and status.", order_id="string"),
    _tool(
        "get_stock",
        "Read the counted and the booked stock of an item in one warehouse.",
        sku="string",
        warehouse="string",
    ),
    _tool(
        "move_stock",
        "Move pieces of an item between two warehouses.",
        sku="string",
        source="string",
        target="string",
        pieces="integer",
    ),
    _tool("close_ticket", "Close the ticket with a note for the team.", ticket="string", note="string"),
)
UNUSED_TOOLS: tuple[dict[str, Any], ...] = (
    _tool("list_suppliers", "List the suppliers of an item with lead times, prices and contact hours.", sku="string"),
    _tool(
        "export_report",
        "Export a stock report as a spreadsheet and send it to a mailbox.",
        warehouse="string",
        month="string",
        mailbox="string",
    ),
    _tool(
        "translate_note", "Translate a note into the language of a warehouse team.", note="string", language="string"
    ),
    _tool(
        "book_carrier",
        "Book a carrier for a transfer between warehouses and return the pickup time.",
        source="string",
        target="string",
        pallets="integer",
    ),
    _tool(
        "convert_units",
        "Convert a weight or a length from one unit to another.",
        amount="number",
        source_unit="string",
        target_unit="string",
    ),
)
AGENT_TOOLS = USED_TOOLS + UNUSED_TOOLS
