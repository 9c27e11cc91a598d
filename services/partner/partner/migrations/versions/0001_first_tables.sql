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

CREATE TABLE partners (
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    name TEXT NOT NULL,
    account_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    coupon_mode TEXT NOT NULL,
    is_test_account BOOLEAN NOT NULL,
    verification_enabled BOOLEAN NOT NULL,
    mobile TEXT,
    email TEXT,
    account_manager_id TEXT,
    account_manager_name TEXT,
    joined_on TIMESTAMP WITH TIME ZONE NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (partner_id),
    CONSTRAINT partners_account_name UNIQUE (account_name),
    CONSTRAINT resellers_belong CHECK ((kind = 'reseller') = (distributor_id IS NOT NULL)),
    FOREIGN KEY(distributor_id) REFERENCES partners (partner_id)
);

CREATE INDEX partners_below ON partners (distributor_id, joined_on, partner_id);

CREATE TABLE operators (
    operator_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    account_name TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    permissions JSONB NOT NULL,
    status TEXT NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (operator_id),
    CONSTRAINT operators_account_name UNIQUE (partner_id, account_name),
    FOREIGN KEY(partner_id) REFERENCES partners (partner_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON partners TO channelbus_request;

ALTER TABLE partners ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON partners TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON operators TO channelbus_request;

ALTER TABLE operators ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON operators TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*') WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*');
