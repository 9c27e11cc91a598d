CREATE TABLE saml_bindings (
    xaccount_type TEXT NOT NULL,
    xaccount_id TEXT NOT NULL,
    xuser_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    bound_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (xaccount_type, xaccount_id, xuser_id)
);

CREATE INDEX saml_bindings_of_customer ON saml_bindings (customer_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON saml_bindings TO channelbus_request;

ALTER TABLE saml_bindings ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON saml_bindings TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
