CREATE TABLE association_applications (
    id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    kind TEXT NOT NULL,
    association_type TEXT,
    applied_by TEXT NOT NULL,
    status TEXT NOT NULL,
    applied_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX association_applications_open ON association_applications (customer_id) WHERE status = 'open';

CREATE INDEX association_applications_of_customer ON association_applications (customer_id, applied_at);

CREATE INDEX association_applications_of_partner ON association_applications (partner_id, id);

CREATE TABLE placed_orders (
    order_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    paying_agent_id TEXT,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    source_type BIGINT NOT NULL,
    status BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (order_id)
);

CREATE INDEX placed_orders_asked ON placed_orders (paying_agent_id) WHERE status IN (1, 6, 9);

CREATE INDEX placed_orders_waiting ON placed_orders (customer_id) WHERE status IN (1, 6, 9);

GRANT SELECT, INSERT, UPDATE, DELETE ON association_applications TO channelbus_request;

ALTER TABLE association_applications ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON association_applications TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON placed_orders TO channelbus_request;

ALTER TABLE placed_orders ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON placed_orders TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
