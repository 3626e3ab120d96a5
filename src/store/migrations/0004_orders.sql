-- Orders after the claim: their money, their history, and what is asked of the payment provider. The
-- payment's id and sums live in the order's own row: an order that nobody pays costs no other row.

ALTER TABLE orders ADD COLUMN channel INTEGER NOT NULL DEFAULT 0; -- enum tg_channel
ALTER TABLE orders ADD COLUMN unheld INTEGER NOT NULL DEFAULT 0; -- first paid: nothing is held yet
ALTER TABLE orders ADD COLUMN back_order INTEGER NOT NULL DEFAULT 0; -- its buyer takes what is promised, too
ALTER TABLE orders ADD COLUMN payment TEXT NOT NULL DEFAULT ''; -- with 128 random bits: who knows it may pay
ALTER TABLE orders ADD COLUMN payment_state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN payment_tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN authorised INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN captured INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN refund_due INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN events INTEGER NOT NULL DEFAULT 0; -- rows in order_events
ALTER TABLE orders ADD COLUMN paid_by INTEGER NOT NULL DEFAULT 0; -- the authorisation that pays it; sums are of it
ALTER TABLE orders ADD COLUMN from_location INTEGER; -- the place that the buyer chose

ALTER TABLE order_lines ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN fulfilled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN returned INTEGER NOT NULL DEFAULT 0;

-- What the shop wants of the provider. Written with the decision it follows from; open ones (state
-- 0) are asked again after a crash. (order, number) is the idempotency key towards the provider.
CREATE TABLE payment_intents (
    order_number INTEGER NOT NULL REFERENCES orders (number),
    number INTEGER NOT NULL,
    kind INTEGER NOT NULL, -- enum tg_intent_kind
    state INTEGER NOT NULL, -- enum tg_intent_state
    of_number INTEGER NOT NULL, -- the authorisation it is about, 0 = none
    provider TEXT NOT NULL,
    reference TEXT NOT NULL, -- the provider's own id, '' = not known
    operation TEXT NOT NULL DEFAULT '', -- ... of this capture, void or refund: repeats are known by it
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    asked_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL, -- answered, or asked last
    asks INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (order_number, number)
) WITHOUT ROWID;
CREATE INDEX payment_intents_open ON payment_intents (order_number, number) WHERE state = 0;
CREATE INDEX payment_intents_failed ON payment_intents (order_number, number) WHERE state = 2;

CREATE TABLE order_events ( -- append-only; that an order was made says its own row
    order_number INTEGER NOT NULL REFERENCES orders (number),
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL, -- enum tg_order_event
    actor TEXT NOT NULL, -- a person's id; '' = the clock, or the payment provider
    amount INTEGER NOT NULL, -- -1 = none
    data TEXT NOT NULL, -- JSON, may be shown to the buyer; '' = nothing more
    reason TEXT NOT NULL, -- words of the shop's own people, for them; '' = none
    at_us INTEGER NOT NULL,
    PRIMARY KEY (order_number, seq)
) WITHOUT ROWID;
CREATE INDEX order_returns ON order_events (order_number, seq) WHERE kind = 10;
--@sqlite
CREATE TRIGGER order_events_are_never_changed BEFORE UPDATE ON order_events
BEGIN
    SELECT RAISE(ABORT, 'order_events are append-only');
END;
CREATE TRIGGER order_events_are_never_deleted BEFORE DELETE ON order_events
BEGIN
    SELECT RAISE(ABORT, 'order_events are append-only');
END;
--@postgres
CREATE FUNCTION order_events_are_append_only() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION USING MESSAGE = ''order_events are append-only'', ERRCODE = ''23000''; END';
CREATE TRIGGER order_events_are_never_changed BEFORE UPDATE OR DELETE ON order_events
    FOR EACH ROW EXECUTE FUNCTION order_events_are_append_only();
--@all

-- Payments of part 1: what was paid was promised and taken at once.
UPDATE orders SET payment = (SELECT p.id FROM payments p WHERE p.order_number = orders.number),
    payment_state = (SELECT p.state FROM payments p WHERE p.order_number = orders.number),
    payment_tries = (SELECT p.tries FROM payments p WHERE p.order_number = orders.number)
    WHERE number IN (SELECT order_number FROM payments);
UPDATE orders SET authorised = total, captured = total, paid_by = 1 WHERE payment_state = 2;
INSERT INTO payment_intents (order_number, number, kind, state, of_number, provider, reference,
    amount, currency, asked_us, changed_us)
    SELECT p.order_number, 1, 1, 1, 0, p.provider, p.id, p.amount, p.currency, p.changed_us,
    p.changed_us FROM payments p WHERE p.state = 2;
INSERT INTO payment_intents (order_number, number, kind, state, of_number, provider, reference,
    amount, currency, asked_us, changed_us)
    SELECT p.order_number, 2, 2, 1, 1, p.provider, p.id, p.amount, p.currency, p.changed_us,
    p.changed_us FROM payments p WHERE p.state = 2;
UPDATE orders SET payment = id WHERE payment = ''; -- no payment was ever made: nobody knows this one
CREATE UNIQUE INDEX orders_by_payment ON orders (payment);
DROP TABLE payments;
