-- Outbox deliveries; and what a cart remembers of a line's price.

-- What an hour of sale wrote and nobody delivered needs no index: deliveries say what is to do.
DROP INDEX outbox_to_do;
ALTER TABLE outbox DROP COLUMN delivered_us;

ALTER TABLE carts ADD COLUMN price INTEGER NOT NULL DEFAULT -1; -- of one when it was put in

CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    topics TEXT NOT NULL, -- separated by blanks; '' = all
    description TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    off_reason TEXT NOT NULL, -- why the server switched it off; '' = it did not
    failing_since_us INTEGER NOT NULL, -- -1 = the last delivery arrived
    created_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    changed_us INTEGER NOT NULL,
    deleted_us INTEGER NOT NULL -- -1 = it is there
);

CREATE TABLE webhook_secrets ( -- in plain: it must sign with them; gone with their endpoint
    webhook_id INTEGER NOT NULL REFERENCES webhooks (id),
    secret TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, secret)
) WITHOUT ROWID;

-- One row an endpoint that wanted the message when it was written. No reference to outbox: the old
-- end of both is cut off together, see store/hooks.c.
CREATE TABLE deliveries (
    webhook_id INTEGER NOT NULL REFERENCES webhooks (id),
    message_id INTEGER NOT NULL, -- outbox.id
    state INTEGER NOT NULL, -- enum tg_delivery_state
    tries INTEGER NOT NULL,
    base INTEGER NOT NULL, -- tries before the last replay
    created_us INTEGER NOT NULL, -- of the message
    due_us INTEGER NOT NULL,
    leased_by TEXT NOT NULL,
    leased_until_us INTEGER NOT NULL,
    done_us INTEGER NOT NULL, -- delivered or given up; -1 = not yet
    status INTEGER NOT NULL, -- HTTP, of the last attempt
    PRIMARY KEY (webhook_id, message_id)
) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (webhook_id, due_us) WHERE state = 0;
CREATE INDEX deliveries_failed ON deliveries (webhook_id, done_us) WHERE state = 2;

CREATE TABLE delivery_attempts (
    webhook_id INTEGER NOT NULL REFERENCES webhooks (id),
    message_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    status INTEGER NOT NULL, -- 0 = no answer
    duration_ms INTEGER NOT NULL,
    error TEXT NOT NULL,
    answer TEXT NOT NULL, -- the first bytes, without what looks personal
    PRIMARY KEY (webhook_id, message_id, n)
) WITHOUT ROWID;
