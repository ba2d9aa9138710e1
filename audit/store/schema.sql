-- The audit file. One version number: a table or column added here raises it, and older
-- files get what they lack when they are opened (store/migrations.py).
-- Hashes are signed BIGINT made in Python (audit.hashes). Times are UTC epoch microseconds (_us),
-- days are days since 1970-01-01 (UTC), money is integer pico-USD (_pico, 1e-12 USD), durations are seconds.

CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR);

-- one ingested file (or stream)
CREATE TABLE source (
    source_id INTEGER PRIMARY KEY,
    path VARCHAR,               -- as the user named it
    place VARCHAR,              -- where that file was, whole, so that pictures are found from any folder; never shown
    beside VARCHAR,             -- the same from the folder of the audit file, for when both are moved
    content_hash VARCHAR,       -- BLAKE2b-128 of the bytes, hex; a file known by it is not read again
    bytes BIGINT,
    modified_ns BIGINT,         -- the file's time of change when it was read; NULL for streams
    lines BIGINT,               -- whole lines of a file that is read on from there when it grows; NULL for others
    edges VARCHAR,              -- hash of its first and last 64 kB
    readers VARCHAR,            -- JSON {reader name: records}
    records BIGINT,             -- records seen
    accepted BIGINT,            -- calls taken
    skipped BIGINT,             -- understood and rightly not calls
    rejected BIGINT,
    duplicates BIGINT,          -- calls already known
    ingested_at_us BIGINT
);

-- one model call
CREATE TABLE request (
    request_id BIGINT,          -- dense, in order of ingestion
    source_id INTEGER,
    line BIGINT,                -- 1-based line or record number in the source
    reader VARCHAR,
    system VARCHAR,             -- what wrote the record (litellm, helicone, openai, …)
    identity BIGINT,            -- hash of (emitting system, native id) or of the whole record
    record_rank BIGINT,         -- of two records of one identity the one with the larger rank counts
    external_id VARCHAR,        -- the native id, else the provider's response id
    response_id VARCHAR,
    status VARCHAR,             -- billable | failed | gateway_cache_hit | not_billable
    error_type VARCHAR,
    operation_name VARCHAR,
    provider_name VARCHAR,      -- as logged, lower case
    request_model VARCHAR,      -- as logged
    response_model VARCHAR,     -- as logged; the model that is billed
    price_provider VARCHAR,     -- resolved against the price table; NULL = unpriced
    price_model VARCHAR,
    organization VARCHAR,
    api_key_hash VARCHAR,
    service_tier VARCHAR,       -- of the response; batch from the container
    prompt_key BIGINT,          -- model + messages + tools + format + decoding parameters; NULL without full text
    normalised_key BIGINT,      -- the same with case, white space and Unicode form folded in user text
    question_key BIGINT,        -- hash of the input segments alone: the same question, whatever model and parameters
    parameters VARCHAR,         -- JSON, canonical
    request_max_tokens BIGINT,
    request_temperature DOUBLE,
    request_stream BOOLEAN,
    reasoning_effort VARCHAR,
    started_at_us BIGINT,
    day INTEGER,
    duration DOUBLE,
    time_to_first_chunk DOUBLE,
    finish_reason VARCHAR,
    input_tokens BIGINT,                -- inclusive of cache reads and writes
    cache_read_input_tokens BIGINT,     -- NULL where the record cannot tell
    cache_write_5m_input_tokens BIGINT,
    cache_write_1h_input_tokens BIGINT,
    output_tokens BIGINT,               -- inclusive of reasoning
    reasoning_output_tokens BIGINT,
    usage_source VARCHAR,       -- logged | estimated (tokenizer) | unknown
    token_convention VARCHAR,   -- inclusive | exclusive | disjoint | unknown, as recognised in the record
    logged_cost_pico BIGINT,
    logged_cost_billed BOOLEAN, -- the emitter is the biller: its cost beats the price table
    text_status VARCHAR,        -- full | truncated | redacted | hashed (pieces are named, not told) | absent
    output_hash BIGINT,         -- hash of the answer's segments; NULL without text
    output_normalised_hash BIGINT,
    conversation_id VARCHAR,
    trace_id VARCHAR,
    parent_id VARCHAR,
    prompt_template VARCHAR,
    outcome VARCHAR,            -- explicit outcome or feedback field, if any
    user_id VARCHAR,
    team VARCHAR,
    feature VARCHAR,
    environment VARCHAR,
    tags VARCHAR,               -- JSON
    sample_rate DOUBLE,         -- share of the traffic this log says it holds; NULL = all
    flags VARCHAR,              -- JSON list of doubts about this record
    workflow_id BIGINT,
    task_kind VARCHAR
);

