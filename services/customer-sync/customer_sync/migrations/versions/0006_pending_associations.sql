CREATE TABLE pending_associations (
    customer_id TEXT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (customer_id)
);

CREATE INDEX pending_associations_due ON pending_associations (due_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON pending_associations TO channelbus_request;
