CREATE TABLE enterprise_projects (
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (customer_id)
);

CREATE TABLE face_tickets (
    ticket_hash BYTEA NOT NULL,
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (ticket_hash)
);

CREATE INDEX face_tickets_of_customer ON face_tickets (customer_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON enterprise_projects TO channelbus_request;

ALTER TABLE enterprise_projects ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON enterprise_projects TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON face_tickets TO channelbus_request;

ALTER TABLE face_tickets ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON face_tickets TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
