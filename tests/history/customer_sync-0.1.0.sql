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
CREATE FUNCTION public.append_tally_changes() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.association_status = 'associated' THEN
        INSERT INTO tally_changes
            (partner_id, distributor_id, association_type, associated_day, grams,
             account_name, customer_name, label, by)
        VALUES (OLD.partner_id, OLD.distributor_id, OLD.association_type,
                (OLD.associated_on AT TIME ZONE 'UTC')::date, OLD.grams, lower(OLD.account_name),
                lower(coalesce(OLD.customer_name, '')), coalesce(OLD.label, ''), -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.association_status = 'associated' THEN
        INSERT INTO tally_changes
            (partner_id, distributor_id, association_type, associated_day, grams,
             account_name, customer_name, label, by)
        VALUES (NEW.partner_id, NEW.distributor_id, NEW.association_type,
                (NEW.associated_on AT TIME ZONE 'UTC')::date, NEW.grams, lower(NEW.account_name),
                lower(coalesce(NEW.customer_name, '')), coalesce(NEW.label, ''), 1);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION public.search_grams(field text, value text, sizes integer[]) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT coalesce(array_agg(DISTINCT field || substr(value, start, size)), '{}'::text[])
    FROM unnest(sizes) AS size, generate_series(1, length(value)) AS start
    WHERE start + size - 1 <= length(value)
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.arrears (
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    currency text NOT NULL,
    debt_amount numeric(38,2) NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE public.association_applications (
    id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    kind text NOT NULL,
    association_type text,
    applied_by text NOT NULL,
    status text NOT NULL,
    applied_at timestamp with time zone NOT NULL,
    decided_at timestamp with time zone,
    version bigint NOT NULL
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
    id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    status text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    decided_at timestamp with time zone,
    ended_at timestamp with time zone,
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
    id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    site text NOT NULL,
    currency text NOT NULL,
    account_name text NOT NULL,
    customer_name text,
    xaccount_id text,
    xaccount_type text,
    association_type text NOT NULL,
    association_status text NOT NULL,
    associated_on timestamp with time zone,
    unlinked_on timestamp with time zone,
    label text,
    mobile text,
    email text,
    country_code text,
    account_manager_id text,
    account_manager_name text,
    customer_type bigint NOT NULL,
    verified_status text NOT NULL,
    is_frozen bigint NOT NULL,
    customer_level text,
    is_enterprise_master boolean DEFAULT false NOT NULL,
    enterprise_master_id text,
    financial_custody boolean DEFAULT false NOT NULL,
    domain_area text,
    closes_market_messages boolean NOT NULL,
    mirrored boolean NOT NULL,
    registered_at timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    grams text[] GENERATED ALWAYS AS (((public.search_grams('a'::text, lower(account_name), '{1,2}'::integer[]) || public.search_grams('c'::text, lower(COALESCE(customer_name, ''::text)), '{1,2}'::integer[])) || public.search_grams('l'::text, COALESCE(label, ''::text), '{1,2}'::integer[]))) STORED NOT NULL
);
CREATE TABLE public.enterprise_members (
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    master_id text NOT NULL,
    organization_id text NOT NULL,
    display_name text NOT NULL,
    permission_ids text[] NOT NULL,
    status bigint NOT NULL,
    joined_at timestamp with time zone NOT NULL,
    left_at timestamp with time zone
);
CREATE TABLE public.enterprise_organizations (
    id text NOT NULL,
    relation_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    master_id text NOT NULL,
    parent_id text,
    name text,
    depth bigint NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.enterprise_projects (
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    opened_at timestamp with time zone NOT NULL
);
CREATE TABLE public.face_tickets (
    ticket_hash bytea NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.idempotency_keys (
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status bigint,
    body bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.identities (
    kind text NOT NULL,
    value text NOT NULL,
    accounts bigint NOT NULL
);
CREATE TABLE public.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.new_customer_tags (
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    tag text NOT NULL,
    effective_month text NOT NULL,
    expire_month text NOT NULL
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
    id text NOT NULL,
    distributor_id text,
    kind text NOT NULL,
    site text NOT NULL,
    currency text NOT NULL,
    status text NOT NULL,
    is_test_account boolean NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE public.pending_associations (
    customer_id text NOT NULL,
    due_at timestamp with time zone NOT NULL
);
CREATE TABLE public.placed_orders (
    order_id text NOT NULL,
    customer_id text NOT NULL,
    paying_agent_id text,
    partner_id text NOT NULL,
    distributor_id text,
    source_type bigint NOT NULL,
    status bigint NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE public.realname_applications (
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    status bigint NOT NULL,
    customer_type bigint NOT NULL,
    name text NOT NULL,
    is_change boolean NOT NULL,
    files text[] NOT NULL,
    opinion text,
    applied_at timestamp with time zone NOT NULL,
    decided_at timestamp with time zone
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
CREATE TABLE public.saml_bindings (
    xaccount_type text NOT NULL,
    xaccount_id text NOT NULL,
    xuser_id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    bound_at timestamp with time zone NOT NULL
);
CREATE TABLE public.sightings (
    customer_id text NOT NULL,
    sweep_number bigint NOT NULL
)
WITH (fillfactor='70');
CREATE TABLE public.sweeps (
    id text NOT NULL,
    partner_id text NOT NULL,
    number bigint NOT NULL,
    status text NOT NULL,
    phase text NOT NULL,
    resellers jsonb,
    scope bigint NOT NULL,
    cursor bigint NOT NULL,
    upstream_count bigint,
    pages_done bigint NOT NULL,
    steps_back bigint NOT NULL,
    customers_seen bigint NOT NULL,
    customers_changed bigint NOT NULL,
    requests_made bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    last_error text,
    holder text,
    held_until timestamp with time zone,
    version bigint NOT NULL
);
CREATE TABLE public.tallies (
    partner_id text NOT NULL,
    counted text NOT NULL COLLATE pg_catalog."C",
    distributor_id text,
    customers bigint NOT NULL
);
CREATE TABLE public.tally_changes (
    number bigint NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    association_type text NOT NULL,
    associated_day date NOT NULL,
    grams text[] NOT NULL,
    account_name text DEFAULT ''::text NOT NULL,
    customer_name text DEFAULT ''::text NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    by bigint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='2000');
ALTER TABLE public.tally_changes ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tally_changes_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.upstream_slots (
    slot bigint NOT NULL,
    free_at timestamp with time zone NOT NULL
);
CREATE TABLE public.verification_codes (
    partner_id text NOT NULL,
    scene bigint NOT NULL,
    receiver text NOT NULL,
    code_mac text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    failures bigint NOT NULL,
    used_at timestamp with time zone
);
CREATE VIEW public.visible_customers AS
 SELECT id,
    partner_id,
    distributor_id,
    site,
    currency,
    account_name,
    customer_name,
    xaccount_id,
    xaccount_type,
    association_type,
    association_status,
    associated_on,
    unlinked_on,
    label,
    mobile,
    email,
    country_code,
    account_manager_id,
    account_manager_name,
    customer_type,
    verified_status,
    is_frozen,
    customer_level,
    is_enterprise_master,
    enterprise_master_id,
    financial_custody,
    domain_area,
    closes_market_messages,
    mirrored,
    registered_at,
    version,
    grams
   FROM public.customers
  WHERE ((partner_id = ( SELECT current_setting('channelbus.partner_id'::text, true) AS current_setting)) OR (distributor_id = ( SELECT current_setting('channelbus.partner_id'::text, true) AS current_setting)) OR (( SELECT current_setting('channelbus.partner_id'::text, true) AS current_setting) = '*'::text));
INSERT INTO public.alembic_version VALUES ('0013');
INSERT INTO public.arrears VALUES ('x1', 'a', NULL, 'x1', 0.00, 1);
INSERT INTO public.arrears VALUES ('x2', 'b', NULL, 'x2', 0.00, 2);
INSERT INTO public.association_applications VALUES ('x1', 'x1', 'a', NULL, 'x1', 'x1', 'x1', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 1);
INSERT INTO public.association_applications VALUES ('x2', 'x2', 'b', NULL, 'x2', 'x2', 'x2', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 2);
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', 'x1', 'a', 'x1', 'x1', '{}', 'x1', 1, 'x1');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', 'x2', 'b', 'x2', 'x2', '{}', 'x2', 2, 'x2');
INSERT INTO public.authorizations VALUES ('x1', 'x1', 'a', NULL, 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 1);
INSERT INTO public.authorizations VALUES ('x2', 'x2', 'b', NULL, 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 2);
INSERT INTO public.consumer_positions VALUES ('x1', 'x1', 1, 1, 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.consumer_positions VALUES ('x2', 'x2', 2, 2, 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.customers VALUES ('x1', 'a', NULL, 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1', 'x1', 'x1', 'x1', 'x1', 'x1', 1, 'x1', 1, 'x1', false, 'x1', false, 'x1', false, false, '2026-11-01 00:00:00+00', 1, DEFAULT);
INSERT INTO public.customers VALUES ('x2', 'b', NULL, 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2', 'x2', 'x2', 'x2', 'x2', 'x2', 2, 'x2', 2, 'x2', false, 'x2', false, 'x2', false, false, '2026-11-02 00:00:00+00', 2, DEFAULT);
INSERT INTO public.enterprise_members VALUES ('x1', 'a', NULL, 'x1', 'x1', 'x1', '{}', 1, '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00');
INSERT INTO public.enterprise_members VALUES ('x2', 'b', NULL, 'x2', 'x2', 'x2', '{}', 2, '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00');
INSERT INTO public.enterprise_organizations VALUES ('x1', 'x1', 'a', NULL, 'x1', 'x1', 'x1', 1, '2026-11-01 00:00:00+00');
INSERT INTO public.enterprise_organizations VALUES ('x2', 'x2', 'b', NULL, 'x2', 'x2', 'x2', 2, '2026-11-02 00:00:00+00');
INSERT INTO public.enterprise_projects VALUES ('x1', 'a', NULL, '2026-11-01 00:00:00+00');
INSERT INTO public.enterprise_projects VALUES ('x2', 'b', NULL, '2026-11-02 00:00:00+00');
INSERT INTO public.face_tickets VALUES ('\x01', 'x1', 'a', NULL, '2026-11-01 00:00:00+00');
INSERT INTO public.face_tickets VALUES ('\x02', 'x2', 'b', NULL, '2026-11-02 00:00:00+00');
INSERT INTO public.idempotency_keys VALUES ('x1', 'x1', 'x1', 1, '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.idempotency_keys VALUES ('x2', 'x2', 'x2', 2, '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.identities VALUES ('x1', 'x1', 1);
INSERT INTO public.identities VALUES ('x2', 'x2', 2);
INSERT INTO public.inbox VALUES ('x1', '00000000-0000-7000-8000-000000000001', '2026-11-01 00:00:00+00');
INSERT INTO public.inbox VALUES ('x2', '00000000-0000-7000-8000-000000000002', '2026-11-02 00:00:00+00');
INSERT INTO public.new_customer_tags VALUES ('x1', 'a', NULL, 'x1', 'x1', 'x1');
INSERT INTO public.new_customer_tags VALUES ('x2', 'b', NULL, 'x2', 'x2', 'x2');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (1, 1, 'x1', 'x1', '00000000-0000-7000-8000-000000000001', '\x01', '\x01', '2026-11-01 00:00:00+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (2, 2, 'x2', 'x2', '00000000-0000-7000-8000-000000000002', '\x02', '\x02', '2026-11-02 00:00:00+00');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (1, 'x1', 'x1', 'x1', 1, 1, 'x1', 'x1', '{}', '\x01', '\x01', 'x1', 1, 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1', 'x1');
INSERT INTO public.parked_events OVERRIDING SYSTEM VALUE VALUES (2, 'x2', 'x2', 'x2', 2, 2, 'x2', 'x2', '{}', '\x02', '\x02', 'x2', 2, 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2', 'x2');
INSERT INTO public.parked_keys VALUES ('x1', 'x1', 'x1', '2026-11-01 00:00:00+00');
INSERT INTO public.parked_keys VALUES ('x2', 'x2', 'x2', '2026-11-02 00:00:00+00');
INSERT INTO public.partners VALUES ('x1', NULL, 'x1', 'x1', 'x1', 'x1', false, 1);
INSERT INTO public.partners VALUES ('x2', NULL, 'x2', 'x2', 'x2', 'x2', false, 2);
INSERT INTO public.pending_associations VALUES ('x1', '2026-11-01 00:00:00+00');
INSERT INTO public.pending_associations VALUES ('x2', '2026-11-02 00:00:00+00');
INSERT INTO public.placed_orders VALUES ('x1', 'x1', 'x1', 'a', NULL, 1, 1, 1);
INSERT INTO public.placed_orders VALUES ('x2', 'x2', 'x2', 'b', NULL, 2, 2, 2);
INSERT INTO public.realname_applications VALUES ('x1', 'a', NULL, 1, 1, 'x1', false, '{}', 'x1', '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00');
INSERT INTO public.realname_applications VALUES ('x2', 'b', NULL, 2, 2, 'x2', false, '{}', 'x2', '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00');
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-01 00:00:00+00', '{}', '{}', '2026-11-01 00:00:00+00');
INSERT INTO public.rebuilds OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-02 00:00:00+00', '{}', '{}', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x1', '2026-11-01 00:00:00+00');
INSERT INTO public.relay_replicas VALUES ('x2', '2026-11-02 00:00:00+00');
INSERT INTO public.relay_slots VALUES (0, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (1, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (2, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (3, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (4, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (5, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (6, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (7, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (8, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (9, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (10, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (11, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (12, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (13, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (14, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (15, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (16, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (17, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (18, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (19, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (20, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (21, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (22, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (23, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (24, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (25, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (26, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (27, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (28, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (29, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (30, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (31, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (32, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (33, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (34, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (35, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (36, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (37, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (38, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (39, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (40, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (41, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (42, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (43, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (44, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (45, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (46, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (47, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (48, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (49, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (50, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (51, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (52, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (53, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (54, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (55, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (56, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (57, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (58, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (59, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (60, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (61, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (62, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.relay_slots VALUES (63, NULL, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.restatements OVERRIDING SYSTEM VALUE VALUES (1, 'x1', '2026-11-01 00:00:00+00', 'x1', 1, 1, '2026-11-01 00:00:00+00');
INSERT INTO public.restatements OVERRIDING SYSTEM VALUE VALUES (2, 'x2', '2026-11-02 00:00:00+00', 'x2', 2, 2, '2026-11-02 00:00:00+00');
INSERT INTO public.saml_bindings VALUES ('x1', 'x1', 'x1', 'x1', 'a', NULL, '2026-11-01 00:00:00+00');
INSERT INTO public.saml_bindings VALUES ('x2', 'x2', 'x2', 'x2', 'b', NULL, '2026-11-02 00:00:00+00');
INSERT INTO public.sightings VALUES ('x1', 1);
INSERT INTO public.sightings VALUES ('x2', 2);
INSERT INTO public.sweeps VALUES ('x1', 'a', 1, 'x1', 'x1', '{}', 1, 1, 1, 1, 1, 1, 1, 1, '2026-11-01 00:00:00+00', '2026-11-01 00:00:00+00', 'x1', 'x1', '2026-11-01 00:00:00+00', 1);
INSERT INTO public.sweeps VALUES ('x2', 'b', 2, 'x2', 'x2', '{}', 2, 2, 2, 2, 2, 2, 2, 2, '2026-11-02 00:00:00+00', '2026-11-02 00:00:00+00', 'x2', 'x2', '2026-11-02 00:00:00+00', 2);
INSERT INTO public.tallies VALUES ('a', 'x1', NULL, 1);
INSERT INTO public.tallies VALUES ('b', 'x2', NULL, 2);
INSERT INTO public.tally_changes OVERRIDING SYSTEM VALUE VALUES (1, 'a', NULL, 'x1', '2026-11-01', '{}', 'x1', 'x1', 'x1', 1);
INSERT INTO public.tally_changes OVERRIDING SYSTEM VALUE VALUES (2, 'b', NULL, 'x2', '2026-11-02', '{}', 'x2', 'x2', 'x2', 2);
INSERT INTO public.upstream_slots VALUES (0, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.upstream_slots VALUES (1, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.upstream_slots VALUES (2, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.upstream_slots VALUES (3, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.upstream_slots VALUES (4, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.upstream_slots VALUES (5, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.upstream_slots VALUES (6, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.upstream_slots VALUES (7, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.upstream_slots VALUES (8, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.upstream_slots VALUES (9, '2026-11-29 06:28:10.019357+00');
INSERT INTO public.verification_codes VALUES ('a', 1, 'x1', 'x1', '2026-11-01 00:00:00+00', 1, '2026-11-01 00:00:00+00');
INSERT INTO public.verification_codes VALUES ('b', 2, 'x2', 'x2', '2026-11-02 00:00:00+00', 2, '2026-11-02 00:00:00+00');
SELECT pg_catalog.setval('public.audit_log_id_seq', 2, true);
SELECT pg_catalog.setval('public.outbox_id_seq', 2, true);
SELECT pg_catalog.setval('public.parked_events_id_seq', 2, true);
SELECT pg_catalog.setval('public.rebuilds_id_seq', 2, true);
SELECT pg_catalog.setval('public.restatements_id_seq', 2, true);
SELECT pg_catalog.setval('public.tally_changes_number_seq', 2, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.arrears
    ADD CONSTRAINT arrears_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.association_applications
    ADD CONSTRAINT association_applications_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_sealed_order_key UNIQUE (sealed_order);
ALTER TABLE ONLY public.authorizations
    ADD CONSTRAINT authorizations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.consumer_positions
    ADD CONSTRAINT consumer_positions_pkey PRIMARY KEY (consumer, topic, partition);
ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.enterprise_members
    ADD CONSTRAINT enterprise_members_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.enterprise_organizations
    ADD CONSTRAINT enterprise_organizations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.enterprise_projects
    ADD CONSTRAINT enterprise_projects_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.face_tickets
    ADD CONSTRAINT face_tickets_pkey PRIMARY KEY (ticket_hash);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, key);
ALTER TABLE ONLY public.identities
    ADD CONSTRAINT identities_pkey PRIMARY KEY (kind, value);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);
ALTER TABLE ONLY public.new_customer_tags
    ADD CONSTRAINT new_customer_tags_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parked_events
    ADD CONSTRAINT parked_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parked_keys
    ADD CONSTRAINT parked_keys_pkey PRIMARY KEY (consumer, stream, key);
ALTER TABLE ONLY public.partners
    ADD CONSTRAINT partners_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pending_associations
    ADD CONSTRAINT pending_associations_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.placed_orders
    ADD CONSTRAINT placed_orders_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY public.realname_applications
    ADD CONSTRAINT realname_applications_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.rebuilds
    ADD CONSTRAINT rebuilds_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.relay_replicas
    ADD CONSTRAINT relay_replicas_pkey PRIMARY KEY (holder);
ALTER TABLE ONLY public.relay_slots
    ADD CONSTRAINT relay_slots_pkey PRIMARY KEY (slot);
ALTER TABLE ONLY public.restatements
    ADD CONSTRAINT restatements_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.saml_bindings
    ADD CONSTRAINT saml_bindings_pkey PRIMARY KEY (xaccount_type, xaccount_id, xuser_id);
ALTER TABLE ONLY public.sightings
    ADD CONSTRAINT sightings_pkey PRIMARY KEY (customer_id);
ALTER TABLE ONLY public.sweeps
    ADD CONSTRAINT sweeps_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.tallies
    ADD CONSTRAINT tallies_pkey PRIMARY KEY (partner_id, counted);
ALTER TABLE ONLY public.tally_changes
    ADD CONSTRAINT tally_changes_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.upstream_slots
    ADD CONSTRAINT upstream_slots_pkey PRIMARY KEY (slot);
ALTER TABLE ONLY public.verification_codes
    ADD CONSTRAINT verification_codes_pkey PRIMARY KEY (partner_id, scene, receiver);
CREATE INDEX association_applications_of_customer ON public.association_applications USING btree (customer_id, applied_at);
CREATE INDEX association_applications_of_partner ON public.association_applications USING btree (partner_id, id);
CREATE UNIQUE INDEX association_applications_open ON public.association_applications USING btree (customer_id) WHERE (status = 'open'::text);
CREATE INDEX authorizations_of_customer ON public.authorizations USING btree (customer_id, id);
CREATE INDEX authorizations_of_partner ON public.authorizations USING btree (partner_id, id);
CREATE UNIQUE INDEX authorizations_open ON public.authorizations USING btree (customer_id) WHERE (status = ANY (ARRAY['requested'::text, 'active'::text]));
CREATE INDEX customers_grams ON public.customers USING gin (grams) WHERE (association_status = 'associated'::text);
CREATE INDEX customers_of_partner ON public.customers USING btree (partner_id, associated_on DESC, id DESC) INCLUDE (distributor_id, association_type) WHERE (association_status = 'associated'::text);
CREATE UNIQUE INDEX customers_xaccount ON public.customers USING btree (xaccount_type, xaccount_id) WHERE (NOT mirrored);
CREATE INDEX enterprise_members_of_master ON public.enterprise_members USING btree (master_id, customer_id);
CREATE INDEX enterprise_organizations_of_master ON public.enterprise_organizations USING btree (master_id);
CREATE UNIQUE INDEX enterprise_roots ON public.enterprise_organizations USING btree (master_id) WHERE (parent_id IS NULL);
CREATE INDEX face_tickets_of_customer ON public.face_tickets USING btree (customer_id);
CREATE INDEX ix_idempotency_keys_created_at ON public.idempotency_keys USING btree (created_at);
CREATE INDEX ix_inbox_received_at ON public.inbox USING btree (received_at);
CREATE INDEX ix_tally_changes_partner_id ON public.tally_changes USING btree (partner_id);
CREATE INDEX parked_events_waiting ON public.parked_events USING btree (consumer, stream, key, id) WHERE (state = 'waiting'::text);
CREATE INDEX pending_associations_due ON public.pending_associations USING btree (due_at);
CREATE INDEX placed_orders_asked ON public.placed_orders USING btree (paying_agent_id) WHERE (status = ANY (ARRAY[(1)::bigint, (6)::bigint, (9)::bigint]));
CREATE INDEX placed_orders_waiting ON public.placed_orders USING btree (customer_id) WHERE (status = ANY (ARRAY[(1)::bigint, (6)::bigint, (9)::bigint]));
CREATE INDEX saml_bindings_of_customer ON public.saml_bindings USING btree (customer_id);
CREATE UNIQUE INDEX sweeps_by_number ON public.sweeps USING btree (partner_id, number);
CREATE UNIQUE INDEX sweeps_running ON public.sweeps USING btree (partner_id) WHERE (status = 'running'::text);
CREATE TRIGGER tally_changed AFTER UPDATE ON public.customers FOR EACH ROW WHEN (((((((((old.partner_id IS DISTINCT FROM new.partner_id) OR (old.distributor_id IS DISTINCT FROM new.distributor_id)) OR (old.association_status IS DISTINCT FROM new.association_status)) OR (old.association_type IS DISTINCT FROM new.association_type)) OR (old.associated_on IS DISTINCT FROM new.associated_on)) OR (old.account_name IS DISTINCT FROM new.account_name)) OR (old.customer_name IS DISTINCT FROM new.customer_name)) OR (old.label IS DISTINCT FROM new.label))) EXECUTE FUNCTION public.append_tally_changes();
CREATE TRIGGER tally_made_or_gone AFTER INSERT OR DELETE ON public.customers FOR EACH ROW EXECUTE FUNCTION public.append_tally_changes();
ALTER TABLE public.arrears ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.association_applications ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.authorizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.enterprise_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.enterprise_organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.enterprise_projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.face_tickets ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.new_customer_tags ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.placed_orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.realname_applications ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.saml_bindings ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sweeps ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tallies ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tally_changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.arrears TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.association_applications TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.authorizations TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.customers TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.enterprise_members TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.enterprise_organizations TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.enterprise_projects TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.face_tickets TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.new_customer_tags TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.placed_orders TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.realname_applications TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.saml_bindings TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.sweeps TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text)));
CREATE POLICY tenant ON public.tallies TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.tally_changes TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true)))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text) OR (distributor_id = current_setting('channelbus.partner_id'::text, true))));
CREATE POLICY tenant ON public.verification_codes TO channelbus_request USING (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text))) WITH CHECK (((partner_id = current_setting('channelbus.partner_id'::text, true)) OR (current_setting('channelbus.partner_id'::text, true) = '*'::text)));
ALTER TABLE public.verification_codes ENABLE ROW LEVEL SECURITY;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.arrears TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.association_applications TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.audit_log TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.authorizations TO channelbus_request;
GRANT SELECT ON TABLE public.consumer_positions TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.customers TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.enterprise_members TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.enterprise_organizations TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.enterprise_projects TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.face_tickets TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.identities TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.new_customer_tags TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox TO channelbus_request;
GRANT SELECT ON TABLE public.parked_events TO channelbus_request;
GRANT SELECT ON TABLE public.parked_keys TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.partners TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pending_associations TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.placed_orders TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.realname_applications TO channelbus_request;
GRANT SELECT,INSERT ON TABLE public.restatements TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.saml_bindings TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sightings TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sweeps TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tallies TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tally_changes TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.upstream_slots TO channelbus_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.verification_codes TO channelbus_request;
GRANT SELECT ON TABLE public.visible_customers TO channelbus_request;
