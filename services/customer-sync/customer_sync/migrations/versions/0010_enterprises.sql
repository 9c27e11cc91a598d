CREATE TABLE enterprise_members (
    customer_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    master_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    permission_ids TEXT[] NOT NULL,
    status BIGINT NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    left_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (customer_id)
);

CREATE INDEX enterprise_members_of_master ON enterprise_members (master_id, customer_id);

CREATE TABLE enterprise_organizations (
    id TEXT NOT NULL,
    relation_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    master_id TEXT NOT NULL,
    parent_id TEXT,
    name TEXT,
    depth BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX enterprise_roots ON enterprise_organizations (master_id) WHERE parent_id IS NULL;

CREATE INDEX enterprise_organizations_of_master ON enterprise_organizations (master_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON enterprise_members TO channelbus_request;

ALTER TABLE enterprise_members ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON enterprise_members TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON enterprise_organizations TO channelbus_request;

ALTER TABLE enterprise_organizations ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON enterprise_organizations TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
