CREATE TABLE realname_applications (
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    status BIGINT NOT NULL,
    customer_type BIGINT NOT NULL,
    name TEXT NOT NULL,
    is_change BOOLEAN NOT NULL,
    files TEXT[] NOT NULL,
    opinion TEXT,
    applied_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (customer_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON realname_applications TO channelbus_request;

ALTER TABLE realname_applications ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON realname_applications TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
