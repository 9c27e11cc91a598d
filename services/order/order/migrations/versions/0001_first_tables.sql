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

CREATE TABLE authorizations (
    authorization_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    status TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (authorization_id)
);

CREATE INDEX authorizations_of_customer ON authorizations (customer_id);

CREATE TABLE customers (
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    association_type TEXT NOT NULL,
    association_status TEXT NOT NULL,
    is_frozen BIGINT DEFAULT 0 NOT NULL,
    paying_master_id TEXT,
    version BIGINT NOT NULL,
    copied_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (customer_id)
);

CREATE INDEX customers_with_master ON customers (customer_id) WHERE paying_master_id IS NOT NULL;

CREATE INDEX customers_of_partner ON customers (partner_id);

CREATE TABLE orders (
    order_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    status BIGINT NOT NULL,
    order_type BIGINT NOT NULL,
    source_type BIGINT NOT NULL,
    currency TEXT NOT NULL,
    service_type_code TEXT NOT NULL,
    service_type_name TEXT NOT NULL,
    official_amount NUMERIC(38, 2) NOT NULL,
    discount_amount NUMERIC(38, 2) NOT NULL,
    amount_after_discount NUMERIC(38, 2) NOT NULL,
    coupon_amount NUMERIC(38, 2) NOT NULL,
    flexipurchase_coupon_amount NUMERIC(38, 2) NOT NULL,
    stored_card_amount NUMERIC(38, 2) NOT NULL,
    cash_amount NUMERIC(38, 2) NOT NULL,
    credit_amount NUMERIC(38, 2) NOT NULL,
    is_combined BOOLEAN NOT NULL,
    placed_by TEXT NOT NULL,
    paying_agent_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    pay_until TIMESTAMP WITH TIME ZONE,
    paid_at TIMESTAMP WITH TIME ZONE,
    provisioning_seconds BIGINT NOT NULL,
    provision_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    end_reason TEXT,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (order_id)
);

CREATE INDEX orders_of_customer ON orders (customer_id, created_at);

CREATE INDEX orders_to_expire ON orders (pay_until) WHERE status = 6;

CREATE INDEX orders_to_complete ON orders (provision_at) WHERE status = 3;

CREATE INDEX orders_of_distributor ON orders (distributor_id, created_at);

CREATE INDEX orders_of_partner ON orders (partner_id, created_at);

CREATE INDEX orders_of_paying_agent ON orders (paying_agent_id, created_at) WHERE paying_agent_id IS NOT NULL;

CREATE TABLE partners (
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (partner_id)
);

CREATE TABLE resources (
    resource_id TEXT NOT NULL,
    resource_name TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    service_type_code TEXT NOT NULL,
    service_type_name TEXT NOT NULL,
    resource_type_code TEXT NOT NULL,
    resource_type_name TEXT NOT NULL,
    resource_spec_code TEXT NOT NULL,
    region_code TEXT NOT NULL,
    measure_size NUMERIC(38, 2),
    charging_mode BIGINT NOT NULL,
    status BIGINT NOT NULL,
    effective_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_at TIMESTAMP WITH TIME ZONE,
    expire_policy BIGINT NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (resource_id)
);

CREATE INDEX resources_of_customer ON resources (customer_id, expire_at);

CREATE INDEX resources_of_order ON resources (order_id);

CREATE TABLE order_lines (
    line_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    member_order_id TEXT,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    position BIGINT NOT NULL,
    product_id TEXT NOT NULL,
    service_type_code TEXT NOT NULL,
    service_type_name TEXT NOT NULL,
    resource_type_code TEXT NOT NULL,
    resource_type_name TEXT NOT NULL,
    resource_spec_code TEXT NOT NULL,
    region_code TEXT NOT NULL,
    charging_mode BIGINT NOT NULL,
    period_type BIGINT,
    period_num BIGINT,
    quantity BIGINT NOT NULL,
    measure_size NUMERIC(38, 2),
    official_amount NUMERIC(38, 2) NOT NULL,
    discount_amount NUMERIC(38, 2) NOT NULL,
    amount_after_discount NUMERIC(38, 2) NOT NULL,
    coupon_amount NUMERIC(38, 2) NOT NULL,
    flexipurchase_coupon_amount NUMERIC(38, 2) NOT NULL,
    effective_at TIMESTAMP WITH TIME ZONE,
    expire_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (line_id),
    FOREIGN KEY(order_id) REFERENCES orders (order_id)
);

CREATE INDEX order_lines_of_member ON order_lines (member_order_id) WHERE member_order_id IS NOT NULL;

CREATE INDEX order_lines_of_order ON order_lines (order_id, position);

CREATE TABLE payment_attempts (
    attempt_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    state TEXT NOT NULL,
    coupons JSONB NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    reason_code TEXT,
    PRIMARY KEY (attempt_id),
    FOREIGN KEY(order_id) REFERENCES orders (order_id)
);

CREATE UNIQUE INDEX one_open_attempt_per_order ON payment_attempts (order_id) WHERE state = 'open';

CREATE INDEX open_attempts_by_age ON payment_attempts (opened_at) WHERE state = 'open';

GRANT SELECT, INSERT, UPDATE, DELETE ON authorizations TO channelbus_request;

ALTER TABLE authorizations ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON authorizations TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO channelbus_request;

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON customers TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO channelbus_request;

ALTER TABLE orders ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON orders TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON partners TO channelbus_request;

ALTER TABLE partners ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON partners TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON resources TO channelbus_request;

ALTER TABLE resources ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON resources TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON order_lines TO channelbus_request;

ALTER TABLE order_lines ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON order_lines TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON payment_attempts TO channelbus_request;

ALTER TABLE payment_attempts ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON payment_attempts TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
