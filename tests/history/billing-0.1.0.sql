SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.movement_is_balanced() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public'
    AS $$
DECLARE
    total numeric;
BEGIN
    SELECT sum(amount) INTO total FROM postings WHERE movement_id = NEW.movement_id;
    IF total <> 0 THEN
        RAISE EXCEPTION 'movement % is not balanced: %', NEW.movement_id, total
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.accounts (
    account_id text NOT NULL,
    owner_id text NOT NULL,
    owner_kind text NOT NULL,
    account_type bigint NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    site text NOT NULL,
    currency text NOT NULL,
    balance numeric(38,2) NOT NULL,
    held numeric(38,2) NOT NULL,
    designated_amount numeric(38,2) NOT NULL,
    credit_amount numeric(38,2),
    version bigint NOT NULL,
    CONSTRAINT covered CHECK (((account_type > 100) OR ((held >= (0)::numeric) AND (held <= balance)))),
    CONSTRAINT designated CHECK ((designated_amount >= (0)::numeric))
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    principal text NOT NULL,
    partner_id text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL,
    request_id text NOT NULL,
    sealed_order bigint,
    seal text
);
ALTER TABLE public.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.bill_lines (
    line_id text NOT NULL,
    customer_id text NOT NULL,
    payer_id text,
    partner_id text NOT NULL,
    distributor_id text,
    association_type text NOT NULL,
    account_manager_id text,
    site text NOT NULL,
    currency text NOT NULL,
    bill_cycle text NOT NULL,
    bill_date date NOT NULL,
    bill_type bigint NOT NULL,
    charging_mode bigint NOT NULL,
    trade_id text NOT NULL,
    order_id text,
    order_type bigint,
    usage_record_id text,
    resource_id text,
    resource_name text,
    service_type_code text NOT NULL,
    service_type_name text NOT NULL,
    resource_type_code text NOT NULL,
    resource_type_name text NOT NULL,
    resource_spec_code text NOT NULL,
    product_id text NOT NULL,
    region_code text NOT NULL,
    trade_time timestamp with time zone NOT NULL,
    consume_time timestamp with time zone NOT NULL,
    period_type bigint,
    period_num bigint,
    usage_type text,
    usage_amount numeric(38,10),
    usage_measure_id bigint,
    official_amount numeric(38,8) NOT NULL,
    official_discount_amount numeric(38,8) NOT NULL,
    erase_amount numeric(38,8) NOT NULL,
    payment_amount numeric(38,2) NOT NULL,
    coupon_amount numeric(38,2) NOT NULL,
    flexipurchase_coupon_amount numeric(38,2) NOT NULL,
    stored_value_card_amount numeric(38,2) NOT NULL,
    bonus_amount numeric(38,2) NOT NULL,
    cash_amount numeric(38,2) NOT NULL,
    credit_amount numeric(38,2) NOT NULL,
    debt_amount numeric(38,2) NOT NULL,
    writeoff_amount numeric(38,2) NOT NULL,
    CONSTRAINT arrears CHECK (((debt_amount >= (0)::numeric) AND (writeoff_amount >= (0)::numeric))),
    CONSTRAINT official CHECK ((official_amount = ((official_discount_amount + erase_amount) + payment_amount))),
    CONSTRAINT payment CHECK ((payment_amount = (((((((cash_amount + credit_amount) + coupon_amount) + flexipurchase_coupon_amount) + stored_value_card_amount) + bonus_amount) + debt_amount) + writeoff_amount)))
);
CREATE TABLE public.consumer_positions (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition bigint NOT NULL,
    "position" bigint NOT NULL,
    last_event text,
    moved_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.customers (
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    account_name text NOT NULL,
    customer_name text,
    site text NOT NULL,
    currency text NOT NULL,
    association_type text NOT NULL,
    association_status text NOT NULL,
    account_manager_id text,
    version bigint NOT NULL
);
CREATE TABLE public.idempotency_keys (
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status bigint,
    body bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.movements (
    movement_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    customer_id text,
    order_id text,
    site text NOT NULL,
    currency text NOT NULL,
    amount numeric(38,2) NOT NULL,
    memo text
);
CREATE TABLE public.outbox (
    id bigint NOT NULL,
    slot bigint NOT NULL,
    stream text NOT NULL,
    key text NOT NULL,
    event_id uuid NOT NULL,
    attributes bytea NOT NULL,
    body bytea NOT NULL,
    stated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='5000');
ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.parked_events (
    id bigint NOT NULL,
    consumer text NOT NULL,
    stream text NOT NULL,
    key text NOT NULL,
    partition bigint NOT NULL,
    "position" bigint NOT NULL,
    event_id text,
    event_type text,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    original_body bytea,
    error text,
    attempts bigint NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    parked_at timestamp with time zone DEFAULT now() NOT NULL,
    decided_at timestamp with time zone,
    decided_by text,
    decision text
);
ALTER TABLE public.parked_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.parked_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.parked_keys (
    consumer text NOT NULL,
    stream text NOT NULL,
    key text NOT NULL,
    parked_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.partners (
    partner_id text NOT NULL,
    distributor_id text,
    kind text NOT NULL,
    site text NOT NULL,
    currency text NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE public.payment_attempts (
    attempt_id text NOT NULL,
    order_id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    currency text NOT NULL,
    cash_amount numeric(38,2) NOT NULL,
    credit_amount numeric(38,2) NOT NULL,
    was_resale boolean NOT NULL,
    state text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone
);
CREATE TABLE public.postings (
    id bigint NOT NULL,
    movement_id text NOT NULL,
    account_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    amount numeric(38,2) NOT NULL,
    balance_after numeric(38,2) NOT NULL
);
ALTER TABLE public.postings ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.postings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.rebuilds (
    id bigint NOT NULL,
    began_at timestamp with time zone DEFAULT now() NOT NULL,
    asked jsonb DEFAULT '{}'::jsonb NOT NULL,
    changes jsonb DEFAULT '{}'::jsonb NOT NULL,
    finished_at timestamp with time zone
);
ALTER TABLE public.rebuilds ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rebuilds_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.relay_replicas (
    holder text NOT NULL,
    seen_at timestamp with time zone NOT NULL
);
CREATE TABLE public.relay_slots (
    slot bigint NOT NULL,
    holder text,
    held_until timestamp with time zone NOT NULL
);
CREATE TABLE public.restatements (
    id bigint NOT NULL,
    aggregate text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    after text NOT NULL,
    done bigint NOT NULL,
    total bigint NOT NULL,
    finished_at timestamp with time zone
);
ALTER TABLE public.restatements ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.restatements_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO public.accounts VALUES ('x1', 'x1', 'x1', 1, 'a', NULL, 'x1', 'x1', 0.00, 0.00, 0.00, 0.00, 1);
INSERT INTO public.accounts VALUES ('x2', 'x2', 'x2', 2, 'b', NULL, 'x2', 'x2', 0.00, 0.00, 0.00, 0.00, 2);
INSERT INTO public.alembic_version VALUES ('0002');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', 'x1', 'a', 'x1', 'x1', '{}', 'x1', 1, 'x1');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', 'x2', 'b', 'x2', 'x2', '{}', 'x2', 2, 'x2');
INSERT INTO public.bill_lines VALUES ('x1', 'x1', 'x1', 'a', NULL, 'x1', 'x1', 'x1', 'x1', 'x1', '2026-11-01', 1, 1, 'x1', 'x1', 1, 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 1, 1, 'x1', 0.0000000000, 1, 0.00000000, 0.00000000, 0.00000000, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00);
INSERT INTO public.bill_lines VALUES ('x2', 'x2', 'x2', 'b', NULL, 'x2', 'x2', 'x2', 'x2', 'x2', '2026-11-02', 2, 2, 'x2', 'x2', 2, 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 2, 2, 'x2', 0.0000000000, 2, 0.00000000, 0.00000000, 0.00000000, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00);
INSERT INTO public.consumer_positions VALUES ('x1', 'x1', 1, 1, 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.consumer_positions VALUES ('x2', 'x2', 2, 2, 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.customers VALUES ('x1', 'a', NULL, 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 1);
INSERT INTO public.customers VALUES ('x2', 'b', NULL, 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 2);
INSERT INTO public.idempotency_keys VALUES ('x1', 'x1', 'x1', 1, '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.idempotency_keys VALUES ('x2', 'x2', 'x2', 2, '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.inbox VALUES ('x1', '00000000-0000-7000-8000-000000000001', '2026-11-01 00:00:00+00');
INSERT INTO public.inbox VALUES ('x2', '00000000-0000-7000-8000-000000000002', '2026-11-02 00:00:00+00');
INSERT INTO public.movements VALUES ('x1', '2026-11-01 00:00:00+00', 'x1', 'a', NULL, 'x1', 'x1', 'x1', 'x1', 0.00, 'x1');
INSERT INTO public.movements VALUES ('x2', '2026-11-02 00:00:00+00', 'x2', 'b', NULL, 'x2', 'x2', 'x2', 'x2', 0.00, 'x2');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (1, 1, 'x1', 'x1', '00000000-0000-7000-8000-000000000001', '\x01', '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (2, 2, 'x2', 'x2', '00000000-0000-7000-8000-000000000002', '\x02', '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (1, 'x1', 'x1', 'x1', 1, 1, 'x1', 'x1', '{}', '\x01', '\x01', 'x1', 1, 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1', 'x1');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (2, 'x2', 'x2', 'x2', 2, 2, 'x2', 'x2', '{}', '\x02', '\x02', 'x2', 2, 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2', 'x2');
INSERT INTO public.parked_keys VALUES ('x1', 'x1', 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.parked_keys VALUES ('x2', 'x2', 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.partners VALUES ('a', NULL, 'x1', 'x1', 'x1', 1);
INSERT INTO public.partners VALUES ('b', NULL, 'x2', 'x2', 'x2', 2);
INSERT INTO public.payment_attempts VALUES ('x1', 'x1', 'x1', 'a', NULL, 'x1', 0.00, 0.00, false, 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00');
INSERT INTO public.payment_attempts VALUES ('x2', 'x2', 'x2', 'b', NULL, 'x2', 0.00, 0.00, false, 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00');
INSERT INTO public.postings OVERRIDING SYSTEM VALUE VALUES (1, 'x1', 'x1', 'a', NULL, 0.00, 0.00);
INSERT INTO public.postings OVERRIDING SYSTEM VALUE VALUES (2, 'x2', 'x2', 'b', NULL, 0.00, 0.00);
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', '{}', '{}', '2026-11-01 00:00:00+00');
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', '{}', '{}', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x1', '2026-11-01 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x2', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_slots VALUES (0, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (1, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (2, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (3, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (4, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (5, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (6, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (7, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (8, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (9, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (10, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (11, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (12, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (13, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (14, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (15, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (16, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (17, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (18, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (19, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (20, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (21, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (22, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (23, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (24, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (25, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (26, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (27, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (28, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (29, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (30, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (31, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (32, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (33, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (34, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (35, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (36, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (37, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (38, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (39, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (40, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (41, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (42, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (43, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (44, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (45, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (46, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (47, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (48, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (49, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (50, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (51, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (52, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (53, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (54, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (55, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (56, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (57, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (58, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (59, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (60, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (61, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (62, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.relay_slots VALUES (63, NULL, '2026-11-29 06:28:09.690081+00');
INSERT INTO public.restatements OVERRIDING SYSTEM VALUE VALUES (1, 'x1', '2026-11-01 00:00:00+00', 'x1', 1, 1, '2026-11-01 00:00:00+00');
INSERT INTO public.restatements OVERRIDING SYSTEM VALUE VALUES (2, 'x2', '2026-11-02 00:00:00+00', 'x2', 2, 2, '2026-11-02 00:00:00+00');
SELECT pg_catalog.setval('public.audit_log_id_seq', 2, true);
SELECT pg_catalog.setval('public.outbox_id_seq', 2, true);
SELECT pg_catalog.setval('public.parked_events_id_seq', 2, true);
SELECT pg_catalog.setval('public.postings_id_seq', 2, true);
SELECT pg_catalog.setval('public.rebuilds_id_seq', 2, true);
SELECT pg_catalog.setval('public.restatements_id_seq', 2, true);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (account_id);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_sealed_order_key UNIQUE (sealed_order);
ALTER TABLE ONLY public.bill_lines
    ADD CONSTRAINT bill_lines_pkey PRIMARY KEY (line_id);
ALTER TABLE ONLY public.consumer_positions
    ADD CONSTRAINT consumer_positions_pkey PRIMARY KEY (consumer, topic, partition);
ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, key);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);
ALTER TABLE ONLY public.movements
    ADD CONSTRAINT movements_pkey PRIMARY KEY (movement_id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parked_events
    ADD CONSTRAINT parked_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parked_keys
    ADD CONSTRAINT parked_keys_pkey PRIMARY KEY (consumer, stream, key);
ALTER TABLE ONLY public.partners
    ADD CONSTRAINT partners_pkey PRIMARY KEY (partner_id);
ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_pkey PRIMARY KEY (attempt_id);
ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.rebuilds
    ADD CONSTRAINT rebuilds_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.relay_replicas
    ADD CONSTRAINT relay_replicas_pkey PRIMARY KEY (holder);
ALTER TABLE ONLY public.relay_slots
    ADD CONSTRAINT relay_slots_pkey PRIMARY KEY (slot);
ALTER TABLE ONLY public.restatements
    ADD CONSTRAINT restatements_pkey PRIMARY KEY (id);
CREATE UNIQUE INDEX accounts_of_owner ON public.accounts USING btree (owner_id, account_type);
CREATE INDEX attempts_held ON public.payment_attempts USING btree (customer_id) WHERE (state = 'held'::text);
CREATE INDEX bill_lines_of_customer ON public.bill_lines USING btree (customer_id, bill_cycle, trade_time, line_id);
CREATE INDEX bill_lines_of_partner ON public.bill_lines USING btree (partner_id, bill_cycle, customer_id);
CREATE UNIQUE INDEX bill_lines_of_record ON public.bill_lines USING btree (usage_record_id);
CREATE INDEX bill_lines_owed ON public.bill_lines USING btree (customer_id, trade_time, line_id) WHERE (debt_amount > (0)::numeric);
CREATE INDEX ix_idempotency_keys_created_at ON public.idempotency_keys USING btree (created_at);
CREATE INDEX ix_inbox_received_at ON public.inbox USING btree (received_at);
CREATE INDEX movements_of_customer ON public.movements USING btree (customer_id, at);
CREATE INDEX movements_of_partner ON public.movements USING btree (partner_id, reason, at, movement_id);
CREATE INDEX parked_events_waiting ON public.parked_events USING btree (consumer, stream, key, id) WHERE (state = 'waiting'::text);
CREATE INDEX postings_of_account ON public.postings USING btree (account_id, id);
CREATE INDEX postings_of_movement ON public.postings USING btree (movement_id);
CREATE CONSTRAINT TRIGGER postings_balanced AFTER INSERT OR UPDATE ON public.postings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.movement_is_balanced();
ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(account_id);
ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_movement_id_fkey FOREIGN KEY (movement_id) REFERENCES public.movements(movement_id);
ALTER TABLE public.accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.bill_lines ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.movements ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.partners ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.payment_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.postings ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.accounts TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.bill_lines TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.customers TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.movements TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.partners TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.payment_attempts TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.postings TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.accounts TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.audit_log TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.bill_lines TO channelbus_request;
GRANT SELECT ON TABLE public.consumer_positions TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.customers TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.movements TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox TO channelbus_request;
GRANT SELECT ON TABLE public.parked_events TO channelbus_request;
GRANT SELECT ON TABLE public.parked_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.partners TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.payment_attempts TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.postings TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.restatements TO channelbus_request;