-- one piece of a prompt or answer, in the order the model sees it
CREATE TABLE segment (
    request_id BIGINT,
    position INTEGER,
    direction VARCHAR,          -- input | output
    role VARCHAR,
    kind VARCHAR,               -- system, tools, user, history, tool_result, media, answer, tool_call, reasoning
    content_hash BIGINT,
    chain_hash BIGINT,          -- H(chain_hash of the previous segment, role, content_hash); input only
    tokens INTEGER,             -- of the text by the tokenizer
    cache_breakpoint BOOLEAN,
    cache_ttl VARCHAR
);

-- each distinct text once
CREATE TABLE content (
    content_hash BIGINT,
    text VARCHAR USING COMPRESSION zstd,   -- NULL when dropped for privacy
    normalised_hash BIGINT,
    characters BIGINT,          -- of the original, also where text is dropped
    tokens INTEGER
);

-- pictures of prompts that were asked again, fetched from the log for it; without content where they were not found
CREATE TABLE media (
    digest VARCHAR,             -- as in the placeholder that stands for it in a text
    media_type VARCHAR,
    data VARCHAR USING COMPRESSION zstd,   -- base64
    url VARCHAR,
    detail VARCHAR              -- low, high, auto, original; NULL = not said
);

-- a billed quantity; the parts of one request never overlap
CREATE TABLE charge (
    charge_id BIGINT,           -- NULL for rows a lever adds
    request_id BIGINT,
    position INTEGER,           -- NULL = the whole request
    sku_meter VARCHAR,          -- input, cache_read, cache_write_5m, cache_write_1h, output, web_search, …, billed_adjustment
    provider_name VARCHAR,      -- of the price row; NULL = unpriced
    model VARCHAR,
    service_tier VARCHAR,
    consumed_quantity BIGINT,
    estimated BOOLEAN,          -- the quantity comes from the tokenizer, not from the log
    unit_price_pico BIGINT,     -- NULL = no price
    cost_pico BIGINT,
    tier_fallback BOOLEAN       -- the tier had no price row and the standard one was used
);

-- what one request costs: logged usage and estimated usage never mixed; unpriced = some quantity has no price,
-- and no cost of the whole request was reported in its place
CREATE VIEW request_cost AS
SELECT request_id,
       CAST(SUM(CASE WHEN estimated THEN 0 ELSE COALESCE(cost_pico, 0) END) AS BIGINT) AS cost_pico,
       CAST(SUM(CASE WHEN estimated THEN COALESCE(cost_pico, 0) ELSE 0 END) AS BIGINT) AS estimated_cost_pico,
       CASE WHEN MAX(CASE WHEN sku_meter = 'billed_adjustment' THEN 1 ELSE 0 END) = 1 THEN 0
            ELSE MAX(CASE WHEN cost_pico IS NULL AND consumed_quantity > 0 THEN 1 ELSE 0 END) END AS unpriced
FROM charge GROUP BY request_id;

-- dated price rows of the snapshot in use
CREATE TABLE price (
    provider_name VARCHAR, model VARCHAR, sku_meter VARCHAR, service_tier VARCHAR,
    valid_from_us BIGINT, valid_to_us BIGINT,       -- [from, to)
    week_from_us BIGINT, week_to_us BIGINT,         -- part of the week it holds for (peak hours)
    input_threshold BIGINT, input_ceiling BIGINT,   -- for requests with more than, and at most, this many input tokens
    unit_price_pico BIGINT,                         -- after contracts
    list_unit_price_pico BIGINT,
    inferred BOOLEAN,                               -- the provider does not list this tier; never offered as a choice
    source VARCHAR, checked_on VARCHAR
);

