CREATE TABLE event_feed (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    event_id UUID NOT NULL,
    stream TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    version BIGINT NOT NULL,
    data_schema TEXT NOT NULL,
    customer_id TEXT,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    arrived_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    body BYTEA,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    PRIMARY KEY (position),
    UNIQUE (event_id)
);

CREATE INDEX event_feed_of_customer ON event_feed (customer_id, position);

CREATE INDEX event_feed_of_partner ON event_feed (partner_id, position);

CREATE TABLE portfolio_accounts (
    account_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    customer_id TEXT NOT NULL,
    account_type BIGINT NOT NULL,
    currency TEXT NOT NULL,
    balance NUMERIC(38, 2) NOT NULL,
    held NUMERIC(38, 2) NOT NULL,
    credit_amount NUMERIC(38, 2),
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (account_id)
);

CREATE INDEX ix_portfolio_accounts_customer_id ON portfolio_accounts (customer_id);

CREATE TABLE portfolio_coupons (
    coupon_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    customer_id TEXT NOT NULL,
    coupon_type BIGINT NOT NULL,
    status BIGINT NOT NULL,
    currency TEXT NOT NULL,
    balance NUMERIC(38, 2) NOT NULL,
    reserved_amount NUMERIC(38, 2) NOT NULL,
    expire_at TIMESTAMP WITH TIME ZONE NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (coupon_id)
);

CREATE INDEX ix_portfolio_coupons_customer_id ON portfolio_coupons (customer_id);

CREATE TABLE portfolio_customers (
    customer_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    account_name TEXT,
    customer_name TEXT,
    names TEXT[] DEFAULT '{}' NOT NULL,
    site TEXT,
    currency TEXT,
    association_type TEXT,
    association_status TEXT,
    associated_on TIMESTAMP WITH TIME ZONE,
    unlinked_on TIMESTAMP WITH TIME ZONE,
    label TEXT,
    mobile TEXT,
    email TEXT,
    account_manager_id TEXT,
    account_manager_name TEXT,
    customer_type BIGINT,
    verified_status TEXT,
    is_frozen BIGINT,
    customer_level TEXT,
    registered_at TIMESTAMP WITH TIME ZONE,
    orders_by_status JSONB DEFAULT '[]'::jsonb NOT NULL,
    balances JSONB DEFAULT '[]'::jsonb NOT NULL,
    coupons_by_type JSONB DEFAULT '[]'::jsonb NOT NULL,
    consumption_cycle TEXT,
    consumption_amount NUMERIC(38, 2) DEFAULT 0 NOT NULL,
    debt_amount NUMERIC(38, 2) DEFAULT 0 NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (customer_id)
);

CREATE INDEX portfolio_by_label ON portfolio_customers (partner_id, label, customer_id);

CREATE INDEX portfolio_by_amount ON portfolio_customers (consumption_cycle, consumption_amount, customer_id);

CREATE INDEX portfolio_by_manager_id ON portfolio_customers (partner_id, account_manager_id);

CREATE INDEX portfolio_by_account_name ON portfolio_customers (account_name, customer_id);

CREATE INDEX portfolio_of_distributor ON portfolio_customers (distributor_id, customer_id);

CREATE INDEX portfolio_by_manager ON portfolio_customers (partner_id, account_manager_name, customer_id);

CREATE INDEX portfolio_by_type ON portfolio_customers (partner_id, association_status, association_type);

CREATE INDEX portfolio_customers_names ON portfolio_customers USING gin (names);

CREATE INDEX portfolio_by_age ON portfolio_customers (coalesce(associated_on, registered_at), customer_id);

CREATE INDEX portfolio_by_mobile ON portfolio_customers (partner_id, mobile);

CREATE TABLE portfolio_debts (
    customer_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    currency TEXT NOT NULL,
    debt_amount NUMERIC(38, 2) NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (customer_id)
);

CREATE TABLE portfolio_lines (
    line_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    customer_id TEXT NOT NULL,
    bill_cycle TEXT NOT NULL,
    payment_amount NUMERIC(38, 2) NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (line_id)
);

CREATE INDEX portfolio_lines_of ON portfolio_lines (customer_id, bill_cycle);

CREATE TABLE portfolio_orders (
    order_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    customer_id TEXT NOT NULL,
    status BIGINT NOT NULL,
    currency TEXT NOT NULL,
    amount_after_discount NUMERIC(38, 2) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (order_id)
);

CREATE INDEX ix_portfolio_orders_customer_id ON portfolio_orders (customer_id);

CREATE TABLE portfolio_resources (
    resource_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    customer_id TEXT NOT NULL,
    resource_name TEXT NOT NULL,
    service_type_code TEXT NOT NULL,
    charging_mode BIGINT NOT NULL,
    status BIGINT NOT NULL,
    expire_at TIMESTAMP WITH TIME ZONE,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (resource_id)
);

CREATE INDEX portfolio_resources_expiry ON portfolio_resources (partner_id, expire_at, customer_id);

CREATE INDEX portfolio_resources_customer ON portfolio_resources (customer_id, expire_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON event_feed TO channelbus_request;

ALTER TABLE event_feed ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON event_feed TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON portfolio_accounts TO channelbus_request;

ALTER TABLE portfolio_accounts ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON portfolio_accounts TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON portfolio_coupons TO channelbus_request;

ALTER TABLE portfolio_coupons ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON portfolio_coupons TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON portfolio_customers TO channelbus_request;

ALTER TABLE portfolio_customers ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON portfolio_customers TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON portfolio_debts TO channelbus_request;

ALTER TABLE portfolio_debts ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON portfolio_debts TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON portfolio_lines TO channelbus_request;

ALTER TABLE portfolio_lines ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON portfolio_lines TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON portfolio_orders TO channelbus_request;

ALTER TABLE portfolio_orders ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON portfolio_orders TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON portfolio_resources TO channelbus_request;

ALTER TABLE portfolio_resources ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON portfolio_resources TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
