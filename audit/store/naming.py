"""What a request is called where people read it."""

REQUEST_NAME = "COALESCE(r.external_id, CONCAT('#', CAST(r.request_id AS VARCHAR)))"
"""SQL over `request AS r`: the id the log gave it, else its number in this audit file behind a `#`."""

RESPONSE_NAME = "COALESCE(r.response_id, r.external_id, CAST(r.identity AS VARCHAR))"
"""SQL over `request AS r`: what tells its answer from every other one, in this audit file and in the next."""
