-- Prices and codes. Amounts are minor units of the currency beside them.

ALTER TABLE variants ADD COLUMN tax_class TEXT NOT NULL DEFAULT ''; -- '' = the shop's default
ALTER TABLE variants ADD COLUMN flash_since_us INTEGER NOT NULL DEFAULT 0; -- 0 = never
ALTER TABLE variants ADD COLUMN flash_limit INTEGER NOT NULL DEFAULT 0; -- units; 0 = no limit
ALTER TABLE variants ADD COLUMN flash_used INTEGER NOT NULL DEFAULT 0;
-- The lowest price of the 30 days before the reduction, 0 = not known: of compare_at, of the flash.
ALTER TABLE variants ADD COLUMN lowest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE variants ADD COLUMN flash_lowest INTEGER NOT NULL DEFAULT 0;

CREATE TABLE flash_plans ( -- flash prices that will begin, one a SKU
    sku TEXT PRIMARY KEY REFERENCES variants (sku),
    amount INTEGER NOT NULL CHECK (amount > 0),
    from_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL, -- -1 = open
    units INTEGER NOT NULL -- 0 = no limit
);

CREATE TABLE prices ( -- ordinary prices in further currencies
    sku TEXT NOT NULL REFERENCES variants (sku),
    currency TEXT NOT NULL,
    price INTEGER NOT NULL CHECK (price >= 0),
    changed_us INTEGER NOT NULL,
    PRIMARY KEY (sku, currency)
) WITHOUT ROWID;

-- What one unit cost before and after each change; -1 = nothing (a currency's price that came or
-- went). '' = the shop's own currency of before this column was there.
ALTER TABLE price_changes ADD COLUMN currency TEXT NOT NULL DEFAULT '';
ALTER TABLE price_changes ADD COLUMN price INTEGER NOT NULL DEFAULT -1;
ALTER TABLE price_changes ADD COLUMN compare_at INTEGER NOT NULL DEFAULT -1;
ALTER TABLE price_changes ADD COLUMN was INTEGER NOT NULL DEFAULT -1;
ALTER TABLE price_changes ADD COLUMN amount INTEGER NOT NULL DEFAULT -1;
ALTER TABLE price_changes ADD COLUMN units_left INTEGER NOT NULL DEFAULT -1; -- ... at `was`
CREATE INDEX price_changes_by_time ON price_changes (at_us);
CREATE INDEX price_changes_by_sku ON price_changes (sku, at_us); -- what another node changed

ALTER TABLE orders ADD COLUMN discount INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN tax INTEGER NOT NULL DEFAULT 0; -- within the total
ALTER TABLE orders ADD COLUMN codes TEXT NOT NULL DEFAULT ''; -- separated by commas
ALTER TABLE order_lines ADD COLUMN discount INTEGER NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN tax_bp INTEGER NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN tax INTEGER NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN flash_since_us INTEGER NOT NULL DEFAULT 0; -- 0 = no flash price

CREATE TABLE codes ( -- never deleted: orders name them
    code TEXT PRIMARY KEY,
    kind INTEGER NOT NULL, -- enum tg_discount_kind
    bp INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL, -- '' = any
    minimum INTEGER NOT NULL,
    show_ord INTEGER NOT NULL, -- -1 = every show
    person_max INTEGER NOT NULL, -- 0 = no limit
    uses_max INTEGER NOT NULL,
    from_us INTEGER NOT NULL, -- -1 = open
    until_us INTEGER NOT NULL,
    combinable INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    uses INTEGER NOT NULL CHECK (uses >= 0),
    changed_us INTEGER NOT NULL
);
CREATE TABLE code_skus (
    code TEXT NOT NULL REFERENCES codes (code),
    line INTEGER NOT NULL,
    sku TEXT NOT NULL,
    PRIMARY KEY (code, line)
) WITHOUT ROWID;
CREATE TABLE code_persons ( -- who may use it; nobody = everybody
    code TEXT NOT NULL REFERENCES codes (code),
    line INTEGER NOT NULL,
    person TEXT NOT NULL,
    PRIMARY KEY (code, line)
) WITHOUT ROWID;
CREATE TABLE order_codes ( -- the codes that count in orders which were not expired or cancelled
    code TEXT NOT NULL,
    person TEXT NOT NULL,
    order_number INTEGER NOT NULL REFERENCES orders (number),
    PRIMARY KEY (code, person, order_number)
) WITHOUT ROWID;