-- how provider prompt caches behave for the models in use, dated
CREATE TABLE cache_rule (
    provider_name VARCHAR, model VARCHAR,
    valid_from_us BIGINT, valid_to_us BIGINT,
    min_tokens BIGINT, step BIGINT,
    match VARCHAR,              -- longest_prefix | exact_breakpoint | breakpoints
    ttl_s BIGINT, ttl_long_s BIGINT, sliding BOOLEAN,
    max_breakpoints INTEGER, lookback INTEGER, write_premium BOOLEAN, reliability DOUBLE,
    batch_stack VARCHAR,        -- multiply | max | none
    source VARCHAR
);

-- what one kind of request is for
CREATE TABLE workflow (
    workflow_id BIGINT,
    name VARCHAR,
    origin VARCHAR,             -- tag | template | prompt | opening (of messages without instructions)
                                -- | pattern (instructions filled in differently)
    task_kind VARCHAR,
    kind_confidence DOUBLE,     -- share of votes
    difficulty DOUBLE,
    title VARCHAR,              -- first words of the masked system prompt, for people
    ending VARCHAR,             -- its last words
    shape BIGINT                -- hash of what else tells prompts apart: tools, answer format
);

-- what `[workflows]` changed, so that it can be changed back: names given, requests moved to another workflow
CREATE TABLE renamed_workflow (workflow_id BIGINT, mined_name VARCHAR);
CREATE TABLE merged_request (request_id BIGINT, mined_workflow_id BIGINT);

-- a question and an earlier one that resembles it, each by the first request that asked it; of exact repetitions a sample
CREATE TABLE pair (
    request_id BIGINT, neighbour_id BIGINT, similarity DOUBLE,
    method VARCHAR,             -- exact | near (shared words) | reworded (a word differs) | semantic (meaning)
    agree BOOLEAN,              -- do the logged answers agree; NULL = not compared, or only a judge could tell
    reason VARCHAR              -- NULL = not compared
);

-- a request whose prompt or answer is far longer than its kind's
CREATE TABLE outlier (
    request_id BIGINT, workflow_id BIGINT, model VARCHAR,
    meter VARCHAR,              -- input | output
    tokens BIGINT, median DOUBLE, z DOUBLE,
    excess_tokens BIGINT, excess_cost_pico BIGINT,
    listed BOOLEAN,             -- false: under 0.1 % of the workflow's dollars, counted but not shown
    cause VARCHAR               -- truncated | loop | repeated_text | encoded_data | history | one_user | long_message |
                                -- long_context | long_instructions | long_tool_definitions | long_examples | unknown
);

-- a drawn unit (a distinct prompt key) with its inclusion probability
CREATE TABLE sample (
    seed BIGINT, prompt_key BIGINT, request_id BIGINT, workflow_id BIGINT, model VARCHAR, size_band INTEGER,
    stratum VARCHAR, inclusion_probability DOUBLE, requests BIGINT, cost_pico BIGINT, cluster VARCHAR,
    batch INTEGER, drawn_at_us BIGINT
);

-- one answer of one candidate to one drawn unit; the journal that makes an interrupted replay resumable
CREATE TABLE replay (
    replay_id BIGINT,
    prompt_key BIGINT,
    request_id BIGINT,          -- the representative that was replayed
    workflow_id BIGINT,
    current_model VARCHAR,
    endpoint VARCHAR, model VARCHAR, variant VARCHAR,
    attempt INTEGER,            -- 1 + answers to the same call before: what was asked again; verdicts rest on 1; NULL = 1
    status VARCHAR,             -- ok | failed
    error VARCHAR,
    text VARCHAR USING COMPRESSION zstd,
    tool_calls VARCHAR,         -- JSON [{name, arguments}]
    finish_reason VARCHAR,
    response_model VARCHAR, response_id VARCHAR,
    input_tokens BIGINT, cache_read_input_tokens BIGINT, cache_write_input_tokens BIGINT,
    output_tokens BIGINT, reasoning_output_tokens BIGINT,
    cost_pico BIGINT,           -- at the standard price; NULL = not priced
    output_cost_pico BIGINT,    -- of it: for the answer
    duration DOUBLE, time_to_first_chunk DOUBLE,    -- NULL = not measured (batches; no stream)
    lossy VARCHAR,              -- JSON list of what could not be carried over faithfully
    origin VARCHAR,             -- live | local | recorded | observed
    started_at_us BIGINT,
    billed_pico BIGINT          -- what was paid where cost_pico, the standard price, was not: batches; NULL = cost_pico
);

