"""Spend by what was billed: input, cache reads and writes, output, tools."""

from audit.measures import Column, Measure

MEASURE = Measure(
    name="by_kind",
    title="Spend by kind of token",
    query="""
WITH billed AS (
    SELECT sku_meter AS key, COUNT(*) AS charges, CAST(SUM(consumed_quantity) AS BIGINT) AS quantity,
           CAST(SUM(COALESCE(cost_pico, 0)) AS DECIMAL(38, 0)) AS cost_pico
    FROM charge WHERE estimated = FALSE GROUP BY sku_meter
),
total AS (SELECT SUM(cost_pico) AS cost_pico FROM billed)
SELECT b.key, b.charges, b.quantity, b.cost_pico,
       CASE WHEN t.cost_pico > 0 THEN CAST(b.cost_pico AS DOUBLE) / CAST(t.cost_pico AS DOUBLE) ELSE 0.0 END AS share
FROM billed AS b CROSS JOIN total AS t
ORDER BY b.cost_pico DESC, b.key
""",
    columns=(
        Column("key", "Kind", "text"),
        Column("charges", "Charges", "count"),
        Column("quantity", "Quantity", "tokens"),
        Column("cost_pico", "Spend", "pico"),
        Column("share", "Share", "share"),
    ),
    order=90,
    limit=20,
)
