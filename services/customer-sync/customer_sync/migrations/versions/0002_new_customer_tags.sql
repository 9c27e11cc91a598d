CREATE TABLE new_customer_tags (
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    tag TEXT NOT NULL,
    effective_month TEXT NOT NULL,
    expire_month TEXT NOT NULL,
    PRIMARY KEY (customer_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON new_customer_tags TO channelbus_request;

ALTER TABLE new_customer_tags ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON new_customer_tags TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