-- runs that spend money, with what a killed one may have been billed for without a row in `replay` or `judgement`
CREATE TABLE replay_run (
    run_id BIGINT, started_at_us BIGINT, set_aside_pico BIGINT,
    command VARCHAR             -- replay | judge; NULL = replay
);

-- requests handed over to a provider's Batch API under a name of our own (tag), collected later
CREATE TABLE replay_batch (
    tag VARCHAR, endpoint VARCHAR,
    flavour VARCHAR,            -- API of the requests: a client's name
    model VARCHAR,
    status VARCHAR,             -- submitting | open | collected
    batch_id VARCHAR,           -- the provider's; NULL = not known (yet)
    requests BIGINT,
    rates VARCHAR,              -- JSON {standard, billed}: prices by meter at the time of submission; NULL = no price
    submitted_at_us BIGINT, collected_at_us BIGINT
);

CREATE TABLE replay_batch_entry (
    tag VARCHAR, custom_id VARCHAR, prompt_key BIGINT, request_id BIGINT, workflow_id BIGINT,
    current_model VARCHAR, model VARCHAR, variant VARCHAR, lossy VARCHAR,
    originals VARCHAR,          -- JSON of placeholders and what they stand for; NULL = nothing was hidden
    worst_pico BIGINT           -- most it can be billed; set aside until the batch is collected
);

-- a scorer's or judge's verdict on a replayed answer
CREATE TABLE score (
    replay_id BIGINT, scorer VARCHAR, scorer_version VARCHAR,
    score DOUBLE, passed BOOLEAN,   -- NULL = needs a judge or a person
    reason VARCHAR, task_kind VARCHAR, scored_at_us BIGINT,
    doubtful BOOLEAN            -- a program's fail that a judge or a person may overrule; NULL = no
);

-- one answer of a judge about one replayed answer, or about a planted one (canary); what was asked is never paid twice
CREATE TABLE judgement (
    judgement_id BIGINT,
    judge VARCHAR,              -- ENDPOINT/MODEL as named
    protocol VARCHAR,           -- version of the instructions and the hash of the rubric
    replay_id BIGINT,           -- NULL for a canary
    canary VARCHAR,             -- same | other | number | injected; NULL = a real candidate answer
    request_id BIGINT, workflow_id BIGINT, task_kind VARCHAR,
    candidate_first BOOLEAN,
    status VARCHAR,             -- ok | failed
    error VARCHAR,
    verdict VARCHAR,            -- better | equal | acceptable_but_worse | unacceptable; NULL = no verdict could be read
    text VARCHAR USING COMPRESSION zstd,    -- as the judge wrote it
    response_model VARCHAR, input_tokens BIGINT, output_tokens BIGINT,
    cost_pico BIGINT,           -- NULL = not priced
    judged_at_us BIGINT
);

-- an answer drawn for people to rate: the second phase of the sample
CREATE TABLE review_item (
    review VARCHAR,             -- names the draw: what the exported page and its ratings belong to
    item VARCHAR,               -- opaque, so that a reader of the page learns nothing from it
    replay_id BIGINT,           -- NULL = the logged answer alone
    request_id BIGINT, workflow_id BIGINT,
    said VARCHAR,               -- what scorers and judges said when it was drawn: passed | failed | doubtful | open | logged
    inclusion_probability DOUBLE,   -- chance to be drawn for rating, given that it was replayed (or logged)
    candidate_first BOOLEAN,    -- which of the two answers stands first on the page
    twice BOOLEAN,              -- to be rated by a second person as well
    seed BIGINT, drawn_at_us BIGINT
);

