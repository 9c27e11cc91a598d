CREATE TABLE partner_vouchers (
    id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    origin TEXT NOT NULL,
    status BIGINT NOT NULL,
    site TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount NUMERIC(38, 2) NOT NULL,
    balance NUMERIC(38, 2) NOT NULL,
    lapsed_amount NUMERIC(38, 2) NOT NULL,
    limits JSONB NOT NULL,
    effective_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    version BIGINT NOT NULL,
    PRIMARY KEY (id),
    CHECK (balance >= 0 AND lapsed_amount >= 0)
);

CREATE INDEX partner_vouchers_of ON partner_vouchers (partner_id, id);

CREATE INDEX partner_vouchers_ending ON partner_vouchers (expire_at) WHERE status = 2;

CREATE TABLE settlements (
    id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    content_hash TEXT NOT NULL,
    answer JSONB NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX settlements_of ON settlements (partner_id, id);

CREATE TABLE settled_lines (
    partner_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    distributor_id TEXT,
    settlement_id TEXT NOT NULL,
    trade_time TIMESTAMP WITH TIME ZONE NOT NULL,
    customer_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount NUMERIC(38, 2) NOT NULL,
    due NUMERIC(38, 2) NOT NULL,
    forfeited NUMERIC(38, 2) NOT NULL,
    refund_of TEXT,
    refund_case TEXT,
    PRIMARY KEY (partner_id, line_id),
    FOREIGN KEY(settlement_id) REFERENCES settlements (id)
);

CREATE INDEX settled_lines_of_settlement ON settled_lines (settlement_id);

CREATE INDEX settled_lines_refunding ON settled_lines (partner_id, refund_of);

CREATE TABLE settled_parts (
    partner_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    place BIGINT NOT NULL,
    distributor_id TEXT,
    voucher_id TEXT NOT NULL,
    amount NUMERIC(38, 2) NOT NULL,
    lapsed BOOLEAN NOT NULL,
    PRIMARY KEY (partner_id, line_id, place),
    FOREIGN KEY(partner_id, line_id) REFERENCES settled_lines (partner_id, line_id),
    FOREIGN KEY(voucher_id) REFERENCES partner_vouchers (id)
);

CREATE INDEX settled_parts_of_voucher ON settled_parts (voucher_id);

ALTER TABLE movements ALTER COLUMN quota_id DROP NOT NULL;

ALTER TABLE movements ADD COLUMN voucher_id TEXT, ADD COLUMN settlement_id TEXT;
