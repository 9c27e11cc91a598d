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
CREATE TABLE public.consumer_positions (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition bigint NOT NULL,
    "position" bigint NOT NULL,
    last_event text,
    moved_at timestamp with time zone DEFAULT now() NOT NULL
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
CREATE TABLE public.operators (
    operator_id text NOT NULL,
    partner_id text NOT NULL,
    account_name text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    permissions jsonb NOT NULL,
    status text NOT NULL,
    added_at timestamp with time zone NOT NULL,
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
    name text NOT NULL,
    account_name text NOT NULL,
    kind text NOT NULL,
    site text NOT NULL,
    currency text NOT NULL,
    status text NOT NULL,
    coupon_mode text NOT NULL,
    is_test_account boolean NOT NULL,
    verification_enabled boolean NOT NULL,
    mobile text,
    email text,
    account_manager_id text,
    account_manager_name text,
    joined_on timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT resellers_belong CHECK (((kind = 'reseller'::text) = (distributor_id IS NOT NULL)))
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
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', 'x1', 'a', 'x1', 'x1', '{}', 'x1', 1, 'x1');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', 'x2', 'b', 'x2', 'x2', '{}', 'x2', 2, 'x2');
INSERT INTO public.consumer_positions VALUES ('x1', 'x1', 1, 1, 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.consumer_positions VALUES ('x2', 'x2', 2, 2, 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.idempotency_keys VALUES ('x1', 'x1', 'x1', 1, '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.idempotency_keys VALUES ('x2', 'x2', 'x2', 2, '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.inbox VALUES ('x1', '00000000-0000-7000-8000-000000000001', '2026-11-01 00:00:00+00');
INSERT INTO public.inbox VALUES ('x2', '00000000-0000-7000-8000-000000000002', '2026-11-02 00:00:00+00');
INSERT INTO public.operators VALUES ('x1', 'a', 'x1', 'x1', 'x1', '{}', 'x1', '2026-11-01 00:00:00+00', 1);
INSERT INTO public.operators VALUES ('x2', 'b', 'x2', 'x2', 'x2', '{}', 'x2', '2026-11-02 00:00:00+00', 2);
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (1, 1, 'x1', 'x1', '00000000-0000-7000-8000-000000000001', '\x01', '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (2, 2, 'x2', 'x2', '00000000-0000-7000-8000-000000000002', '\x02', '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (1, 'x1', 'x1', 'x1', 1, 1, 'x1', 'x1', '{}', '\x01', '\x01', 'x1', 1, 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1', 'x1');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (2, 'x2', 'x2', 'x2', 2, 2, 'x2', 'x2', '{}', '\x02', '\x02', 'x2', 2, 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2', 'x2');
INSERT INTO public.parked_keys VALUES ('x1', 'x1', 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.parked_keys VALUES ('x2', 'x2', 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.partners VALUES ('a', NULL, 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', false, false, 'x1', 'x1', 'x1', 'x1', '2026-11-01 00:00:00+00', 1);
INSERT INTO public.partners VALUES ('b', NULL, 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', false, false, 'x2', 'x2', 'x2', 'x2', '2026-11-02 00:00:00+00', 2);
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', '{}', '{}', '2026-11-01 00:00:00+00');
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', '{}', '{}', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x1', '2026-11-01 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x2', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_slots VALUES (0, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (1, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (2, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (3, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (4, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (5, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (6, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (7, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (8, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (9, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (10, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (11, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (12, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (13, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (14, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (15, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (16, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (17, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (18, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (19, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (20, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (21, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (22, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (23, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (24, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (25, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (26, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (27, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (28, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (29, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (30, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (31, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (32, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (33, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (34, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (35, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (36, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (37, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (38, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (39, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (40, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (41, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (42, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (43, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (44, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (45, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (46, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (47, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (48, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (49, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (50, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (51, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (52, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (53, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (54, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (55, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (56, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (57, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (58, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (59, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (60, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (61, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (62, NULL, '2026-11-29 06:28:11.500894+00');
INSERT INTO public.relay_slots VALUES (63, NULL, '2026-11-29 06:28:11.500894+00');
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
ALTER TABLE ONLY public.consumer_positions
    ADD CONSTRAINT consumer_positions_pkey PRIMARY KEY (consumer, topic, partition);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, key);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);
ALTER TABLE ONLY public.operators
    ADD CONSTRAINT operators_account_name UNIQUE (partner_id, account_name);
ALTER TABLE ONLY public.operators
    ADD CONSTRAINT operators_pkey PRIMARY KEY (operator_id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parked_events
    ADD CONSTRAINT parked_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parked_keys
    ADD CONSTRAINT parked_keys_pkey PRIMARY KEY (consumer, stream, key);
ALTER TABLE ONLY public.partners
    ADD CONSTRAINT partners_account_name UNIQUE (account_name);
ALTER TABLE ONLY public.partners
    ADD CONSTRAINT partners_pkey PRIMARY KEY (partner_id);
ALTER TABLE ONLY public.rebuilds
    ADD CONSTRAINT rebuilds_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.relay_replicas
    ADD CONSTRAINT relay_replicas_pkey PRIMARY KEY (holder);
ALTER TABLE ONLY public.relay_slots
    ADD CONSTRAINT relay_slots_pkey PRIMARY KEY (slot);
ALTER TABLE ONLY public.restatements
    ADD CONSTRAINT restatements_pkey PRIMARY KEY (id);
CREATE INDEX ix_idempotency_keys_created_at ON public.idempotency_keys USING btree (created_at);
CREATE INDEX ix_inbox_received_at ON public.inbox USING btree (received_at);
CREATE INDEX parked_events_waiting ON public.parked_events USING btree (consumer, stream, key, id) WHERE (state = 'waiting'::text);
CREATE INDEX partners_below ON public.partners USING btree (distributor_id, joined_on, partner_id);
ALTER TABLE ONLY public.operators
    ADD CONSTRAINT operators_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(partner_id);
ALTER TABLE ONLY public.partners
    ADD CONSTRAINT partners_distributor_id_fkey FOREIGN KEY (distributor_id) REFERENCES public.partners(partner_id);
ALTER TABLE public.operators ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.partners ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.operators TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text)));
CREATE POLICY tenant ON public.partners TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
GRANT SELECT,INSERT ON TABLE public.audit_log TO channelbus_request;
GRANT SELECT ON TABLE public.consumer_positions TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.operators TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox TO channelbus_request;
GRANT SELECT ON TABLE public.parked_events TO channelbus_request;
GRANT SELECT ON TABLE public.parked_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.partners TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.restatements TO channelbus_request;
