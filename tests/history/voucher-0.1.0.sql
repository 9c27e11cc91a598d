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
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.attempts (
    id text NOT NULL,
    order_id text NOT NULL,
    customer_id text NOT NULL,
    state text NOT NULL,
    asked jsonb NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone
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
CREATE TABLE public.consumer_positions (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition bigint NOT NULL,
    "position" bigint NOT NULL,
    last_event text,
    moved_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.coupon_records (
    id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    operation_type text NOT NULL,
    quota_id text NOT NULL,
    quota_type bigint NOT NULL,
    coupon_id text,
    customer_id text NOT NULL,
    amount numeric(38,2) NOT NULL,
    at timestamp with time zone NOT NULL,
    result text NOT NULL,
    remark text
);
CREATE TABLE public.coupons (
    id text NOT NULL,
    quota_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    customer_id text NOT NULL,
    coupon_type bigint NOT NULL,
    status bigint NOT NULL,
    is_frozen boolean NOT NULL,
    site text NOT NULL,
    currency text NOT NULL,
    face_value numeric(38,2) NOT NULL,
    balance numeric(38,2) NOT NULL,
    reserved_amount numeric(38,2) NOT NULL,
    returned_amount numeric(38,2) NOT NULL,
    lock_order_id text,
    order_id text,
    recall_due bigint,
    limits jsonb NOT NULL,
    memo text,
    effective_at timestamp with time zone NOT NULL,
    expire_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    ended_at timestamp with time zone,
    version bigint NOT NULL,
    CONSTRAINT coupons_check CHECK (((reserved_amount >= (0)::numeric) AND (balance >= reserved_amount)))
);
CREATE TABLE public.customers (
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    association_type text NOT NULL,
    association_status text NOT NULL,
    associated_on timestamp with time zone,
    first_associated_on timestamp with time zone,
    financial_custody boolean DEFAULT false NOT NULL,
    enterprise_master_id text,
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
    id text NOT NULL,
    kind text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    quota_id text NOT NULL,
    coupon_id text,
    order_id text,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.orders (
    order_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    customer_id text NOT NULL,
    paying_agent_id text,
    status bigint NOT NULL,
    currency text NOT NULL,
    lines jsonb NOT NULL,
    version bigint NOT NULL
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
    status text NOT NULL,
    coupon_mode text NOT NULL,
    is_test_account boolean NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE public.postings (
    id bigint NOT NULL,
    movement_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    account_kind text NOT NULL,
    account_id text NOT NULL,
    currency text NOT NULL,
    amount numeric(38,2) NOT NULL
);
ALTER TABLE public.postings ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.postings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.quotas (
    id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    parent_quota_id text,
    quota_type bigint NOT NULL,
    quota_status bigint NOT NULL,
    site text NOT NULL,
    currency text NOT NULL,
    quota_value numeric(38,2) NOT NULL,
    balance numeric(38,2) NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    expire_at timestamp with time zone NOT NULL,
    limits jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT quotas_balance_check CHECK ((balance >= (0)::numeric))
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
CREATE TABLE public.reservations (
    attempt_id text NOT NULL,
    coupon_id text NOT NULL,
    order_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    coupon_type bigint NOT NULL,
    amount numeric(38,2) NOT NULL
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
INSERT INTO public.alembic_version VALUES ('0003');
INSERT INTO public.attempts VALUES ('x1', 'x1', 'x1', 'x1', '{}', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00');
INSERT INTO public.attempts VALUES ('x2', 'x2', 'x2', 'x2', '{}', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', 'x1', 'a', 'x1', 'x1', '{}', 'x1', 1, 'x1');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', 'x2', 'b', 'x2', 'x2', '{}', 'x2', 2, 'x2');
INSERT INTO public.consumer_positions VALUES ('x1', 'x1', 1, 1, 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.consumer_positions VALUES ('x2', 'x2', 2, 2, 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.coupon_records VALUES ('x1', 'a', NULL, 'x1', 'x1', 1, 'x1', 'x1', 0.00, '2026-11-01 00:00:00+00', 'x1', 'x1');
INSERT INTO public.coupon_records VALUES ('x2', 'b', NULL, 'x2', 'x2', 2, 'x2', 'x2', 0.00, '2026-11-02 00:00:00+00', 'x2', 'x2');
INSERT INTO public.coupons VALUES ('x1', 'x1', 'a', NULL, 'x1', 1, 1, false, 'x1', 'x1', 0.00, 0.00, 0.00, 0.00, 'x1', 'x1', 1, '{}', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 1);
INSERT INTO public.coupons VALUES ('x2', 'x2', 'b', NULL, 'x2', 2, 2, false, 'x2', 'x2', 0.00, 0.00, 0.00, 0.00, 'x2', 'x2', 2, '{}', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 2);
INSERT INTO public.customers VALUES ('x1', 'a', NULL, 'x1', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', false, 'x1', 1);
INSERT INTO public.customers VALUES ('x2', 'b', NULL, 'x2', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', false, 'x2', 2);
INSERT INTO public.idempotency_keys VALUES ('x1', 'x1', 'x1', 1, '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.idempotency_keys VALUES ('x2', 'x2', 'x2', 2, '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.inbox VALUES ('x1', '00000000-0000-7000-8000-000000000001', '2026-11-01 00:00:00+00');
INSERT INTO public.inbox VALUES ('x2', '00000000-0000-7000-8000-000000000002', '2026-11-02 00:00:00+00');
INSERT INTO public.movements VALUES ('x1', 'x1', 'a', NULL, 'x1', 'x1', 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.movements VALUES ('x2', 'x2', 'b', NULL, 'x2', 'x2', 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.orders VALUES ('x1', 'a', NULL, 'x1', 'x1', 1, 'x1', '{}', 1);
INSERT INTO public.orders VALUES ('x2', 'b', NULL, 'x2', 'x2', 2, 'x2', '{}', 2);
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (1, 1, 'x1', 'x1', '00000000-0000-7000-8000-000000000001', '\x01', '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (2, 2, 'x2', 'x2', '00000000-0000-7000-8000-000000000002', '\x02', '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (1, 'x1', 'x1', 'x1', 1, 1, 'x1', 'x1', '{}', '\x01', '\x01', 'x1', 1, 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1', 'x1');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (2, 'x2', 'x2', 'x2', 2, 2, 'x2', 'x2', '{}', '\x02', '\x02', 'x2', 2, 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2', 'x2');
INSERT INTO public.parked_keys VALUES ('x1', 'x1', 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.parked_keys VALUES ('x2', 'x2', 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.partners VALUES ('a', NULL, 'x1', 'x1', 'x1', 'x1', 'x1', false, 1);
INSERT INTO public.partners VALUES ('b', NULL, 'x2', 'x2', 'x2', 'x2', 'x2', false, 2);
INSERT INTO public.postings OVERRIDING SYSTEM VALUE VALUES (1, 'x1', 'a', NULL, 'x1', 'x1', 'x1', 0.00);
INSERT INTO public.postings OVERRIDING SYSTEM VALUE VALUES (2, 'x2', 'b', NULL, 'x2', 'x2', 'x2', 0.00);
INSERT INTO public.quotas VALUES ('x1', 'a', NULL, 'x1', 1, 1, 'x1', 'x1', 0.00, 0.00, '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', '{}', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 1);
INSERT INTO public.quotas VALUES ('x2', 'b', NULL, 'x2', 2, 2, 'x2', 'x2', 0.00, 0.00, '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', '{}', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 2);
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', '{}', '{}', '2026-11-01 00:00:00+00');
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', '{}', '{}', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x1', '2026-11-01 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x2', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_slots VALUES (0, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (1, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (2, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (3, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (4, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (5, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (6, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (7, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (8, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (9, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (10, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (11, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (12, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (13, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (14, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (15, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (16, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (17, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (18, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (19, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (20, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (21, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (22, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (23, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (24, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (25, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (26, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (27, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (28, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (29, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (30, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (31, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (32, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (33, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (34, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (35, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (36, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (37, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (38, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (39, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (40, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (41, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (42, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (43, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (44, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (45, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (46, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (47, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (48, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (49, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (50, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (51, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (52, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (53, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (54, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (55, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (56, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (57, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (58, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (59, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (60, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (61, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (62, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.relay_slots VALUES (63, NULL, '2026-11-29 06:28:11.813402+00');
INSERT INTO public.reservations VALUES ('x1', 'x1', 'x1', 'a', NULL, 1, 0.00);
INSERT INTO public.reservations VALUES ('x2', 'x2', 'x2', 'b', NULL, 2, 0.00);
INSERT INTO public.restatements OVERRIDING SYSTEM VALUE VALUES (1, 'x1', '2026-11-01 00:00:00+00', 'x1', 1, 1, '2026-11-01 00:00:00+00');
INSERT INTO public.restatements OVERRIDING SYSTEM VALUE VALUES (2, 'x2', '2026-11-02 00:00:00+00', 'x2', 2, 2, '2026-11-02 00:00:00+00');
SELECT pg_catalog.setval('public.audit_log_id_seq', 2, true);
SELECT pg_catalog.setval('public.outbox_id_seq', 2, true);
SELECT pg_catalog.setval('public.parked_events_id_seq', 2, true);
SELECT pg_catalog.setval('public.postings_id_seq', 2, true);
SELECT pg_catalog.setval('public.rebuilds_id_seq', 2, true);
SELECT pg_catalog.setval('public.restatements_id_seq', 2, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_sealed_order_key UNIQUE (sealed_order);
ALTER TABLE ONLY public.consumer_positions
    ADD CONSTRAINT consumer_positions_pkey PRIMARY KEY (consumer, topic, partition);
ALTER TABLE ONLY public.coupon_records
    ADD CONSTRAINT coupon_records_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.coupons
    ADD CONSTRAINT coupons_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, key);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);
ALTER TABLE ONLY public.movements
    ADD CONSTRAINT movements_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parked_events
    ADD CONSTRAINT parked_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parked_keys
    ADD CONSTRAINT parked_keys_pkey PRIMARY KEY (consumer, stream, key);
ALTER TABLE ONLY public.partners
    ADD CONSTRAINT partners_pkey PRIMARY KEY (partner_id);
ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.quotas
    ADD CONSTRAINT quotas_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.rebuilds
    ADD CONSTRAINT rebuilds_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.relay_replicas
    ADD CONSTRAINT relay_replicas_pkey PRIMARY KEY (holder);
ALTER TABLE ONLY public.relay_slots
    ADD CONSTRAINT relay_slots_pkey PRIMARY KEY (slot);
ALTER TABLE ONLY public.reservations
    ADD CONSTRAINT reservations_pkey PRIMARY KEY (attempt_id, coupon_id);
ALTER TABLE ONLY public.restatements
    ADD CONSTRAINT restatements_pkey PRIMARY KEY (id);
CREATE INDEX coupon_records_of ON public.coupon_records USING btree (partner_id, at);
CREATE INDEX coupons_ending ON public.coupons USING btree (expire_at) WHERE (status = ANY (ARRAY[(1)::bigint, (2)::bigint]));
CREATE INDEX coupons_held ON public.coupons USING btree (customer_id, created_at);
CREATE INDEX coupons_issued ON public.coupons USING btree (partner_id, created_at);
CREATE INDEX coupons_of_quota ON public.coupons USING btree (quota_id);
CREATE INDEX ix_attempts_order_id ON public.attempts USING btree (order_id);
CREATE INDEX ix_idempotency_keys_created_at ON public.idempotency_keys USING btree (created_at);
CREATE INDEX ix_inbox_received_at ON public.inbox USING btree (received_at);
CREATE INDEX movements_of_coupon ON public.movements USING btree (coupon_id);
CREATE INDEX parked_events_waiting ON public.parked_events USING btree (consumer, stream, key, id) WHERE (state = 'waiting'::text);
CREATE INDEX postings_of_account ON public.postings USING btree (account_kind, account_id);
CREATE INDEX postings_of_movement ON public.postings USING btree (movement_id);
CREATE INDEX quotas_of ON public.quotas USING btree (partner_id, id);
CREATE INDEX reservations_of_order ON public.reservations USING btree (order_id);
ALTER TABLE ONLY public.coupons
    ADD CONSTRAINT coupons_quota_id_fkey FOREIGN KEY (quota_id) REFERENCES public.quotas(id);
ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_movement_id_fkey FOREIGN KEY (movement_id) REFERENCES public.movements(id);
ALTER TABLE ONLY public.reservations
    ADD CONSTRAINT reservations_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES public.attempts(id);
ALTER TABLE ONLY public.reservations
    ADD CONSTRAINT reservations_coupon_id_fkey FOREIGN KEY (coupon_id) REFERENCES public.coupons(id);
ALTER TABLE public.coupon_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.coupons ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.movements ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.partners ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.postings ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.quotas ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.reservations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.coupon_records TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.coupons TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.customers TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.movements TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.orders TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.partners TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.postings TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.quotas TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.reservations TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.attempts TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.audit_log TO channelbus_request;
GRANT SELECT ON TABLE public.consumer_positions TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.coupon_records TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.coupons TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.customers TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.movements TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.orders TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox TO channelbus_request;
GRANT SELECT ON TABLE public.parked_events TO channelbus_request;
GRANT SELECT ON TABLE public.parked_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.partners TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.postings TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quotas TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.reservations TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.restatements TO channelbus_request;
