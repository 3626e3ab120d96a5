-- The catalogue beyond what the sale keeps in memory. `doc` is canonical JSON of feed/ with every
-- detail that has no column; '' = the columns say it all. What is archived stays, for orders and
-- movements name it, and is sold and shown no more.
ALTER TABLE products ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN version INTEGER NOT NULL DEFAULT 1; -- rises with each change
ALTER TABLE products ADD COLUMN doc TEXT NOT NULL DEFAULT '';
ALTER TABLE variants ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE variants ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE variants ADD COLUMN barcode TEXT NOT NULL DEFAULT '';
ALTER TABLE variants ADD COLUMN doc TEXT NOT NULL DEFAULT '';
CREATE INDEX variants_by_barcode ON variants (barcode) WHERE barcode <> '';

-- What shoppers pay now: lists of a narrow range of prices begin with it.
CREATE INDEX variants_by_price ON variants ((CASE WHEN flash >= 0 THEN flash ELSE price END))
    WHERE archived = 0;

CREATE INDEX products_listed ON products (number) WHERE archived = 0;

CREATE TABLE product_texts ( -- what shoppers read in further languages; '' = as it was written first
    product_id TEXT NOT NULL REFERENCES products (id),
    lang TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL, -- cut as that of products
    options TEXT NOT NULL, -- JSON object: words of options, and what they are in this language
    PRIMARY KEY (product_id, lang)
) WITHOUT ROWID;

CREATE TABLE product_categories ( -- each path with all it lies in: "Clothes", "Clothes > Hats"
    category TEXT NOT NULL,
    number INTEGER NOT NULL, -- the product's: lists go by it
    product_id TEXT NOT NULL REFERENCES products (id),
    PRIMARY KEY (category, number, product_id)
) WITHOUT ROWID;
CREATE INDEX product_categories_of ON product_categories (product_id);

CREATE TABLE product_attributes ( -- what lists are filtered by, folded as feed/words.h does
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    number INTEGER NOT NULL, -- the product's
    product_id TEXT NOT NULL REFERENCES products (id),
    sku TEXT NOT NULL, -- whose option it is; '' = the product's own
    PRIMARY KEY (name, value, number, product_id, sku)
) WITHOUT ROWID;
CREATE INDEX product_attributes_of ON product_attributes (product_id, sku);

-- The search: folded words of products, and what the words are made of, so that one that is typed
-- wrong still meets its likes (feed/words.h).
CREATE TABLE search_words (
    word TEXT NOT NULL,
    product_id TEXT NOT NULL REFERENCES products (id),
    place INTEGER NOT NULL, -- 0 = title, brand, category; 1 = only the description
    PRIMARY KEY (word, product_id)
) WITHOUT ROWID;
CREATE INDEX search_words_of ON search_words (product_id);
CREATE TABLE search_grams (
    gram TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (gram, word)
) WITHOUT ROWID;

CREATE TABLE imports (
    id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL, -- enum tg_import_state
    format TEXT NOT NULL,
    flags INTEGER NOT NULL, -- enum tg_import_flag
    file TEXT NOT NULL, -- its name, for people
    actor TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    bytes_done INTEGER NOT NULL,
    products_added INTEGER NOT NULL,
    products_changed INTEGER NOT NULL,
    products_unchanged INTEGER NOT NULL,
    products_archived INTEGER NOT NULL,
    variants_added INTEGER NOT NULL,
    variants_changed INTEGER NOT NULL,
    variants_unchanged INTEGER NOT NULL,
    variants_archived INTEGER NOT NULL,
    counted INTEGER NOT NULL, -- variants that got their first count
    faults INTEGER NOT NULL,
    reason TEXT NOT NULL, -- why it failed; '' = it did not
    started_us INTEGER NOT NULL,
    ended_us INTEGER NOT NULL, -- 0 = not yet
    undone_us INTEGER NOT NULL, -- 0 = not
    node TEXT NOT NULL, -- that works on it; '' = nobody, it has ended
    lease_us INTEGER NOT NULL -- ... until then nobody else may say that it is dead
);
CREATE TABLE import_changes ( -- what an import changed, as it was before
    import_id INTEGER NOT NULL REFERENCES imports (id),
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL, -- enum tg_import_kind
    item TEXT NOT NULL, -- product id or SKU
    before TEXT NOT NULL, -- JSON of feed/; '' = it was not there
    after INTEGER NOT NULL, -- digest of what it made: another one means that somebody changed it since
    qty INTEGER NOT NULL, -- units of a first count
    PRIMARY KEY (import_id, seq)
) WITHOUT ROWID;
CREATE TABLE import_faults (
    import_id INTEGER NOT NULL REFERENCES imports (id),
    seq INTEGER NOT NULL,
    line INTEGER NOT NULL, -- 0 = none
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    fix TEXT NOT NULL,
    PRIMARY KEY (import_id, seq)
) WITHOUT ROWID;
