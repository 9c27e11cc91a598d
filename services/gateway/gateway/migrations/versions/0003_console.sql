CREATE TABLE event_feed_horizon (
    is_only BOOLEAN DEFAULT true NOT NULL,
    feed_id UUID DEFAULT gen_random_uuid() NOT NULL,
    pruned_through BIGINT DEFAULT 0 NOT NULL,
    PRIMARY KEY (is_only)
);

CREATE TABLE console_sessions (
    hash TEXT NOT NULL,
    credential TEXT NOT NULL,
    is_administrator BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    signed_in_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (hash)
);

CREATE INDEX ix_console_sessions_credential ON console_sessions (credential);

CREATE INDEX ix_console_sessions_expires_at ON console_sessions (expires_at);
