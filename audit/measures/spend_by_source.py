"""Spend by ingested file."""

from audit.measures._spend import spend_by

MEASURE = spend_by(
    "by_source",
    "Source",
    "o.path",
    joins="JOIN source AS o ON o.source_id = r.source_id",
    place=70,
    unit="path",
)
