-- The shop of part 1. Times are microseconds since 1970 UTC (_us), amounts minor units of the
-- currency beside them, -1 = none. Rows that refer to a person hold an id; what can name the person
-- is in `people` alone, so that erasing somebody never touches history.

CREATE TABLE shows (
    ord INTEGER PRIMARY KEY, -- below TG_SHOWS_MAX, given once
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    state INTEGER NOT NULL,
    demo INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    changed_us INTEGER NOT NULL
);

CREATE TABLE tokens (
    ordinal INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE, -- SHA-256; the token itself is nowhere
    roles INTEGER NOT NULL,
    publish_only INTEGER NOT NULL,
    show_ord INTEGER REFERENCES shows (ord), -- NULL = all shows
    expires_us INTEGER NOT NULL,
    label TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    revoked_us INTEGER, -- NULL = valid
    revoked_by TEXT
);

CREATE TABLE products (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    image TEXT NOT NULL,
    image_alt TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
);

CREATE TABLE variants (
    sku TEXT PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES products (id),
    position INTEGER NOT NULL,
    options TEXT NOT NULL, -- JSON object
    price INTEGER NOT NULL CHECK (price >= 0),
    compare_at INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    flash INTEGER NOT NULL,
    flash_until_us INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
);
CREATE INDEX variants_by_product ON variants (product_id, position);

CREATE TABLE price_changes ( -- append-only, but for units_left
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL REFERENCES variants (sku),
    flash INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    actor TEXT NOT NULL, -- '' = the clock
    at_us INTEGER NOT NULL
);

CREATE TABLE people (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT,
    address TEXT,
    consent TEXT, -- JSON: what was agreed to, and when
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
);

CREATE TABLE orders (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    state INTEGER NOT NULL,
    person TEXT NOT NULL,
    show_ord INTEGER, -- NULL = no show
    source TEXT NOT NULL, -- campaign, '' = none
    currency TEXT NOT NULL,
    total INTEGER NOT NULL CHECK (total >= 0),
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    pay_by_us INTEGER NOT NULL
);
CREATE INDEX orders_open ON orders (number) WHERE state = 0;
-- Lists go from the newest on, so both end with the number (SQLite's indexes always do). An order that
-- is placed is in none by state but orders_open: it comes into orders_by_state when it is paid or ends.
--@sqlite
CREATE INDEX orders_by_show ON orders (show_ord) WHERE show_ord IS NOT NULL;
CREATE INDEX orders_by_state ON orders (state) WHERE state <> 0;
--@postgres
CREATE INDEX orders_by_show ON orders (show_ord, number) WHERE show_ord IS NOT NULL;
CREATE INDEX orders_by_state ON orders (state, number) WHERE state <> 0;
--@all

-- The rows that every order writes have no REFERENCES: one function writes them all in one
-- transaction, about SKUs that it has in memory, and looking each up again would cost a seventh of an
-- order. The simulation checks that nothing dangles.
CREATE TABLE order_lines (
    order_number INTEGER NOT NULL,
    line INTEGER NOT NULL,
    person TEXT NOT NULL, -- the order's
    sku TEXT NOT NULL,
    title TEXT NOT NULL,
    options TEXT NOT NULL,
    qty INTEGER NOT NULL CHECK (qty > 0),
    price INTEGER NOT NULL CHECK (price >= 0),
    cost INTEGER NOT NULL,
    PRIMARY KEY (order_number, line)
) WITHOUT ROWID;
-- What a person has of one SKU is asked with nearly every purchase, and must not cost more the more
-- orders the person has. It finds the person's orders, too: one such index is what an order pays.
CREATE INDEX order_lines_by_person ON order_lines (person, sku);

CREATE TABLE holds (
    order_number INTEGER NOT NULL,
    line INTEGER NOT NULL,
    sku TEXT NOT NULL,
    location TEXT NOT NULL,
    qty INTEGER NOT NULL CHECK (qty > 0),
    until_us INTEGER NOT NULL,
    PRIMARY KEY (order_number, line)
) WITHOUT ROWID;

CREATE TABLE payments (
    id TEXT PRIMARY KEY, -- 128 random bits: who knows it may pay, nothing else
    order_number INTEGER NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    state INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
);

-- The history of stock: appended to, never changed. `stock` is its sum, kept beside it so that a
-- start need not add everything up; `audit` does.
CREATE TABLE movements (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL,
    location TEXT NOT NULL,
    kind INTEGER NOT NULL, -- enum tg_movement
    qty INTEGER NOT NULL,
    order_number INTEGER,
    actor TEXT NOT NULL, -- '' = an order or the clock
    at_us INTEGER NOT NULL
);
CREATE INDEX movements_by_sku ON movements (sku);
--@sqlite
CREATE TRIGGER movements_are_never_changed BEFORE UPDATE ON movements
BEGIN
    SELECT RAISE(ABORT, 'movements are append-only');
END;
CREATE TRIGGER movements_are_never_deleted BEFORE DELETE ON movements
BEGIN
    SELECT RAISE(ABORT, 'movements are append-only');
END;
--@postgres
CREATE FUNCTION movements_are_append_only() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION USING MESSAGE = ''movements are append-only'', ERRCODE = ''23000''; END';
CREATE TRIGGER movements_are_never_changed BEFORE UPDATE OR DELETE ON movements
    FOR EACH ROW EXECUTE FUNCTION movements_are_append_only();
--@all

CREATE TABLE stock (
    sku TEXT NOT NULL REFERENCES variants (sku),
    location TEXT NOT NULL,
    on_hand INTEGER NOT NULL CHECK (on_hand >= 0),
    held INTEGER NOT NULL CHECK (held >= 0),
    sold INTEGER NOT NULL CHECK (sold >= 0),
    PRIMARY KEY (sku, location),
    CHECK (on_hand >= held + sold) -- never oversold, whatever the program thinks
) WITHOUT ROWID;

CREATE TABLE show_sales (
    show_ord INTEGER NOT NULL,
    sku TEXT NOT NULL REFERENCES variants (sku),
    units INTEGER NOT NULL CHECK (units >= 0),
    PRIMARY KEY (show_ord, sku)
) WITHOUT ROWID;

CREATE TABLE carts (
    person TEXT NOT NULL,
    line INTEGER NOT NULL,
    sku TEXT NOT NULL,
    qty INTEGER NOT NULL CHECK (qty > 0),
    changed_us INTEGER NOT NULL,
    PRIMARY KEY (person, line)
) WITHOUT ROWID;

CREATE TABLE idempotency (
    seq INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    op TEXT NOT NULL,
    id TEXT NOT NULL,
    digest INTEGER NOT NULL,
    status INTEGER NOT NULL,
    reply BLOB, -- NULL = an answer without a body
    at_us INTEGER NOT NULL,
    -- id first: clients whose ids rise with time (as our pages' do) fill one end of the index, others
    -- a page somewhere in it for each answer.
    UNIQUE (id, person, op)
);

CREATE TABLE outbox ( -- written with the order it tells of; outbound delivers
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    order_number INTEGER,
    payload TEXT NOT NULL, -- JSON without personal data
    created_us INTEGER NOT NULL,
    delivered_us INTEGER -- NULL = to do
);
CREATE INDEX outbox_to_do ON outbox (id) WHERE delivered_us IS NULL;
