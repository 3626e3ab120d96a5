-- Several nodes on one database (PostgreSQL; SQLite has one writer and leaves these tables empty).
-- Who decides a batch holds the row of shop_version; each batch that wrote tells the others in
-- `changes` which keys it touched, in the same transaction.
CREATE TABLE shop_version (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
);
INSERT INTO shop_version (one, version) VALUES (1, 0);

CREATE TABLE changes (
    version INTEGER NOT NULL UNIQUE,
    node TEXT NOT NULL,
    keys TEXT NOT NULL, -- lines of a kind and a key, see changes.h
    at_us INTEGER NOT NULL
);
CREATE INDEX changes_by_age ON changes (at_us);
--@postgres
-- Orders whose time is over, also those of a node that died.
CREATE INDEX orders_due ON orders (pay_by_us) WHERE state = 0;
--@all
