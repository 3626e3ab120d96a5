-- Stock per place. A place is known by its ordinal (0 = main). What an order takes is implied by its
-- lines when a line takes its own SKU at main; every other take is a row of `takes`. So the usual
-- order costs no row for it.

CREATE TABLE locations (
    ord INTEGER PRIMARY KEY, -- below TG_LOCATIONS_MAX, given once, in a row
    id TEXT NOT NULL UNIQUE,
    kind INTEGER NOT NULL, -- enum tg_location_kind
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    hours TEXT NOT NULL, -- opening hours
    priority INTEGER NOT NULL, -- lower is taken from first
    closed INTEGER NOT NULL,
    show_ord INTEGER, -- of an allotment; else NULL
    ships_from_us INTEGER NOT NULL, -- of a promise; -1 = no date
    changed_us INTEGER NOT NULL,
    changed_by TEXT NOT NULL
);
INSERT INTO locations (ord, id, kind, name, address, hours, priority, closed, show_ord,
    ships_from_us, changed_us, changed_by)
    VALUES (0, 'main', 0, 'Main', '', '', 0, 0, NULL, -1, 0, '');

CREATE TABLE stock_places (
    sku TEXT NOT NULL REFERENCES variants (sku),
    location INTEGER NOT NULL REFERENCES locations (ord),
    on_hand INTEGER NOT NULL CHECK (on_hand >= 0),
    held INTEGER NOT NULL CHECK (held >= 0),
    sold INTEGER NOT NULL CHECK (sold >= 0),
    version INTEGER NOT NULL, -- rises with each change
    PRIMARY KEY (sku, location),
    CHECK (on_hand >= held + sold) -- never oversold, whatever the program thinks
) WITHOUT ROWID;
INSERT INTO stock_places (sku, location, on_hand, held, sold, version)
    SELECT sku, 0, on_hand, held, sold, 1 FROM stock;
DROP TABLE stock;
ALTER TABLE stock_places RENAME TO stock;

-- No REFERENCES: see order_lines.
CREATE TABLE moves (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL,
    location INTEGER NOT NULL,
    kind INTEGER NOT NULL, -- enum tg_movement
    qty INTEGER NOT NULL,
    order_number INTEGER,
    actor TEXT NOT NULL, -- '' = an order's buyer or the clock
    cause TEXT NOT NULL, -- in words; '' = the kind says it
    at_us INTEGER NOT NULL,
    as_of_us INTEGER NOT NULL -- the moment that it speaks of: a count may arrive late
);
INSERT INTO moves (sku, location, kind, qty, order_number, actor, cause, at_us, as_of_us)
    SELECT sku, 0, kind, qty, order_number, actor, '', at_us, at_us FROM movements ORDER BY id;
DROP TABLE movements;
ALTER TABLE moves RENAME TO movements;
CREATE INDEX movements_by_sku ON movements (sku, as_of_us);
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
CREATE TRIGGER movements_are_never_changed BEFORE UPDATE OR DELETE ON movements
    FOR EACH ROW EXECUTE FUNCTION movements_are_append_only();
--@all

DROP TABLE holds;
CREATE TABLE takes (
    order_number INTEGER NOT NULL REFERENCES orders (number),
    line INTEGER NOT NULL,
    sku TEXT NOT NULL REFERENCES variants (sku), -- the item: the line's own, or a bundle's part
    location INTEGER NOT NULL REFERENCES locations (ord),
    each_qty INTEGER NOT NULL CHECK (each_qty > 0), -- units in one of the line
    qty INTEGER NOT NULL CHECK (qty >= 0), -- units still promised there
    ships_from_us INTEGER NOT NULL, -- 0 = from the shelf, -1 = promised without a date
    PRIMARY KEY (order_number, line, sku, location)
) WITHOUT ROWID;

CREATE TABLE stock_rules (
    sku TEXT PRIMARY KEY REFERENCES variants (sku),
    safety INTEGER NOT NULL CHECK (safety >= 0),
    order_max INTEGER NOT NULL CHECK (order_max >= 0), -- 0 = no limit of its own
    person_max INTEGER NOT NULL CHECK (person_max >= 0),
    changed_us INTEGER NOT NULL,
    changed_by TEXT NOT NULL
);

CREATE TABLE bundle_parts (
    bundle TEXT NOT NULL REFERENCES variants (sku),
    part TEXT NOT NULL REFERENCES variants (sku),
    position INTEGER NOT NULL,
    qty INTEGER NOT NULL CHECK (qty > 0),
    PRIMARY KEY (bundle, part)
) WITHOUT ROWID;

-- Place in the order of all decisions.
ALTER TABLE orders ADD COLUMN ticket INTEGER NOT NULL DEFAULT 0;
