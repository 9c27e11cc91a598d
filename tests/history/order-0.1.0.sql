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
CREATE TABLE public.authorizations (
    authorization_id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    status text NOT NULL,
    version bigint NOT NULL
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
    site text NOT NULL,
    currency text NOT NULL,
    association_type text NOT NULL,
    association_status text NOT NULL,
    is_frozen bigint DEFAULT 0 NOT NULL,
    paying_master_id text,
    version bigint NOT NULL,
    copied_at timestamp with time zone DEFAULT now() NOT NULL
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
CREATE TABLE public.order_lines (
    line_id text NOT NULL,
    order_id text NOT NULL,
    member_order_id text,
    partner_id text NOT NULL,
    distributor_id text,
    "position" bigint NOT NULL,
    product_id text NOT NULL,
    service_type_code text NOT NULL,
    service_type_name text NOT NULL,
    resource_type_code text NOT NULL,
    resource_type_name text NOT NULL,
    resource_spec_code text NOT NULL,
    region_code text NOT NULL,
    charging_mode bigint NOT NULL,
    period_type bigint,
    period_num bigint,
    quantity bigint NOT NULL,
    measure_size numeric(38,2),
    official_amount numeric(38,2) NOT NULL,
    discount_amount numeric(38,2) NOT NULL,
    amount_after_discount numeric(38,2) NOT NULL,
    coupon_amount numeric(38,2) NOT NULL,
    flexipurchase_coupon_amount numeric(38,2) NOT NULL,
    effective_at timestamp with time zone,
    expire_at timestamp with time zone
);
CREATE TABLE public.orders (
    order_id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    status bigint NOT NULL,
    order_type bigint NOT NULL,
    source_type bigint NOT NULL,
    currency text NOT NULL,
    service_type_code text NOT NULL,
    service_type_name text NOT NULL,
    official_amount numeric(38,2) NOT NULL,
    discount_amount numeric(38,2) NOT NULL,
    amount_after_discount numeric(38,2) NOT NULL,
    coupon_amount numeric(38,2) NOT NULL,
    flexipurchase_coupon_amount numeric(38,2) NOT NULL,
    stored_card_amount numeric(38,2) NOT NULL,
    cash_amount numeric(38,2) NOT NULL,
    credit_amount numeric(38,2) NOT NULL,
    is_combined boolean NOT NULL,
    placed_by text NOT NULL,
    paying_agent_id text,
    created_at timestamp with time zone NOT NULL,
    pay_until timestamp with time zone,
    paid_at timestamp with time zone,
    provisioning_seconds bigint NOT NULL,
    provision_at timestamp with time zone,
    completed_at timestamp with time zone,
    ended_at timestamp with time zone,
    end_reason text,
    updated_at timestamp with time zone NOT NULL,
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
    version bigint NOT NULL
);
CREATE TABLE public.payment_attempts (
    attempt_id text NOT NULL,
    order_id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    state text NOT NULL,
    coupons jsonb NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    reason_code text
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
CREATE TABLE public.resources (
    resource_id text NOT NULL,
    resource_name text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    order_id text NOT NULL,
    line_id text NOT NULL,
    product_id text NOT NULL,
    service_type_code text NOT NULL,
    service_type_name text NOT NULL,
    resource_type_code text NOT NULL,
    resource_type_name text NOT NULL,
    resource_spec_code text NOT NULL,
    region_code text NOT NULL,
    measure_size numeric(38,2),
    charging_mode bigint NOT NULL,
    status bigint NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    expire_at timestamp with time zone,
    expire_policy bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    version bigint NOT NULL
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
INSERT INTO public.alembic_version VALUES ('0004');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', 'x1', 'a', 'x1', 'x1', '{}', 'x1', 1, 'x1');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', 'x2', 'b', 'x2', 'x2', '{}', 'x2', 2, 'x2');
INSERT INTO public.authorizations VALUES ('x1', 'x1', 'a', NULL, 'x1', 1);
INSERT INTO public.authorizations VALUES ('x2', 'x2', 'b', NULL, 'x2', 2);
INSERT INTO public.consumer_positions VALUES ('x1', 'x1', 1, 1, 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.consumer_positions VALUES ('x2', 'x2', 2, 2, 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.customers VALUES ('x1', 'a', NULL, 'x1', 'x1', 'x1', 'x1', 1, 'x1', 1, '2026-11-01 00:00:00+00');
INSERT INTO public.customers VALUES ('x2', 'b', NULL, 'x2', 'x2', 'x2', 'x2', 2, 'x2', 2, '2026-11-02 00:00:00+00');
INSERT INTO public.idempotency_keys VALUES ('x1', 'x1', 'x1', 1, '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.idempotency_keys VALUES ('x2', 'x2', 'x2', 2, '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.inbox VALUES ('x1', '00000000-0000-7000-8000-000000000001', '2026-11-01 00:00:00+00');
INSERT INTO public.inbox VALUES ('x2', '00000000-0000-7000-8000-000000000002', '2026-11-02 00:00:00+00');
INSERT INTO public.order_lines VALUES ('x1', 'x1', 'x1', 'a', NULL, 1, 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 1, 1, 1, 1, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00');
INSERT INTO public.order_lines VALUES ('x2', 'x2', 'x2', 'b', NULL, 2, 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 2, 2, 2, 2, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00');
INSERT INTO public.orders VALUES ('x1', 'x1', 'a', NULL, 1, 1, 1, 'x1', 'x1', 'x1', 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, false, 'x1', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 1, '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1', '2026-11-01 00:00:00+00', 1);
INSERT INTO public.orders VALUES ('x2', 'x2', 'b', NULL, 2, 2, 2, 'x2', 'x2', 'x2', 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, false, 'x2', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 2, '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2', '2026-11-02 00:00:00+00', 2);
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (1, 1, 'x1', 'x1', '00000000-0000-7000-8000-000000000001', '\x01', '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (2, 2, 'x2', 'x2', '00000000-0000-7000-8000-000000000002', '\x02', '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (1, 'x1', 'x1', 'x1', 1, 1, 'x1', 'x1', '{}', '\x01', '\x01', 'x1', 1, 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1', 'x1');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (2, 'x2', 'x2', 'x2', 2, 2, 'x2', 'x2', '{}', '\x02', '\x02', 'x2', 2, 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2', 'x2');
INSERT INTO public.parked_keys VALUES ('x1', 'x1', 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.parked_keys VALUES ('x2', 'x2', 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.partners VALUES ('a', NULL, 'x1', 1);
INSERT INTO public.partners VALUES ('b', NULL, 'x2', 2);
INSERT INTO public.payment_attempts VALUES ('x1', 'x1', 'x1', 'a', NULL, 'x1', '{}', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1');
INSERT INTO public.payment_attempts VALUES ('x2', 'x2', 'x2', 'b', NULL, 'x2', '{}', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2');
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', '{}', '{}', '2026-11-01 00:00:00+00');
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', '{}', '{}', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x1', '2026-11-01 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x2', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_slots VALUES (0, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (1, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (2, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (3, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (4, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (5, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (6, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (7, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (8, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (9, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (10, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (11, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (12, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (13, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (14, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (15, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (16, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (17, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (18, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (19, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (20, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (21, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (22, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (23, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (24, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (25, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (26, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (27, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (28, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (29, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (30, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (31, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (32, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (33, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (34, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (35, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (36, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (37, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (38, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (39, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (40, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (41, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (42, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (43, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (44, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (45, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (46, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (47, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (48, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (49, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (50, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (51, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (52, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (53, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (54, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (55, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (56, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (57, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (58, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (59, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (60, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (61, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (62, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.relay_slots VALUES (63, NULL, '2026-11-29 06:28:11.140072+00');
INSERT INTO public.resources VALUES ('x1', 'x1', 'x1', 'a', NULL, 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 0.00, 1, 1, '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 1, '2026-11-01 00:00:00+00', 1);
INSERT INTO public.resources VALUES ('x2', 'x2', 'x2', 'b', NULL, 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 0.00, 2, 2, '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 2, '2026-11-02 00:00:00+00', 2);
INSERT INTO public.restatements OVERRIDING SYSTEM VALUE VALUES (1, 'x1', '2026-11-01 00:00:00+00', 'x1', 1, 1, '2026-11-01 00:00:00+00');
INSERT INTO public.restatements OVERRIDING SYSTEM VALUE VALUES (2, 'x2', '2026-11-02 00:00:00+00', 'x2', 2, 2, '2026-11-02 00:00:00+00');
SELECT pg_catalog.setval('public.audit_log_id_seq', 2, true);
SELECT pg_catalog.setval('public.outbox_id_seq', 2, true);
SELECT pg_catalog.setval('public.parked_events_id_seq', 2, true);
SELECT pg_catalog.setval('public.rebuilds_id_seq', 2, true);
SELECT pg_catalog.setval('public.restatements_id_seq', 2, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_sealed_order_key UNIQUE (sealed_order);
ALTER TABLE ONLY public.authorizations
    ADD CONSTRAINT authorizations_pkey PRIMARY KEY (authorization_id);
ALTER TABLE ONLY public.consumer_positions
    ADD CONSTRAINT consumer_positions_pkey PRIMARY KEY (consumer, topic, partition);
ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, key);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);
ALTER TABLE ONLY public.order_lines
    ADD CONSTRAINT order_lines_pkey PRIMARY KEY (line_id);
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
ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_pkey PRIMARY KEY (attempt_id);
ALTER TABLE ONLY public.rebuilds
    ADD CONSTRAINT rebuilds_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.relay_replicas
    ADD CONSTRAINT relay_replicas_pkey PRIMARY KEY (holder);
ALTER TABLE ONLY public.relay_slots
    ADD CONSTRAINT relay_slots_pkey PRIMARY KEY (slot);
ALTER TABLE ONLY public.resources
    ADD CONSTRAINT resources_pkey PRIMARY KEY (resource_id);
ALTER TABLE ONLY public.restatements
    ADD CONSTRAINT restatements_pkey PRIMARY KEY (id);
CREATE INDEX authorizations_of_customer ON public.authorizations USING btree (customer_id);
CREATE INDEX customers_of_partner ON public.customers USING btree (partner_id);
CREATE INDEX customers_with_master ON public.customers USING btree (customer_id) WHERE (paying_master_id IS NOT NULL);
CREATE INDEX ix_idempotency_keys_created_at ON public.idempotency_keys USING btree (created_at);
CREATE INDEX ix_inbox_received_at ON public.inbox USING btree (received_at);
CREATE UNIQUE INDEX one_open_attempt_per_order ON public.payment_attempts USING btree (order_id) WHERE (state = 'open'::text);
CREATE INDEX open_attempts_by_age ON public.payment_attempts USING btree (opened_at) WHERE (state = 'open'::text);
CREATE INDEX order_lines_of_member ON public.order_lines USING btree (member_order_id) WHERE (member_order_id IS NOT NULL);
CREATE INDEX order_lines_of_order ON public.order_lines USING btree (order_id, "position");
CREATE INDEX orders_of_customer ON public.orders USING btree (customer_id, created_at);
CREATE INDEX orders_of_distributor ON public.orders USING btree (distributor_id, created_at);
CREATE INDEX orders_of_partner ON public.orders USING btree (partner_id, created_at);
CREATE INDEX orders_of_paying_agent ON public.orders USING btree (paying_agent_id, created_at) WHERE (paying_agent_id IS NOT NULL);
CREATE INDEX orders_to_complete ON public.orders USING btree (provision_at) WHERE (status = 3);
CREATE INDEX orders_to_expire ON public.orders USING btree (pay_until) WHERE (status = 6);
CREATE INDEX parked_events_waiting ON public.parked_events USING btree (consumer, stream, key, id) WHERE (state = 'waiting'::text);
CREATE INDEX resources_of_customer ON public.resources USING btree (customer_id, expire_at);
CREATE INDEX resources_of_order ON public.resources USING btree (order_id);
ALTER TABLE ONLY public.order_lines
    ADD CONSTRAINT order_lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(order_id);
ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(order_id);
ALTER TABLE public.authorizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.order_lines ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.partners ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.payment_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.resources ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.authorizations TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.customers TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.order_lines TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.orders TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.partners TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.payment_attempts TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.resources TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
GRANT SELECT,INSERT ON TABLE public.audit_log TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.authorizations TO channelbus_request;
GRANT SELECT ON TABLE public.consumer_positions TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.customers TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.order_lines TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.orders TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox TO channelbus_request;
GRANT SELECT ON TABLE public.parked_events TO channelbus_request;
GRANT SELECT ON TABLE public.parked_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.partners TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.payment_attempts TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resources TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.restatements TO channelbus_request;
