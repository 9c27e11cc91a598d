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

CREATE TABLE identity_accounts (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    account_name TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    site TEXT NOT NULL,
    status TEXT,
    xaccount_type TEXT,
    association_type TEXT,
    association_status TEXT,
    version BIGINT NOT NULL,
    requests_per_second BIGINT,
    PRIMARY KEY (id)
);

CREATE INDEX ix_identity_accounts_account_name ON identity_accounts (account_name);

CREATE TABLE identity_operators (
    id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    account_name TEXT NOT NULL,
    permissions JSONB NOT NULL,
    status TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_identity_operators_partner_id ON identity_operators (partner_id);

CREATE INDEX ix_identity_operators_account_name ON identity_operators (account_name);

CREATE TABLE identity_authorizations (
    id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    status TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX identity_authorizations_of ON identity_authorizations (customer_id, partner_id);

CREATE TABLE passwords (
    ref TEXT NOT NULL,
    owner_id TEXT,
    hash TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (ref)
);

CREATE INDEX ix_passwords_owner_id ON passwords (owner_id);

CREATE TABLE access_keys (
    access TEXT NOT NULL,
    account_id TEXT NOT NULL,
    operator_id TEXT,
    acting_partner_id TEXT,
    secret BYTEA NOT NULL,
    secret_key_id TEXT NOT NULL,
    security_token_hash TEXT,
    made_by_token TEXT,
    status TEXT DEFAULT 'active' NOT NULL,
    description TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (access)
);

CREATE INDEX ix_access_keys_expires_at ON access_keys (expires_at);

CREATE INDEX ix_access_keys_made_by_token ON access_keys (made_by_token);

CREATE INDEX ix_access_keys_account_id ON access_keys (account_id);

CREATE TABLE tokens (
    hash TEXT NOT NULL,
    account_id TEXT NOT NULL,
    operator_id TEXT,
    acting_partner_id TEXT,
    method TEXT NOT NULL,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (hash)
);

CREATE INDEX ix_tokens_account_id ON tokens (account_id);

CREATE INDEX ix_tokens_expires_at ON tokens (expires_at);

CREATE TABLE used_signatures (
    signature TEXT NOT NULL,
    access TEXT NOT NULL,
    request_id TEXT NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (signature)
);

CREATE INDEX ix_used_signatures_used_at ON used_signatures (used_at);