-- a person's verdict on one answer; of several by one rater on one item the latest counts
CREATE TABLE rating (
    replay_id BIGINT,           -- NULL = the logged answer
    rater VARCHAR,
    verdict VARCHAR,            -- better | equal | acceptable_but_worse | unacceptable; logged answers: acceptable | unacceptable
    note VARCHAR,
    phase VARCHAR,              -- two_phase = drawn by `audit review`; NULL = came otherwise and speaks for itself alone
    rated_at_us BIGINT,
    item VARCHAR, request_id BIGINT,
    event_id BIGINT             -- the event whose digest covers this row
);

-- whether a candidate may take over a workflow
CREATE TABLE verdict (
    workflow_id BIGINT, current_model VARCHAR, endpoint VARCHAR, model VARCHAR, variant VARCHAR,
    n BIGINT, n_effective DOUBLE,
    acceptable DOUBLE, interval_low DOUBLE, interval_high DOUBLE,               -- share of requests, 90 %
    prompts_acceptable DOUBLE, prompts_low DOUBLE, prompts_high DOUBLE,         -- of distinct prompts
    dollars_acceptable DOUBLE, dollars_low DOUBLE, dollars_high DOUBLE,         -- of what today's model costs
    loss DOUBLE, loss_low DOUBLE, loss_high DOUBLE, alpha DOUBLE, delta DOUBLE,
    floor DOUBLE, floor_n BIGINT,   -- NULL = not measured
    undecided BIGINT,               -- answers that need a judge or a person
    cost_ratio DOUBLE,              -- candidate cost / current cost on the replayed units
    input_ratio DOUBLE, output_ratio DOUBLE,
    current_cost_pico BIGINT, candidate_cost_pico BIGINT,
    p50_duration DOUBLE, p95_duration DOUBLE, failed BIGINT,
    verdict VARCHAR, n_more BIGINT, reason VARCHAR, decided_at_us BIGINT,
    rated BIGINT, judged BIGINT,    -- answers people rated, and answers only a judge decided
    judge VARCHAR,              -- who judged; NULL = nobody
    refused BIGINT, current_refused BIGINT,     -- of the answers compared: refusals of the candidate, and in the log
    error_share DOUBLE, current_error_share DOUBLE, -- prompts without an answer of the candidate; failed calls in the log
    latency_limit DOUBLE,       -- p95 seconds stated in the configuration; NULL = none
    tried BIGINT,               -- workflow × candidate pairs the error is shared by
    first_chunk_n BIGINT,       -- answers that came as a stream: what the candidate's first chunks are timed on
    p50_first_chunk DOUBLE, p95_first_chunk DOUBLE,
    current_first_chunk_n BIGINT,   -- of those, prompts whose first chunk the log timed as well
    current_p50_first_chunk DOUBLE, current_p95_first_chunk DOUBLE,
    first_chunk_limit DOUBLE,   -- p95 seconds stated in the configuration; NULL = none
    duration_n BIGINT,          -- answers with a time: what the durations are of
    doubtful BIGINT,            -- answers programs failed with doubt
    doubtful_judged BIGINT, doubtful_rated BIGINT,  -- of those: only a judge decided, people rated
    doubtful_accepted BIGINT    -- of those: a judge or people accepted
);

