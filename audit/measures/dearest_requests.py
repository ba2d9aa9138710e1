"""The dearest single requests."""

from audit.measures import Column, Measure
from audit.store.naming import REQUEST_NAME

MEASURE = Measure(
    name="dearest_requests",
    title="Dearest requests",
    query=f"""
SELECT {REQUEST_NAME} AS key,
       COALESCE(w.name, '(none)') AS workflow,
       COALESCE(r.response_model, r.request_model, 'unknown') AS model, COALESCE(r.input_tokens, 0) AS input_tokens,
       COALESCE(r.output_tokens, 0) AS output_tokens, CAST(c.cost_pico AS DECIMAL(38, 0)) AS cost_pico
FROM request AS r
JOIN request_cost AS c ON c.request_id = r.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status = 'billable'
ORDER BY c.cost_pico DESC, r.request_id LIMIT 10
""",
    columns=(
        Column("key", "Request", "text"),
        Column("workflow", "Workflow", "text"),
        Column("model", "Model", "text"),
        Column("input_tokens", "Input tokens", "tokens"),
        Column("output_tokens", "Output tokens", "tokens"),
        Column("cost_pico", "Cost", "pico"),
    ),
    order=140,
    limit=10,
)
