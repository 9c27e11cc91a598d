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
CREATE TABLE public.access_keys (
    access text NOT NULL,
    account_id text NOT NULL,
    operator_id text,
    acting_partner_id text,
    secret bytea NOT NULL,
    secret_key_id text NOT NULL,
    security_token_hash text,
    made_by_token text,
    status text DEFAULT 'active'::text NOT NULL,
    description text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone
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
CREATE TABLE public.console_sessions (
    hash text NOT NULL,
    credential text NOT NULL,
    is_administrator boolean NOT NULL,
    name text NOT NULL,
    signed_in_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.consumer_positions (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition bigint NOT NULL,
    "position" bigint NOT NULL,
    last_event text,
    moved_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.event_feed (
    "position" bigint NOT NULL,
    event_id uuid NOT NULL,
    stream text NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    key text NOT NULL,
    version bigint NOT NULL,
    data_schema text NOT NULL,
    customer_id text,
    occurred_at timestamp with time zone NOT NULL,
    arrived_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    body bytea,
    partner_id text NOT NULL,
    distributor_id text
);
CREATE TABLE public.event_feed_horizon (
    is_only boolean DEFAULT true NOT NULL,
    feed_id uuid DEFAULT gen_random_uuid() NOT NULL,
    pruned_through bigint DEFAULT 0 NOT NULL
);
ALTER TABLE public.event_feed ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.event_feed_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.idempotency_keys (
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status bigint,
    body bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.identity_accounts (
    id text NOT NULL,
    kind text NOT NULL,
    account_name text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    site text NOT NULL,
    status text,
    xaccount_type text,
    association_type text,
    association_status text,
    version bigint NOT NULL,
    requests_per_second bigint
);
CREATE TABLE public.identity_authorizations (
    id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE public.identity_operators (
    id text NOT NULL,
    partner_id text NOT NULL,
    account_name text NOT NULL,
    permissions jsonb NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE public.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
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
CREATE TABLE public.passwords (
    ref text NOT NULL,
    owner_id text,
    hash text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.portfolio_accounts (
    account_id text NOT NULL,
    version bigint NOT NULL,
    customer_id text NOT NULL,
    account_type bigint NOT NULL,
    currency text NOT NULL,
    balance numeric(38,2) NOT NULL,
    held numeric(38,2) NOT NULL,
    credit_amount numeric(38,2),
    partner_id text NOT NULL,
    distributor_id text,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.portfolio_coupons (
    coupon_id text NOT NULL,
    version bigint NOT NULL,
    customer_id text NOT NULL,
    coupon_type bigint NOT NULL,
    status bigint NOT NULL,
    currency text NOT NULL,
    balance numeric(38,2) NOT NULL,
    reserved_amount numeric(38,2) NOT NULL,
    expire_at timestamp with time zone NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.portfolio_customers (
    customer_id text NOT NULL,
    version bigint NOT NULL,
    account_name text,
    customer_name text,
    names text[] DEFAULT '{}'::text[] NOT NULL,
    site text,
    currency text,
    association_type text,
    association_status text,
    associated_on timestamp with time zone,
    unlinked_on timestamp with time zone,
    label text,
    mobile text,
    email text,
    account_manager_id text,
    account_manager_name text,
    customer_type bigint,
    verified_status text,
    is_frozen bigint,
    customer_level text,
    registered_at timestamp with time zone,
    orders_by_status jsonb DEFAULT '[]'::jsonb NOT NULL,
    balances jsonb DEFAULT '[]'::jsonb NOT NULL,
    coupons_by_type jsonb DEFAULT '[]'::jsonb NOT NULL,
    consumption_cycle text,
    consumption_amount numeric(38,2) DEFAULT 0 NOT NULL,
    debt_amount numeric(38,2) DEFAULT 0 NOT NULL,
    as_of timestamp with time zone NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.portfolio_debts (
    customer_id text NOT NULL,
    version bigint NOT NULL,
    currency text NOT NULL,
    debt_amount numeric(38,2) NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.portfolio_lines (
    line_id text NOT NULL,
    version bigint NOT NULL,
    customer_id text NOT NULL,
    bill_cycle text NOT NULL,
    payment_amount numeric(38,2) NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.portfolio_orders (
    order_id text NOT NULL,
    version bigint NOT NULL,
    customer_id text NOT NULL,
    status bigint NOT NULL,
    currency text NOT NULL,
    amount_after_discount numeric(38,2) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.portfolio_resources (
    resource_id text NOT NULL,
    version bigint NOT NULL,
    customer_id text NOT NULL,
    resource_name text NOT NULL,
    service_type_code text NOT NULL,
    charging_mode bigint NOT NULL,
    status bigint NOT NULL,
    expire_at timestamp with time zone,
    partner_id text NOT NULL,
    distributor_id text,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
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
CREATE TABLE public.tokens (
    hash text NOT NULL,
    account_id text NOT NULL,
    operator_id text,
    acting_partner_id text,
    method text NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone
);
CREATE TABLE public.used_signatures (
    signature text NOT NULL,
    access text NOT NULL,
    request_id text NOT NULL,
    used_at timestamp with time zone NOT NULL
);
CREATE VIEW public.visible_portfolio AS
 SELECT customer_id,
    version,
    account_name,
    customer_name,
    names,
    site,
    currency,
    association_type,
    association_status,
    associated_on,
    unlinked_on,
    label,
    mobile,
    email,
    account_manager_id,
    account_manager_name,
    customer_type,
    verified_status,
    is_frozen,
    customer_level,
    registered_at,
    orders_by_status,
    balances,
    coupons_by_type,
    consumption_cycle,
    consumption_amount,
    debt_amount,
    as_of,
    partner_id,
    distributor_id,
    seen_at
   FROM public.portfolio_customers
  WHERE ((partner_id = ( SELECT current_setting('channelbus.partner_id'::text, true) AS current_setting)) OR (distributor_id = ( SELECT current_setting('channelbus.partner_id'::text, true) AS current_setting)) OR (( SELECT current_setting('channelbus.partner_id'::text, true) AS current_setting) = '*'::text));
INSERT INTO public.access_keys VALUES ('x1', 'x1', 'x1', 'x1', '\x01', 'x1', 'x1', 'x1', 'x1', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00');
INSERT INTO public.access_keys VALUES ('x2', 'x2', 'x2', 'x2', '\x02', 'x2', 'x2', 'x2', 'x2', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00');
INSERT INTO public.alembic_version VALUES ('0006');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', 'x1', 'a', 'x1', 'x1', '{}', 'x1', 1, 'x1');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', 'x2', 'b', 'x2', 'x2', '{}', 'x2', 2, 'x2');
INSERT INTO public.console_sessions VALUES ('x1', 'x1', false, 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00');
INSERT INTO public.console_sessions VALUES ('x2', 'x2', false, 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00');
INSERT INTO public.consumer_positions VALUES ('x1', 'x1', 1, 1, 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.consumer_positions VALUES ('x2', 'x2', 2, 2, 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.event_feed OVERRIDING SYSTEM VALUE VALUES (1, '00000000-0000-7000-8000-000000000001', 'x1', 'x1', 'x1', 'x1', 1, 'x1', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', '\x01', 'a', NULL);
INSERT INTO public.event_feed OVERRIDING SYSTEM VALUE VALUES (2, '00000000-0000-7000-8000-000000000002', 'x2', 'x2', 'x2', 'x2', 2, 'x2', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', '\x02', 'b', NULL);
INSERT INTO public.event_feed_horizon VALUES (true, '1ae965da-d0ea-44e0-beee-c46a56bf33b8', 0);
INSERT INTO public.event_feed_horizon VALUES (false, '00000000-0000-7000-8000-000000000001', 1);
INSERT INTO public.idempotency_keys VALUES ('x1', 'x1', 'x1', 1, '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.idempotency_keys VALUES ('x2', 'x2', 'x2', 2, '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.identity_accounts VALUES ('x1', 'x1', 'x1', 'a', NULL, 'x1', 'x1', 'x1', 'x1', 'x1', 1, 1);
INSERT INTO public.identity_accounts VALUES ('x2', 'x2', 'x2', 'b', NULL, 'x2', 'x2', 'x2', 'x2', 'x2', 2, 2);
INSERT INTO public.identity_authorizations VALUES ('x1', 'x1', 'a', 'x1', 1);
INSERT INTO public.identity_authorizations VALUES ('x2', 'x2', 'b', 'x2', 2);
INSERT INTO public.identity_operators VALUES ('x1', 'a', 'x1', '{}', 'x1', 1);
INSERT INTO public.identity_operators VALUES ('x2', 'b', 'x2', '{}', 'x2', 2);
INSERT INTO public.inbox VALUES ('x1', '00000000-0000-7000-8000-000000000001', '2026-11-01 00:00:00+00');
INSERT INTO public.inbox VALUES ('x2', '00000000-0000-7000-8000-000000000002', '2026-11-02 00:00:00+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (1, 1, 'x1', 'x1', '00000000-0000-7000-8000-000000000001', '\x01', '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (2, 2, 'x2', 'x2', '00000000-0000-7000-8000-000000000002', '\x02', '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (1, 'x1', 'x1', 'x1', 1, 1, 'x1', 'x1', '{}', '\x01', '\x01', 'x1', 1, 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1', 'x1');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (2, 'x2', 'x2', 'x2', 2, 2, 'x2', 'x2', '{}', '\x02', '\x02', 'x2', 2, 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2', 'x2');
INSERT INTO public.parked_keys VALUES ('x1', 'x1', 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.parked_keys VALUES ('x2', 'x2', 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.passwords VALUES ('x1', 'x1', 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.passwords VALUES ('x2', 'x2', 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.portfolio_accounts VALUES ('x1', 1, 'x1', 1, 'x1', 0.00, 0.00, 0.00, 'a', NULL, '2026-11-01 00:00:00+00');
INSERT INTO public.portfolio_accounts VALUES ('x2', 2, 'x2', 2, 'x2', 0.00, 0.00, 0.00, 'b', NULL, '2026-11-02 00:00:00+00');
INSERT INTO public.portfolio_coupons VALUES ('x1', 1, 'x1', 1, 1, 'x1', 0.00, 0.00, '2026-11-01 00:00:00+00', 'a', NULL, '2026-11-01 00:00:00+00');
INSERT INTO public.portfolio_coupons VALUES ('x2', 2, 'x2', 2, 2, 'x2', 0.00, 0.00, '2026-11-02 00:00:00+00', 'b', NULL, '2026-11-02 00:00:00+00');
INSERT INTO public.portfolio_customers VALUES ('x1', 1, 'x1', 'x1', '{}', 'x1', 'x1', 'x1', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1', 'x1', 'x1', 'x1', 'x1', 1, 'x1', 1, 'x1', '2026-11-01 00:00:00+00', '{}', '{}', '{}', 'x1', 0.00, 0.00, '2026-11-01 00:00:00+00', 'a', NULL, '2026-11-01 00:00:00+00');
INSERT INTO public.portfolio_customers VALUES ('x2', 2, 'x2', 'x2', '{}', 'x2', 'x2', 'x2', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2', 'x2', 'x2', 'x2', 'x2', 2, 'x2', 2, 'x2', '2026-11-02 00:00:00+00', '{}', '{}', '{}', 'x2', 0.00, 0.00, '2026-11-02 00:00:00+00', 'b', NULL, '2026-11-02 00:00:00+00');
INSERT INTO public.portfolio_debts VALUES ('x1', 1, 'x1', 0.00, 'a', NULL, '2026-11-01 00:00:00+00');
INSERT INTO public.portfolio_debts VALUES ('x2', 2, 'x2', 0.00, 'b', NULL, '2026-11-02 00:00:00+00');
INSERT INTO public.portfolio_lines VALUES ('x1', 1, 'x1', 'x1', 0.00, 'a', NULL, '2026-11-01 00:00:00+00');
INSERT INTO public.portfolio_lines VALUES ('x2', 2, 'x2', 'x2', 0.00, 'b', NULL, '2026-11-02 00:00:00+00');
INSERT INTO public.portfolio_orders VALUES ('x1', 1, 'x1', 1, 'x1', 0.00, '2026-11-01 00:00:00+00', 'a', NULL, '2026-11-01 00:00:00+00');
INSERT INTO public.portfolio_orders VALUES ('x2', 2, 'x2', 2, 'x2', 0.00, '2026-11-02 00:00:00+00', 'b', NULL, '2026-11-02 00:00:00+00');
INSERT INTO public.portfolio_resources VALUES ('x1', 1, 'x1', 'x1', 'x1', 1, 1, '2026-11-01 00:00:00+00', 'a', NULL, '2026-11-01 00:00:00+00');
INSERT INTO public.portfolio_resources VALUES ('x2', 2, 'x2', 'x2', 'x2', 2, 2, '2026-11-02 00:00:00+00', 'b', NULL, '2026-11-02 00:00:00+00');
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', '{}', '{}', '2026-11-01 00:00:00+00');
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', '{}', '{}', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x1', '2026-11-01 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x2', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_slots VALUES (0, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (1, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (2, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (3, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (4, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (5, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (6, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (7, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (8, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (9, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (10, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (11, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (12, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (13, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (14, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (15, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (16, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (17, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (18, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (19, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (20, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (21, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (22, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (23, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (24, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (25, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (26, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (27, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (28, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (29, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (30, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (31, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (32, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (33, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (34, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (35, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (36, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (37, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (38, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (39, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (40, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (41, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (42, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (43, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (44, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (45, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (46, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (47, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (48, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (49, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (50, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (51, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (52, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (53, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (54, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (55, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (56, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (57, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (58, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (59, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (60, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (61, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (62, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.relay_slots VALUES (63, NULL, '2026-11-29 06:28:10.69236+00');
INSERT INTO public.restatements OVERRIDING SYSTEM VALUE VALUES (1, 'x1', '2026-11-01 00:00:00+00', 'x1', 1, 1, '2026-11-01 00:00:00+00');
INSERT INTO public.restatements OVERRIDING SYSTEM VALUE VALUES (2, 'x2', '2026-11-02 00:00:00+00', 'x2', 2, 2, '2026-11-02 00:00:00+00');
INSERT INTO public.tokens VALUES ('x1', 'x1', 'x1', 'x1', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00');
INSERT INTO public.tokens VALUES ('x2', 'x2', 'x2', 'x2', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00');
INSERT INTO public.used_signatures VALUES ('x1', 'x1', 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.used_signatures VALUES ('x2', 'x2', 'x2', '2026-11-02 00:00:00+00');
SELECT pg_catalog.setval('public.audit_log_id_seq', 2, true);
SELECT pg_catalog.setval('public.event_feed_position_seq', 2, true);
SELECT pg_catalog.setval('public.outbox_id_seq', 2, true);
SELECT pg_catalog.setval('public.parked_events_id_seq', 2, true);
SELECT pg_catalog.setval('public.rebuilds_id_seq', 2, true);
SELECT pg_catalog.setval('public.restatements_id_seq', 2, true);
ALTER TABLE ONLY public.access_keys
    ADD CONSTRAINT access_keys_pkey PRIMARY KEY (access);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_sealed_order_key UNIQUE (sealed_order);
ALTER TABLE ONLY public.console_sessions
    ADD CONSTRAINT console_sessions_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.consumer_positions
    ADD CONSTRAINT consumer_positions_pkey PRIMARY KEY (consumer, topic, partition);
ALTER TABLE ONLY public.event_feed
    ADD CONSTRAINT event_feed_event_id_key UNIQUE (event_id);
ALTER TABLE ONLY public.event_feed_horizon
    ADD CONSTRAINT event_feed_horizon_pkey PRIMARY KEY (is_only);
ALTER TABLE ONLY public.event_feed
    ADD CONSTRAINT event_feed_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, key);
ALTER TABLE ONLY public.identity_accounts
    ADD CONSTRAINT identity_accounts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.identity_authorizations
    ADD CONSTRAINT identity_authorizations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.identity_operators
    ADD CONSTRAINT identity_operators_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parked_events
    ADD CONSTRAINT parked_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parked_keys
    ADD CONSTRAINT parked_keys_pkey PRIMARY KEY (consumer, stream, key);
ALTER TABLE ONLY public.passwords
    ADD CONSTRAINT passwords_pkey PRIMARY KEY (ref);
ALTER TABLE ONLY public.portfolio_accounts
    ADD CONSTRAINT portfolio_accounts_pkey PRIMARY KEY (account_id);
ALTER TABLE ONLY public.portfolio_coupons
    ADD CONSTRAINT portfolio_coupons_pkey PRIMARY KEY (coupon_id);
ALTER TABLE ONLY public.portfolio_customers
    ADD CONSTRAINT portfolio_customers_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.portfolio_debts
    ADD CONSTRAINT portfolio_debts_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.portfolio_lines
    ADD CONSTRAINT portfolio_lines_pkey PRIMARY KEY (line_id);
ALTER TABLE ONLY public.portfolio_orders
    ADD CONSTRAINT portfolio_orders_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY public.portfolio_resources
    ADD CONSTRAINT portfolio_resources_pkey PRIMARY KEY (resource_id);
ALTER TABLE ONLY public.rebuilds
    ADD CONSTRAINT rebuilds_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.relay_replicas
    ADD CONSTRAINT relay_replicas_pkey PRIMARY KEY (holder);
ALTER TABLE ONLY public.relay_slots
    ADD CONSTRAINT relay_slots_pkey PRIMARY KEY (slot);
ALTER TABLE ONLY public.restatements
    ADD CONSTRAINT restatements_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.used_signatures
    ADD CONSTRAINT used_signatures_pkey PRIMARY KEY (signature);
CREATE INDEX event_feed_of_customer ON public.event_feed USING btree (customer_id, "position");
CREATE INDEX event_feed_of_partner ON public.event_feed USING btree (partner_id, "position");
CREATE INDEX identity_authorizations_of ON public.identity_authorizations USING btree (customer_id, partner_id);
CREATE INDEX ix_access_keys_account_id ON public.access_keys USING btree (account_id);
CREATE INDEX ix_access_keys_expires_at ON public.access_keys USING btree (expires_at);
CREATE INDEX ix_access_keys_made_by_token ON public.access_keys USING btree (made_by_token);
CREATE INDEX ix_console_sessions_credential ON public.console_sessions USING btree (credential);
CREATE INDEX ix_console_sessions_expires_at ON public.console_sessions USING btree (expires_at);
CREATE INDEX ix_idempotency_keys_created_at ON public.idempotency_keys USING btree (created_at);
CREATE INDEX ix_identity_accounts_account_name ON public.identity_accounts USING btree (account_name);
CREATE INDEX ix_identity_operators_account_name ON public.identity_operators USING btree (account_name);
CREATE INDEX ix_identity_operators_partner_id ON public.identity_operators USING btree (partner_id);
CREATE INDEX ix_inbox_received_at ON public.inbox USING btree (received_at);
CREATE INDEX ix_passwords_owner_id ON public.passwords USING btree (owner_id);
CREATE INDEX ix_portfolio_accounts_customer_id ON public.portfolio_accounts USING btree (customer_id);
CREATE INDEX ix_portfolio_coupons_customer_id ON public.portfolio_coupons USING btree (customer_id);
CREATE INDEX ix_portfolio_orders_customer_id ON public.portfolio_orders USING btree (customer_id);
CREATE INDEX ix_tokens_account_id ON public.tokens USING btree (account_id);
CREATE INDEX ix_tokens_expires_at ON public.tokens USING btree (expires_at);
CREATE INDEX ix_used_signatures_used_at ON public.used_signatures USING btree (used_at);
CREATE INDEX parked_events_waiting ON public.parked_events USING btree (consumer, stream, key, id) WHERE (state = 'waiting'::text);
CREATE INDEX portfolio_by_account_name ON public.portfolio_customers USING btree (account_name, customer_id);
CREATE INDEX portfolio_by_age ON public.portfolio_customers USING btree (COALESCE(associated_on, registered_at), customer_id);
CREATE INDEX portfolio_by_amount ON public.portfolio_customers USING btree (consumption_cycle, consumption_amount, customer_id);
CREATE INDEX portfolio_by_label ON public.portfolio_customers USING btree (partner_id, label, customer_id);
CREATE INDEX portfolio_by_manager ON public.portfolio_customers USING btree (partner_id, account_manager_name, customer_id);
CREATE INDEX portfolio_by_manager_id ON public.portfolio_customers USING btree (partner_id, account_manager_id);
CREATE INDEX portfolio_by_mobile ON public.portfolio_customers USING btree (partner_id, mobile);
CREATE INDEX portfolio_by_type ON public.portfolio_customers USING btree (partner_id, association_status, association_type);
CREATE INDEX portfolio_customers_names ON public.portfolio_customers USING gin (names);
CREATE INDEX portfolio_lines_of ON public.portfolio_lines USING btree (customer_id, bill_cycle);
CREATE INDEX portfolio_of_distributor ON public.portfolio_customers USING btree (distributor_id, customer_id);
CREATE INDEX portfolio_resources_customer ON public.portfolio_resources USING btree (customer_id, expire_at);
CREATE INDEX portfolio_resources_expiry ON public.portfolio_resources USING btree (partner_id, expire_at, customer_id);
ALTER TABLE public.event_feed ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.portfolio_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.portfolio_coupons ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.portfolio_customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.portfolio_debts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.portfolio_lines ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.portfolio_orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.portfolio_resources ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.event_feed TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.portfolio_accounts TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.portfolio_coupons TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.portfolio_customers TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.portfolio_debts TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.portfolio_lines TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.portfolio_orders TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.portfolio_resources TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
GRANT SELECT,INSERT ON TABLE public.audit_log TO channelbus_request;
GRANT SELECT ON TABLE public.consumer_positions TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.event_feed TO channelbus_request;
GRANT SELECT ON TABLE public.event_feed_horizon TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox TO channelbus_request;
GRANT SELECT ON TABLE public.parked_events TO channelbus_request;
GRANT SELECT ON TABLE public.parked_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.portfolio_accounts TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.portfolio_coupons TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.portfolio_customers TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.portfolio_debts TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.portfolio_lines TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.portfolio_orders TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.portfolio_resources TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.restatements TO channelbus_request;
GRANT SELECT ON TABLE public.visible_portfolio TO channelbus_request;
