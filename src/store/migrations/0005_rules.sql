-- Rules of shows, waiting list.

CREATE TABLE show_rules ( -- a show without a row sells as the shop does
    show_ord INTEGER PRIMARY KEY,
    first_paid INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    comments INTEGER NOT NULL,
    comment_bare INTEGER NOT NULL,
    comment_word TEXT NOT NULL,
    hold_us INTEGER NOT NULL, -- 0 = the shop's
    turn_us INTEGER NOT NULL,
    person_units INTEGER NOT NULL, -- 0 = no limit
    lag_ms INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
);

CREATE TABLE show_items ( -- what a show says of one SKU
    show_ord INTEGER NOT NULL,
    sku TEXT NOT NULL REFERENCES variants (sku),
    number INTEGER NOT NULL, -- 0 = the product's own
    units_max INTEGER NOT NULL,
    person_max INTEGER NOT NULL,
    from_ms INTEGER NOT NULL, -- media time, -1 = open
    until_ms INTEGER NOT NULL,
    show_only INTEGER NOT NULL, -- sold in this show and nowhere else
    changed_us INTEGER NOT NULL,
    PRIMARY KEY (show_ord, sku)
) WITHOUT ROWID;

CREATE TABLE waiting ( -- who stands in line now, and what is held for a turn
    sku TEXT NOT NULL REFERENCES variants (sku),
    person TEXT NOT NULL,
    show_ord INTEGER NOT NULL, -- whose rules count
    ticket INTEGER NOT NULL, -- rises along the line
    qty INTEGER NOT NULL CHECK (qty > 0),
    offered INTEGER NOT NULL CHECK (offered >= 0 AND offered <= qty),
    location INTEGER NOT NULL,
    since_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL, -- of the turn, -1 = none
    PRIMARY KEY (sku, person)
) WITHOUT ROWID;
