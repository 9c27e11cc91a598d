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

CREATE TABLE attempts (
    id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    state TEXT NOT NULL,
    asked JSONB NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);

CREATE INDEX ix_attempts_order_id ON attempts (order_id);

CREATE TABLE coupon_records (
    id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    operation_type TEXT NOT NULL,
    quota_id TEXT NOT NULL,
    quota_type BIGINT NOT NULL,
    coupon_id TEXT,
    customer_id TEXT NOT NULL,
    amount NUMERIC(38, 2) NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    result TEXT NOT NULL,
    remark TEXT,
    PRIMARY KEY (id)
);

CREATE INDEX coupon_records_of ON coupon_records (partner_id, at);

CREATE TABLE customers (
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    association_type TEXT NOT NULL,
    association_status TEXT NOT NULL,
    associated_on TIMESTAMP WITH TIME ZONE,
    first_associated_on TIMESTAMP WITH TIME ZONE,
    financial_custody BOOLEAN DEFAULT false NOT NULL,
    enterprise_master_id TEXT,
    version BIGINT NOT NULL,
    PRIMARY KEY (customer_id)
);

CREATE TABLE movements (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    quota_id TEXT NOT NULL,
    coupon_id TEXT,
    order_id TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX movements_of_coupon ON movements (coupon_id);

CREATE TABLE orders (
    order_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    customer_id TEXT NOT NULL,
    paying_agent_id TEXT,
    status BIGINT NOT NULL,
    currency TEXT NOT NULL,
    lines JSONB NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (order_id)
);

CREATE TABLE partners (
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    kind TEXT NOT NULL,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    coupon_mode TEXT NOT NULL,
    is_test_account BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (partner_id)
);

CREATE TABLE quotas (
    id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    parent_quota_id TEXT,
    quota_type BIGINT NOT NULL,
    quota_status BIGINT NOT NULL,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    quota_value NUMERIC(38, 2) NOT NULL,
    balance NUMERIC(38, 2) NOT NULL,
    effective_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_at TIMESTAMP WITH TIME ZONE NOT NULL,
    limits JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id),
    CHECK (balance >= 0)
);

CREATE INDEX quotas_of ON quotas (partner_id, id);

CREATE TABLE coupons (
    id TEXT NOT NULL,
    quota_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    customer_id TEXT NOT NULL,
    coupon_type BIGINT NOT NULL,
    status BIGINT NOT NULL,
    is_frozen BOOLEAN NOT NULL,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    face_value NUMERIC(38, 2) NOT NULL,
    balance NUMERIC(38, 2) NOT NULL,
    reserved_amount NUMERIC(38, 2) NOT NULL,
    returned_amount NUMERIC(38, 2) NOT NULL,
    lock_order_id TEXT,
    order_id TEXT,
    recall_due BIGINT,
    limits JSONB NOT NULL,
    memo TEXT,
    effective_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    version BIGINT NOT NULL,
    PRIMARY KEY (id),
    CHECK (reserved_amount >= 0 AND balance >= reserved_amount),
    FOREIGN KEY(quota_id) REFERENCES quotas (id)
);

CREATE INDEX coupons_issued ON coupons (partner_id, created_at);

CREATE INDEX coupons_ending ON coupons (expire_at) WHERE status IN (1, 2);

CREATE INDEX coupons_of_quota ON coupons (quota_id);

CREATE INDEX coupons_held ON coupons (customer_id, created_at);

CREATE TABLE postings (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    movement_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    account_kind TEXT NOT NULL,
    account_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount NUMERIC(38, 2) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(movement_id) REFERENCES movements (id)
);

CREATE INDEX postings_of_movement ON postings (movement_id);

CREATE INDEX postings_of_account ON postings (account_kind, account_id);

CREATE TABLE reservations (
    attempt_id TEXT NOT NULL,
    coupon_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    coupon_type BIGINT NOT NULL,
    amount NUMERIC(38, 2) NOT NULL,
    PRIMARY KEY (attempt_id, coupon_id),
    FOREIGN KEY(attempt_id) REFERENCES attempts (id),
    FOREIGN KEY(coupon_id) REFERENCES coupons (id)
);

CREATE INDEX reservations_of_order ON reservations (order_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON attempts TO channelbus_request;

GRANT SELECT, INSERT, UPDATE, DELETE ON coupon_records TO channelbus_request;

ALTER TABLE coupon_records ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON coupon_records TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO channelbus_request;

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON customers TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON movements TO channelbus_request;

ALTER TABLE movements ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON movements TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO channelbus_request;

ALTER TABLE orders ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON orders TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON partners TO channelbus_request;

ALTER TABLE partners ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON partners TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON quotas TO channelbus_request;

ALTER TABLE quotas ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON quotas TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON coupons TO channelbus_request;

ALTER TABLE coupons ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON coupons TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON postings TO channelbus_request;

ALTER TABLE postings ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON postings TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON reservations TO channelbus_request;

ALTER TABLE reservations ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON reservations TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
