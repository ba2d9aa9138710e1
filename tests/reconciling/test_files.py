"""Invoice files as people have them: other shapes of known formats, damaged, foreign, in other money, given twice."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from audit.errors import ConfigError, ReadError
from audit.invoices import _clouds as clouds
from audit.invoices._line_items import parse
from audit.reconciling import Reconciliation, reconciling
from audit.reconciling.names import model, priced
from tests.reconciling.conftest import Log, date
from tests.reconciling.writers import FORMATS, azure_cost, focus_csv, openai_api, openai_cost_csv, usd

GPT = "gpt-4.1-2025-04-14"


def check(log: Log, *paths: Path, **options: object) -> Reconciliation:
    return reconciling(log.store, paths, catalogue=log.catalogue, **options)  # type: ignore[arg-type]


def refused(log: Log, path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        check(log, path)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value.message


def test_a_foreign_table_is_refused_with_the_columns_seen(log: Log, tmp_path: Path) -> None:
    log.fill(days=1)
    path = tmp_path / "sales.csv"
    path.write_text("order,customer,price\n1,ACME,12.5\n")
    assert refused(log, path) == f"{path}: no invoice format has these columns: order, customer, price"
    path.write_text(json.dumps({"orders": [1, 2], "next": None}))
    assert refused(log, path) == f"{path}: no invoice format has these columns: orders, next"


def test_what_is_no_table_is_refused(log: Log, tmp_path: Path) -> None:
    log.fill(days=1)
    path = tmp_path / "invoice.pdf"
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)))
    assert "not a table or JSON" in refused(log, path)
    path.write_bytes(b"")
    assert "empty" in refused(log, path)
    assert "no such file" in refused(log, tmp_path / "nothing.csv")
    sheet = tmp_path / "invoice.xlsx"
    with zipfile.ZipFile(sheet, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    assert "a spreadsheet" in refused(log, sheet)
    sheet.write_bytes(sheet.read_bytes()[:40])
    assert "the file is damaged (corrupt zip" in refused(log, sheet)


def test_a_zip_with_a_flipped_byte_is_refused(log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    table = openai_cost_csv(tmp_path, log.sums("openai")).read_bytes()
    path = tmp_path / "usage.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", table)
    whole = path.read_bytes()
    for place in range(40, len(whole) - 120, 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        assert "the file is damaged (corrupt zip" in refused(log, path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("0.", "zero.", "which is not a number"),
        ("0.", "1;0.", "which is not a number"),
        ("17", "x17", "which is not a date"),
    ],
)
def test_a_damaged_cell_names_its_line_and_column(old: str, new: str, says: str, log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    path = openai_cost_csv(tmp_path, log.sums("openai"))
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace(old, new, 1)
    path.write_text("\n".join(lines))
    message = refused(log, path)
    assert re.match(rf"{re.escape(str(path))} line 3: (amount_value|start_time) is '", message)
    assert says in message


def test_a_table_that_is_cut_off_is_refused(log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    path = openai_cost_csv(tmp_path, log.sums("openai"))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:4], lines[4][: len(lines[4]) // 2]]))
    assert "cut off" in refused(log, path)
    document = openai_api(tmp_path, log.sums("openai"))
    document.write_text(document.read_text()[:-200])
    assert document.name in refused(log, document)
    packed = tmp_path / "costs.csv.gz"
    packed.write_bytes(gzip.compress(openai_cost_csv(tmp_path, log.sums("openai")).read_bytes())[:-30])
    assert "damaged" in refused(log, packed) or "cut off" in refused(log, packed)


def test_an_empty_answer_is_refused(log: Log, tmp_path: Path) -> None:
    log.fill(days=1)
    path = tmp_path / "costs.csv"
    path.write_text("start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item\n")
    assert "no charge and no usage" in refused(log, path)


def test_packed_tables_with_a_byte_order_mark_are_read(log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    path = openai_cost_csv(tmp_path, log.sums("openai"))
    packed = tmp_path / "costs.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")))
    assert check(log, packed).verdict == "reconciled"
    path.write_text(path.read_text(), encoding="utf-16")
    assert check(log, path).verdict == "reconciled"


def test_an_export_of_day_sums_is_compared_by_day(log: Log, tmp_path: Path) -> None:
    log.fill(days=4)
    path = tmp_path / "cost.csv"
    rows = ["start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,organization_id"]
    for day in range(4):
        pico = sum(each.cost_pico for each in log.usage if each.day == day)
        start = (20_500 + day) * 86_400
        rows.append(f"{start},{start + 86_400},{date(day)}T00:00:00,{date(day + 1)}T00:00:00,{usd(pico)},usd,,org-1")
    path.write_text("\n".join(rows))
    result = check(log, path)
    assert result.verdict == "reconciled"
    assert [(each.model, each.kind) for each in result.residuals] == [("", "all")] * 4


def test_line_items_that_are_no_tokens_stand_beside(log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    path = openai_cost_csv(tmp_path, log.sums("openai"))
    start = 20_501 * 86_400
    extra = f"{start},{start + 86_400},,,1.25,usd,,,Vector storage,,,\n{start},{start + 86_400},,,0.5,usd,,,"
    path.write_text(path.read_text() + extra + '"web search tool calls",,,\n')
    result = check(log, path)
    assert [(each.category, each.label, each.pico) for each in result.beside] == [
        ("other", "Vector storage", 1_250_000_000_000)
    ]
    assert {cause.name: cause.pico for cause in result.causes} == {"unlogged_traffic": 500_000_000_000}


def test_other_money_needs_a_rate(log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    path = openai_cost_csv(tmp_path, log.sums("openai"), Decimal("0.8"))
    path.write_text(path.read_text().replace(",usd,", ",eur,"))
    with pytest.raises(ConfigError, match="bills in EUR, not USD") as caught:
        check(log, path)
    assert caught.value.hint == "say what one EUR is in USD: --rate EUR=1.08"
    result = check(log, path, rates={"EUR": Decimal("1.25")})
    assert result.verdict == "reconciled"
    assert result.invoices[0].currencies == ("EUR",)


def test_one_file_twice_counts_once(log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    path = openai_cost_csv(tmp_path, log.sums("openai"))
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())
    result = check(log, path, copy)
    assert result.verdict == "reconciled"
    assert any("count once" in note for note in result.notes)


def test_two_halves_of_a_month_add_up(log: Log, tmp_path: Path) -> None:
    log.fill(days=6)
    sums = log.sums("openai")
    first = openai_cost_csv(tmp_path, {key: value for key, value in sums.items() if key[0] < 3})
    first = first.rename(tmp_path / "first.csv")
    second = openai_cost_csv(tmp_path, {key: value for key, value in sums.items() if key[0] >= 3})
    assert check(log, first, second).verdict == "reconciled"


def test_two_formats_of_one_bill_are_refused(log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    sums = log.sums("openai")
    with pytest.raises(ConfigError, match="both bill openai on 2026-02-16"):
        check(log, openai_cost_csv(tmp_path, sums), focus_csv(tmp_path, sums))


def test_a_first_page_alone_is_said_to_be_incomplete(log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    path = openai_api(tmp_path, log.sums("openai"))
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "has_more": True, "next_page": "p2"}))
    assert any("more pages follow" in note for note in check(log, path).notes)
    buckets = document["data"]
    pages = [{**document, "data": buckets[:2], "has_more": True}, {**document, "data": buckets[2:]}]
    path.write_text("\n".join(json.dumps(page) for page in pages))
    result = check(log, path)
    assert result.verdict == "reconciled"
    assert not result.notes


def test_buckets_without_their_page_are_read(log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    path = openai_api(tmp_path, log.sums("openai"))
    path.write_text(json.dumps(json.loads(path.read_text())["data"]))
    assert check(log, path).verdict == "reconciled"


def test_a_bill_without_models_says_what_it_bills(log: Log, tmp_path: Path) -> None:
    log.fill(days=3)
    path = azure_cost(tmp_path, {(0, "gpt-4o", "input", "standard"): (1000, 1000)})
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "Cognitive" not in line))
    assert refused(log, path) == "no line of these invoices is about a language model; they bill Storage"


def test_other_services_and_tax_of_a_cloud_bill_stand_beside(log: Log, tmp_path: Path) -> None:
    form = FORMATS["aws_cur"]
    for day in range(3):
        log.call(day, form.models[0], provider="aws", input=10**6, output=10**5)
    result = check(log, form.write(tmp_path, log.sums("aws")))
    assert result.verdict == "reconciled"
    assert {(each.category, each.pico // 10**10) for each in result.beside} == {("other", 7500), ("tax", 310)}


def test_discount_lines_of_the_second_cur_are_a_contract(log: Log, tmp_path: Path) -> None:
    name = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    rows = [
        "line_item_usage_start_date,line_item_usage_end_date,line_item_line_item_type,line_item_usage_type,"
        "line_item_usage_amount,pricing_unit,line_item_unblended_cost,line_item_currency_code,product_product_name"
    ]
    for day in range(3):
        log.call(day, name, provider="aws", input=10**6 + day)
        [(quantity, pico)] = log.sums("aws", day=day).values()
        head = f"{date(day)} 00:00:00.000,{date(day)} 01:00:00.000"
        tail = "USD,Claude Sonnet 4.5 (Amazon Bedrock Edition)"
        usage_type = "USE1-MP:USE1_InputTokenCount-Units"
        rows.append(f"{head},Usage,{usage_type},{Decimal(quantity) / 10**6},Units,{usd(pico)},{tail}")
        rows.append(f"{head},PrivateRateDiscount,{usage_type},0,,-{usd(pico // 5)},{tail}")
    path = tmp_path / "cur2.csv"
    path.write_text("\n".join(rows))
    result = check(log, path)
    # the size of a unit is not told: the price says that it is a million tokens
    assert [each.billed_quantity for each in result.residuals] == [10**6, 10**6 + 1, 10**6 + 2]
    assert [cause.name for cause in result.causes] == ["contract_price"]
    assert [each.discount_percent for each in result.contracts] == [20.0]


def test_the_console_table_of_google_counts_pacific_days(log: Log, tmp_path: Path) -> None:
    rows = [
        "Invoice date,2026-03-01", "Billing account,0X-1", "",
        "Date,Service description,Service ID,SKU description,SKU ID,Usage amount,Usage unit,List cost ($),"
        "Negotiated savings ($),Unrounded subtotal ($),Subtotal ($)",
    ]  # fmt: skip
    for day in range(3):
        for hour, pacific in ((3.0, day - 1), (20.0, day)):
            log.call(day, "gemini-2.5-flash", provider="google", hour=hour, output=622_403 + day)
            pico = log.usage[-1].cost_pico
            rows.append(
                f"{date(pacific)},Gemini API,AEFD,Generate content output token count gemini 2.5 flash short input "
                f'text,911A,"{622_403 + day:,}",count,0,0.00,{usd(pico)},{Decimal(pico) / 10**12:.2f}'
            )
    rows.append(f"{date(1)},Cloud Storage,95FF,Standard Storage US,E5F0,12,gibibyte month,1,0.00,1.00,1.00")
    rows.append(",,,,,,,,,Total,9.99")
    path = tmp_path / "gcp.csv"
    path.write_text("\n".join(rows).replace(",Total,9.99", ",9.99,9.99"), encoding="utf-8")
    result = check(log, path)
    assert result.verdict == "reconciled"
    assert [each.kind for each in result.residuals] == ["output"] * 4
    assert all(each.billed_quantity == each.logged_quantity for each in result.residuals)
    assert "Pacific" in result.providers[0].time_zone


def test_euro_headers_are_seen(log: Log, tmp_path: Path) -> None:
    log.call(0, "gemini-2.5-flash", provider="google", input=10**6)
    path = tmp_path / "gcp.csv"
    path.write_text(
        "Date,Service description,SKU description,Usage amount,Usage unit,Cost (€),Subtotal (€)\n"
        f'{date(0)},Vertex AI,Gemini 2.5 Flash GA Text Input - Predictions,"1,000,000",count,"0.30",0.30\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match="bills in EUR"):
        check(log, path)
    assert check(log, path, rates={"EUR": Decimal(1)}).verdict == "reconciled"


def test_days_in_the_exports_own_offset(log: Log, tmp_path: Path) -> None:
    rows = ["user_id,start_time_iso,end_time_iso,model,wallet_type,cost,currency"]
    for day in range(3):
        # 20:00 UTC is the next day in China
        log.call(day, "deepseek-chat", provider="deepseek", hour=20.0, input=10**6 + day)
        rows.append(
            f"u,{date(day + 1)}T00:00:00+08:00,{date(day + 2)}T00:00:00+08:00,deepseek-chat,Paid,"
            f"{usd(log.usage[-1].cost_pico)},USD"
        )
    path = tmp_path / "cost-2026-2.csv"
    path.write_text("\n".join(rows))
    result = check(log, path)
    assert (result.verdict, result.residual_pico) == ("reconciled", 0)
    assert result.first_day == 20_501


def test_a_monthly_line_is_held_against_the_whole_span(log: Log, tmp_path: Path) -> None:
    log.fill(days=6)
    path = tmp_path / "month.csv"
    pico = sum(each.cost_pico for each in log.usage)

    def write(last: int, dollars: str) -> Path:
        path.write_text(
            "BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ProviderName,ChargeDescription\n"
            f"{dollars},USD,{date(0)}T00:00:00Z,{date(last)}T00:00:00Z,Usage,OpenAI,\n"
        )
        return path

    assert check(log, write(6, usd(pico))).verdict == "reconciled"
    longer = check(log, write(12, usd(2 * pico)))
    assert [(cause.name, cause.estimated) for cause in longer.causes] == [("missing_log_days", True)]
    assert longer.verdict == "explained"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("gpt-4o-2024-08-06, input", ("gpt-4o-2024-08-06", "input", "")),
        ("gpt-4o-mini-2024-07-18, cached input", ("gpt-4o-mini-2024-07-18", "cache_read", "")),
        ("priority | gpt-5.6-sol, output, long context", ("gpt-5.6-sol", "output", "priority")),
        ("flex | gpt-5-mini-2025-08-07, input", ("gpt-5-mini-2025-08-07", "input", "flex")),
        ("gpt-5.6-sol, cache writes", ("gpt-5.6-sol", "cache_write_5m", "")),
        ("gpt-audio-mini-2025-12-15 audio, input", ("gpt-audio-mini-2025-12-15", "input_audio", "")),
        ("gpt-image-2.5-flare image, output", ("gpt-image-2.5-flare", "output_image", "")),
        ("ft-gpt-4o-2024-08-06, Output", ("ft-gpt-4o-2024-08-06", "output", "")),
        ("web search tool calls", ("", "web_search", "")),
        ("assistants api | file search", ("", "file_search", "")),
        ("Vector storage", ("", "", "")),
    ],
)
def test_line_items(item: str, expected: tuple[str, str, str]) -> None:
    assert tuple(parse(item)) == expected


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (clouds.aws("Claude Sonnet 4.5 (Amazon Bedrock Edition)", "USW2-MP:USW2_CacheReadInputTokenCount_Global-Units"),
         ("Claude Sonnet 4.5", "cache_read", "")),
        (clouds.aws("Claude Opus 4.7 (Amazon Bedrock Edition)", "USW2-MP:USW2_cache_write_tokens_1h_standard-Units"),
         ("Claude Opus 4.7", "cache_write_1h", "")),
        (clouds.aws("Amazon Bedrock", "USE1-Nova2.0Lite-input-tokens-cross-region-global-batch"),
         ("Nova-2.0-Lite", "input", "batch")),
        (clouds.aws("Amazon Bedrock", "USE1-Claude4.6Sonnet-output-tokens"), ("Claude-4.6-Sonnet", "output", "")),
        (clouds.azure("Azure OpenAI", "gpt 4o mini 0718 cached Inp glbl"), ("gpt-4o-mini-0718", "cache_read", "")),
        (clouds.azure("Foundry Models", "GPT 5 Batch Outp Glbl 1M Tokens"), ("gpt-5", "output", "batch")),
        (clouds.azure("Azure OpenAI", "text-embedding-3-small Tokens"), ("text-embedding-3-small", "input", "")),
        (clouds.google("Vertex AI", "Gemini 2.5 Flash GA Thinking Text Output - Predictions"),
         ("gemini-2.5-flash", "output", "")),
        (clouds.google("Gemini API", "Generate content cached input token count gemini 2.5 flash input short text"),
         ("gemini-2.5-flash", "cache_read", "")),
        (clouds.google("Vertex AI", "Gemini 3 Flash Image Input Caching Priority"),
         ("gemini-3-flash", "cache_read_image", "priority")),
        (clouds.google("Gemini API", "Generate_content image output token count for Gemini 3 Pro Image"),
         ("gemini-3-pro-image", "output_image", "")),
    ],
)  # fmt: skip
def test_words_of_the_clouds(described: clouds.Described, expected: tuple[str, str, str]) -> None:
    assert described.is_model
    assert (described.model, described.sku_meter, described.service_tier) == expected


@pytest.mark.parametrize(
    "described",
    [
        clouds.aws("Amazon Elastic Compute Cloud", "BoxUsage:t3"),
        clouds.aws("Amazon Bedrock", "USE1-ProvisionedThroughput-Claude"),
        clouds.azure("Cognitive Services", "S1 Speech To Text", "Azure Speech"),
        clouds.azure("Azure OpenAI", "gpt-4-8K PTU Inp Gl Tokens"),
        clouds.google("Vertex AI", "Gemini 3 Flash Text Input Caching Storage"),
        clouds.google("Cloud Logging", "Log Storage cost"),
    ],
)
def test_what_no_request_log_holds(described: clouds.Described) -> None:
    assert not described.is_model


@pytest.mark.parametrize(
    "names",
    [
        ("Claude Haiku 4.5", "claude-haiku-4-5-20251001", "us.anthropic.claude-haiku-4-5-20251001-v1:0",
         "claude-haiku-4-5@20251001", "anthropic/claude-haiku-4.5"),
        ("Claude 3.5 Sonnet v2", "anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet-latest"),
        ("gpt-4o-0806", "gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("gpt-35-turbo", "gpt-3.5-turbo-0125"),
        ("Nova-2.0-Lite", "amazon.nova-2-lite-v1:0"),
        ("Llama4-Maverick-17B", "us.meta.llama4-maverick-17b-instruct-v1:0"),
        ("ft-gpt-4o-2024-08-06", "ft:gpt-4o-2024-08-06:org::id"),
    ],
)  # fmt: skip
def test_one_model_under_many_names(names: tuple[str, ...]) -> None:
    assert len({model(name).family for name in names}) == 1


def test_different_models_stay_apart() -> None:
    names = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4", "o3", "o3-mini", "ft:gpt-4o:x"]
    names += ["claude-opus-5", "claude-opus-5-5", "claude-opus-4-5", "gemini-2.5-flash", "gemini-2.5-flash-lite"]
    assert len({model(name).family for name in names}) == len(names)
    assert priced("my-deployment", "gpt-4o").family == "gpt-4o"
