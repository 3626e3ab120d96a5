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
DROP INDEX orders_open; -- orders_due serves it
-- One index less to fill for each answer, and one that costs nothing.
ALTER TABLE idempotency DROP COLUMN seq;
CREATE INDEX idempotency_by_age ON idempotency USING brin (at_us);
-- Checking references row by row is a quarter of what the server does for an order. What a batch
-- writes comes from one decision under one lock, all of it or nothing, and `torgctl stock audit`
-- adds it up again; SQLite, in our tests beside it, keeps the references.
DO $$
DECLARE
    c RECORD;
BEGIN
    FOR c IN
        SELECT conrelid::regclass AS name, conname FROM pg_constraint
        WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
            AND conrelid::regclass::text IN ('order_lines', 'takes', 'order_codes', 'deliveries',
                'payments', 'movements', 'outbox', 'stock', 'show_sales')
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.name, c.conname);
    END LOOP;
END $$;
--@all
