"""Who bills the lines of an invoice that names no provider: whoever the log or the price list has for their models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from audit.errors import ReadError
from audit.figures import listing
from audit.prices.catalogue import Catalogue
from audit.reconciling.files import InvoiceFile
from audit.reconciling.log import biller
from audit.reconciling.names import priced
from audit.reconciling.sides import invoice_model
from audit.reconciling.sums import BilledLine
from audit.store import Store

_MODELS = """
SELECT DISTINCT provider_name, price_provider, price_model, COALESCE(response_model, request_model, '') AS model
FROM request WHERE status = 'billable'
"""
_HINT = "add a column provider to the table"


def name_providers(store: Store, catalogue: Catalogue, files: Sequence[InvoiceFile]) -> None:
    """Fill in the provider of lines without one, and say so; raises ReadError where more than one could be meant."""
    unnamed = [file for file in files if any(not line.provider_name for line in file.lines)]
    if not unnamed:
        return
    known = _Billers(store, catalogue)
    for file in unnamed:
        lines = [line for line in file.lines if not line.provider_name]
        for line in lines:
            line.provider_name = known.of(file.path, line) if line.category == "usage" and line.model else ""
        rest = [line for line in lines if not line.provider_name]
        if rest:
            only = known.only(file, [line for line in lines if line.provider_name])
            for line in rest:
                line.provider_name = only
        found = sorted({line.provider_name for line in lines})
        file.notes.append(f"{file.path}: no provider is named; its lines are held against {listing(found)}.")


class _Billers:
    """The billers of the log, by the families of their models."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._by_family: dict[str, set[str]] = {}
        self._all: set[str] = set()
        for row in store.rows(_MODELS):
            name, _ = biller(row["provider_name"], row["price_provider"])
            self._all.add(name)
            self._by_family.setdefault(priced(row["model"], row["price_model"]).family, set()).add(name)

    def of(self, path: str, line: BilledLine) -> str:
        """Who bills a model; a product that is no model anybody knows is taken for a line without one ("")."""
        match = self._catalogue.resolve(None, "-".join(line.model.lower().split()))
        seller = match.provider_name if match else ""
        found = self._by_family.get(invoice_model(self._catalogue, seller, line.model).family, set())
        if len(found) > 1:
            raise ReadError(f"{path}: {line.model} is billed by {listing(sorted(found))} in the log", _HINT)
        if not found and not seller:
            line.model = "" if line.label == line.model else line.model
        return next(iter(found), seller)

    def only(self, file: InvoiceFile, named: Sequence[BilledLine]) -> str:
        """The one provider that lines without a known model can be about."""
        found = {line.provider_name for line in file.lines if line.provider_name} or self._all
        if all(line.category != "usage" for line in file.lines if not line.provider_name) and named:
            return Counter(line.provider_name for line in named).most_common(1)[0][0]
        if len(found) != 1:
            raise ReadError(f"{file.path}: some lines may be {listing(sorted(found))}'s", _HINT)
        return next(iter(found))