-- a way to send a part of a workflow to a candidate that may not take the whole: every one that was tried, and what came of it
CREATE TABLE policy (
    workflow_id BIGINT, current_model VARCHAR, endpoint VARCHAR, model VARCHAR,
    step VARCHAR,               -- rule | router | cascade, from simple to involved
    name VARCHAR,               -- which rule, kind of router, or check of a cascade
    outcome VARCHAR,            -- offered | beaten (by a simpler one or by one that saves more) | not_certified | vetoed | untested
    reason VARCHAR,
    alpha DOUBLE, delta DOUBLE, -- delta: the part of the family's error this policy may use
    tried BIGINT,               -- policies that share the error of this workflow and candidate
    thresholds BIGINT,          -- parts tested in a fixed sequence
    n BIGINT,                   -- independent units the certificate rests on
    routed DOUBLE,              -- share of the requests the candidate would answer in the end
    moved DOUBLE,               -- share of the dollars that no longer goes to today's model
    asked DOUBLE,               -- share of the dollars of requests that pay the candidate
    loss DOUBLE, loss_high DOUBLE,  -- of all requests of the workflow, routed or not
    loss_routed DOUBLE,         -- of the routed ones
    saving DOUBLE,              -- share of the workflow's dollars: moved - asked * cost_ratio
    saving_error DOUBLE,        -- its standard error
    cost_ratio DOUBLE,          -- candidate cost / current cost of what it is asked
    fallback DOUBLE,            -- cascade: share of requests asked twice
    break_even DOUBLE,          -- cascade: share of dollars paid twice from which nothing is saved
    p50_duration DOUBLE, p95_duration DOUBLE,
    max_input_tokens BIGINT,    -- where length alone tells, as logged for today's model
    apply VARCHAR,              -- JSON: all that is needed to run it; NULL = not offered
    measures VARCHAR,           -- JSON: gap recovered by a router (pgr, apgr, apgr_dollars, cpt50, cpt80)
    decided_at_us BIGINT,
    duration_n BIGINT,          -- answers with a time: what the durations are of
    first_chunk_n BIGINT,       -- answers with a time until something of them can be shown
    p50_first_chunk DOUBLE, p95_first_chunk DOUBLE
);

-- what asking a drawn prompt means under what is certified of its workflow: the whole, or the part on offer
CREATE TABLE priced_unit (
    workflow_id BIGINT, current_model VARCHAR, endpoint VARCHAR, model VARCHAR,
    prompt_key BIGINT,
    weight DOUBLE,              -- prompts of the log it stands for
    included DOUBLE,            -- chance to be in the sample; 0 = nobody drew it
    stratum VARCHAR, cluster VARCHAR,
    asked INTEGER,              -- 1 = the candidate is asked
    kept INTEGER,               -- 1 = and its answer is kept, so that today's model is not asked
    cost_ratio DOUBLE,          -- what asking the candidate costs over what today's model does
    output_ratio DOUBLE         -- of it: for the answer; NULL = not known
);

-- what could not be used, and why
CREATE TABLE reject (
    source_id INTEGER, line BIGINT, byte_offset BIGINT, reason VARCHAR, detail VARCHAR, excerpt VARCHAR
);

-- records that were not counted: known before, or seen by two systems
CREATE TABLE duplicate_record (
    source_id INTEGER, line BIGINT, request_id BIGINT, reason VARCHAR  -- same_identity | changed_record | cross_source_duplicate
);

-- what was run, when, with which version and settings; each row's hash covers the row before it
CREATE TABLE event (
    event_id BIGINT, at_us BIGINT, command VARCHAR, version VARCHAR, settings VARCHAR, outcome VARCHAR,
    previous_hash VARCHAR, hash VARCHAR
);

-- what the last reconciliation read from invoices; lines that differ only in their amount are added up
CREATE TABLE invoice_line (
    path VARCHAR, format VARCHAR,
    provider_name VARCHAR, model VARCHAR,   -- as the invoice writes it
    sku_meter VARCHAR, service_tier VARCHAR,
    charge_category VARCHAR,    -- usage | discount | tax | credit | other
    description VARCHAR,
    charge_start_us BIGINT, charge_end_us BIGINT,   -- [start, end)
    consumed_quantity BIGINT,   -- NULL = not told
    requests BIGINT,
    billed_cost_pico DECIMAL(38, 0)     -- NULL = a usage report, which bills nothing
);

-- both sides of the bill by span, model and kind of token, with what explains the difference
CREATE TABLE reconciliation (
    first_day INTEGER, last_day INTEGER,    -- as the invoice counts days
    provider_name VARCHAR, model VARCHAR, kind VARCHAR,
    billed_cost_pico DECIMAL(38, 0), logged_cost_pico DECIMAL(38, 0),
    billed_quantity BIGINT, logged_quantity BIGINT,
    causes VARCHAR              -- JSON {cause: pico-USD}; they add up to billed minus logged
);
