CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    slot BIGINT NOT NULL,
    stream TEXT NOT NULL,
    key TEXT NOT NULL,
    event_id UUID NOT NULL,
    attributes BYTEA NOT NULL,
    body BYTEA NOT NULL,
    stated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE relay_slots (
    slot BIGINT NOT NULL,
    holder TEXT,
    held_until TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (slot)
);

CREATE TABLE relay_replicas (
    holder TEXT NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (holder)
);

CREATE TABLE inbox (
    consumer TEXT NOT NULL,
    event_id UUID NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (consumer, event_id)
);

CREATE INDEX ix_inbox_received_at ON inbox (received_at);

CREATE TABLE consumer_positions (
    consumer TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition BIGINT NOT NULL,
    position BIGINT NOT NULL,
    last_event TEXT,
    moved_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (consumer, topic, partition)
);

CREATE TABLE parked_keys (
    consumer TEXT NOT NULL,
    stream TEXT NOT NULL,
    key TEXT NOT NULL,
    parked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (consumer, stream, key)
);

CREATE TABLE parked_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    consumer TEXT NOT NULL,
    stream TEXT NOT NULL,
    key TEXT NOT NULL,
    partition BIGINT NOT NULL,
    position BIGINT NOT NULL,
    event_id TEXT,
    event_type TEXT,
    headers JSONB NOT NULL,
    body BYTEA NOT NULL,
    original_body BYTEA,
    error TEXT,
    attempts BIGINT NOT NULL,
    state TEXT DEFAULT 'waiting' NOT NULL,
    parked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by TEXT,
    decision TEXT,
    PRIMARY KEY (id)
);

CREATE INDEX parked_events_waiting ON parked_events (consumer, stream, key, id) WHERE state = 'waiting';

CREATE TABLE restatements (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    aggregate TEXT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    after TEXT NOT NULL,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);

CREATE TABLE rebuilds (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    began_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    asked JSONB DEFAULT '{}' NOT NULL,
    changes JSONB DEFAULT '{}' NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);

CREATE TABLE idempotency_keys (
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status BIGINT,
    body BYTEA,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (principal, key)
);

CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE audit_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    principal TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail JSONB NOT NULL,
    request_id TEXT NOT NULL,
    sealed_order BIGINT,
    seal TEXT,
    PRIMARY KEY (id),
    UNIQUE (sealed_order)
);

INSERT INTO relay_slots (slot, held_until) SELECT n, now() FROM generate_series(0, 63) AS n;

ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);

GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, idempotency_keys TO channelbus_request;

GRANT SELECT, INSERT ON audit_log, restatements TO channelbus_request;

GRANT SELECT ON parked_events, parked_keys, consumer_positions TO channelbus_request;

CREATE TABLE arrears (
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    currency TEXT NOT NULL,
    debt_amount NUMERIC(38, 2) NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (customer_id)
);

CREATE TABLE authorizations (
    id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    status TEXT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX authorizations_open ON authorizations (customer_id) WHERE status IN ('requested', 'active');

CREATE INDEX authorizations_of_partner ON authorizations (partner_id, id);

CREATE INDEX authorizations_of_customer ON authorizations (customer_id, id);

CREATE TABLE customers (
    id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    account_name TEXT NOT NULL,
    customer_name TEXT,
    xaccount_id TEXT,
    xaccount_type TEXT,
    association_type TEXT NOT NULL,
    association_status TEXT NOT NULL,
    associated_on TIMESTAMP WITH TIME ZONE,
    unlinked_on TIMESTAMP WITH TIME ZONE,
    label TEXT,
    mobile TEXT,
    email TEXT,
    country_code TEXT,
    account_manager_id TEXT,
    account_manager_name TEXT,
    customer_type BIGINT NOT NULL,
    verified_status TEXT NOT NULL,
    is_frozen BIGINT NOT NULL,
    customer_level TEXT,
    is_enterprise_master BOOLEAN DEFAULT false NOT NULL,
    enterprise_master_id TEXT,
    financial_custody BOOLEAN DEFAULT false NOT NULL,
    domain_area TEXT,
    closes_market_messages BOOLEAN NOT NULL,
    mirrored BOOLEAN NOT NULL,
    registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version BIGINT NOT NULL,
    grams TEXT[] GENERATED ALWAYS AS (search_grams('a', lower(account_name), '{1,2}') || search_grams('c', lower(coalesce(customer_name, '')), '{1,2}') || search_grams('l', coalesce(label, ''), '{1,2}')) STORED NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX customers_of_partner ON customers (partner_id, associated_on DESC, id DESC) INCLUDE (distributor_id, association_type) WHERE association_status = 'associated';

CREATE INDEX customers_grams ON customers USING gin (grams) WHERE association_status = 'associated';

CREATE UNIQUE INDEX customers_xaccount ON customers (xaccount_type, xaccount_id) WHERE NOT mirrored;

CREATE TABLE identities (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    accounts BIGINT NOT NULL,
    PRIMARY KEY (kind, value)
);

CREATE TABLE partners (
    id TEXT NOT NULL,
    distributor_id TEXT,
    kind TEXT NOT NULL,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    is_test_account BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE sightings (
    customer_id TEXT NOT NULL,
    sweep_number BIGINT NOT NULL,
    PRIMARY KEY (customer_id)
);

CREATE TABLE sweeps (
    id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    status TEXT NOT NULL,
    phase TEXT NOT NULL,
    resellers JSONB,
    scope BIGINT NOT NULL,
    cursor BIGINT NOT NULL,
    upstream_count BIGINT,
    pages_done BIGINT NOT NULL,
    steps_back BIGINT NOT NULL,
    customers_seen BIGINT NOT NULL,
    customers_changed BIGINT NOT NULL,
    requests_made BIGINT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    holder TEXT,
    held_until TIMESTAMP WITH TIME ZONE,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX sweeps_running ON sweeps (partner_id) WHERE status = 'running';

CREATE UNIQUE INDEX sweeps_by_number ON sweeps (partner_id, number);

CREATE TABLE upstream_slots (
    slot BIGINT NOT NULL,
    free_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (slot)
);

CREATE TABLE verification_codes (
    partner_id TEXT NOT NULL,
    scene BIGINT NOT NULL,
    receiver TEXT NOT NULL,
    code_mac TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    failures BIGINT NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (partner_id, scene, receiver)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON arrears TO channelbus_request;

ALTER TABLE arrears ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON arrears TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON authorizations TO channelbus_request;

ALTER TABLE authorizations ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON authorizations TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO channelbus_request;

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON customers TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON identities TO channelbus_request;

GRANT SELECT, INSERT, UPDATE, DELETE ON partners TO channelbus_request;

GRANT SELECT, INSERT, UPDATE, DELETE ON sightings TO channelbus_request;

GRANT SELECT, INSERT, UPDATE, DELETE ON sweeps TO channelbus_request;

ALTER TABLE sweeps ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON sweeps TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*') WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*');

GRANT SELECT, INSERT, UPDATE, DELETE ON upstream_slots TO channelbus_request;

GRANT SELECT, INSERT, UPDATE, DELETE ON verification_codes TO channelbus_request;

ALTER TABLE verification_codes ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON verification_codes TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*') WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*');
