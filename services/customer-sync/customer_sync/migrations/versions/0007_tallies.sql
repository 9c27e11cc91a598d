CREATE TABLE tallies (
    partner_id TEXT NOT NULL,
    counted TEXT COLLATE "C" NOT NULL,
    distributor_id TEXT,
    customers BIGINT NOT NULL,
    PRIMARY KEY (partner_id, counted)
);

CREATE TABLE tally_changes (
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    association_type TEXT NOT NULL,
    associated_day DATE NOT NULL,
    grams TEXT[] NOT NULL,
    account_name TEXT DEFAULT '' NOT NULL,
    customer_name TEXT DEFAULT '' NOT NULL,
    label TEXT DEFAULT '' NOT NULL,
    by BIGINT NOT NULL,
    PRIMARY KEY (number)
);

CREATE INDEX ix_tally_changes_partner_id ON tally_changes (partner_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON tallies TO channelbus_request;

ALTER TABLE tallies ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON tallies TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON tally_changes TO channelbus_request;

ALTER TABLE tally_changes ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON tally_changes TO channelbus_request USING (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true)) WITH CHECK (partner_id = current_setting('channelbus.partner_id', true) OR current_setting('channelbus.partner_id', true) = '*' OR distributor_id = current_setting('channelbus.partner_id', true));
