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

CREATE TABLE accounts (
    account_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    account_type BIGINT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    balance NUMERIC(38, 2) NOT NULL,
    held NUMERIC(38, 2) NOT NULL,
    designated_amount NUMERIC(38, 2) NOT NULL,
    credit_amount NUMERIC(38, 2),
    version BIGINT NOT NULL,
    PRIMARY KEY (account_id),
    CONSTRAINT covered CHECK (account_type > 100 OR (held >= 0 AND held <= balance)),
    CONSTRAINT designated CHECK (designated_amount >= 0)
);

CREATE UNIQUE INDEX accounts_of_owner ON accounts (owner_id, account_type);

CREATE TABLE bill_lines (
    line_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    payer_id TEXT,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    association_type TEXT NOT NULL,
    account_manager_id TEXT,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    bill_cycle TEXT NOT NULL,
    bill_date DATE NOT NULL,
    bill_type BIGINT NOT NULL,
    charging_mode BIGINT NOT NULL,
    trade_id TEXT NOT NULL,
    order_id TEXT,
    order_type BIGINT,
    usage_record_id TEXT,
    resource_id TEXT,
    resource_name TEXT,
    service_type_code TEXT NOT NULL,
    service_type_name TEXT NOT NULL,
    resource_type_code TEXT NOT NULL,
    resource_type_name TEXT NOT NULL,
    resource_spec_code TEXT NOT NULL,
    product_id TEXT NOT NULL,
    region_code TEXT NOT NULL,
    trade_time TIMESTAMP WITH TIME ZONE NOT NULL,
    consume_time TIMESTAMP WITH TIME ZONE NOT NULL,
    period_type BIGINT,
    period_num BIGINT,
    usage_type TEXT,
    usage_amount NUMERIC(38, 10),
    usage_measure_id BIGINT,
    official_amount NUMERIC(38, 8) NOT NULL,
    official_discount_amount NUMERIC(38, 8) NOT NULL,
    erase_amount NUMERIC(38, 8) NOT NULL,
    payment_amount NUMERIC(38, 2) NOT NULL,
    coupon_amount NUMERIC(38, 2) NOT NULL,
    flexipurchase_coupon_amount NUMERIC(38, 2) NOT NULL,
    stored_value_card_amount NUMERIC(38, 2) NOT NULL,
    bonus_amount NUMERIC(38, 2) NOT NULL,
    cash_amount NUMERIC(38, 2) NOT NULL,
    credit_amount NUMERIC(38, 2) NOT NULL,
    debt_amount NUMERIC(38, 2) NOT NULL,
    writeoff_amount NUMERIC(38, 2) NOT NULL,
    PRIMARY KEY (line_id),
    CONSTRAINT official CHECK (official_amount = official_discount_amount + erase_amount + payment_amount),
    CONSTRAINT payment CHECK (payment_amount = cash_amount + credit_amount + coupon_amount + flexipurchase_coupon_amount + stored_value_card_amount + bonus_amount + debt_amount + writeoff_amount),
    CONSTRAINT arrears CHECK (debt_amount >= 0 AND writeoff_amount >= 0)
);

CREATE INDEX bill_lines_owed ON bill_lines (customer_id, trade_time, line_id) WHERE debt_amount > 0;

CREATE INDEX bill_lines_of_partner ON bill_lines (partner_id, bill_cycle, customer_id);

CREATE UNIQUE INDEX bill_lines_of_record ON bill_lines (usage_record_id);

CREATE INDEX bill_lines_of_customer ON bill_lines (customer_id, bill_cycle, trade_time, line_id);

CREATE TABLE customers (
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    account_name TEXT NOT NULL,
    customer_name TEXT,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    association_type TEXT NOT NULL,
    association_status TEXT NOT NULL,
    account_manager_id TEXT,
    version BIGINT NOT NULL,
    PRIMARY KEY (customer_id)
);

CREATE TABLE movements (
    movement_id TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    reason TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    customer_id TEXT,
    order_id TEXT,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount NUMERIC(38, 2) NOT NULL,
    memo TEXT,
    PRIMARY KEY (movement_id)
);

CREATE INDEX movements_of_partner ON movements (partner_id, reason, at, movement_id);

CREATE INDEX movements_of_customer ON movements (customer_id, at);

CREATE TABLE partners (
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    kind TEXT NOT NULL,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (partner_id)
);

CREATE TABLE payment_attempts (
    attempt_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    currency TEXT NOT NULL,
    cash_amount NUMERIC(38, 2) NOT NULL,
    credit_amount NUMERIC(38, 2) NOT NULL,
    was_resale BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (attempt_id)
);

CREATE INDEX attempts_held ON payment_attempts (customer_id) WHERE state = 'held';

CREATE TABLE postings (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    movement_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    amount NUMERIC(38, 2) NOT NULL,
    balance_after NUMERIC(38, 2) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(movement_id) REFERENCES movements (movement_id),
    FOREIGN KEY(account_id) REFERENCES accounts (account_id)
);

CREATE INDEX postings_of_account ON postings (account_id, id);

CREATE INDEX postings_of_movement ON postings (movement_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON accounts TO channelbus_request;

ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON accounts TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON bill_lines TO channelbus_request;

ALTER TABLE bill_lines ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON bill_lines TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO channelbus_request;

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON customers TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON movements TO channelbus_request;

ALTER TABLE movements ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON movements TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON partners TO channelbus_request;

ALTER TABLE partners ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON partners TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON payment_attempts TO channelbus_request;

ALTER TABLE payment_attempts ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON payment_attempts TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON postings TO channelbus_request;

ALTER TABLE postings ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON postings TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
