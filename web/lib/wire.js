/**
 * @file What travels between the pages and the server: the show channel (torg.v1) and the JSON of the
 * HTTP API that pages read. Types only; the server's schemas are web/api/*.json.
 */

/** @typedef {{ amount: number, currency: string }} Money Integer minor units, ISO 4217. */
/** @typedef {number | 'many'} Stock What is left; above the show's threshold only that it is "many". */
/** @typedef {'scheduled' | 'rehearsal' | 'live' | 'ended'} ShowState rehearsal: live to staff only */
/** @typedef {'rtmp' | 'srt' | 'whip' | 'demo'} SourceKind how a host's picture comes in */
/** @typedef {'low' | 'falling' | 'loss' | 'jitter' | 'frozen' | 'silent' | 'clipped'} UplinkTrouble as the server sees it */
/** @typedef {'viewer' | 'customer' | 'advisor' | 'moderator' | 'host' | 'merchandiser' | 'admin'} Role */
/** @typedef {'heart' | 'fire' | 'clap' | 'laugh' | 'wow'} ReactionKind */

/**
 * @typedef {object} Variant
 * @property {string} sku
 * @property {Record<string, string>} options e.g. {"size":"M","colour":"blue"}
 * @property {Money} price
 * @property {Money} [compare_at] the price before
 * @property {Money} [lowest_30d] the lowest of the 30 days before the reduction
 * @property {string} [until] end of a flash price, RFC 3339
 * @property {number} [left] units left at a flash price
 * @property {number} [tax_bp] tax within the price, hundredths of a percent
 * @property {Stock} stock
 */
/**
 * @typedef {object} Product
 * @property {string} id
 * @property {string} title
 * @property {number} number the short number shown in the video
 * @property {string} [description]
 * @property {{ url: string, alt?: string }[]} images
 * @property {Variant[]} variants
 */
/**
 * @typedef {object} Person
 * @property {string} id public, proves nothing
 * @property {string} name
 * @property {Role[]} [roles]
 */
/**
 * @typedef {object} ChatMessage
 * @property {number} n the chat's own counter
 * @property {number} at media ms
 * @property {string} id
 * @property {Person} from
 * @property {string} text
 * @property {string} [reply_to]
 * @property {boolean} [hidden] seen by staff only
 */
/** @typedef {'price_changed' | 'sold_out' | 'back_order' | 'limit' | 'closed' | 'gone'} CartChange since it was put in, or why it cannot be bought as it stands */
/**
 * @typedef {object} CartLine
 * @property {string} sku
 * @property {number} qty
 * @property {string} [title]
 * @property {string} [image]
 * @property {Money} [price]
 * @property {Money} [price_was] when it was put in
 * @property {Money} [total]
 * @property {Record<string, string>} [options]
 * @property {number} [available]
 * @property {number} [limit] units that the limits leave to this person
 * @property {CartChange[]} [changes]
 */
/** @typedef {{ lines: CartLine[], total?: Money, tax?: Money, discount?: Money, codes?: string[], code_error?: { code: RefusalCode, message: string } }} Cart with codes: as it would be charged */
/** @typedef {'awaiting_payment' | 'paid' | 'partly_fulfilled' | 'fulfilled' | 'expired' | 'cancelled' | 'returned'} OrderState */
/** @typedef {{ line?: number, sku: string, title?: string, qty: number, price?: Money, total?: Money, options?: Record<string, string>, cancelled?: number, fulfilled?: number, returned?: number }} OrderLine */
/** @typedef {{ seq: number, kind: string, at: string, amount?: Money, data?: { carrier?: string, tracking?: string, restock?: boolean, lines?: { line: number, qty: number }[] } }} OrderStep */
/**
 * @typedef {object} Order
 * @property {string} id
 * @property {string | number} number
 * @property {OrderState} state
 * @property {OrderLine[]} lines
 * @property {Money} total
 * @property {string} [pay_by] RFC 3339
 * @property {string} [pay_url]
 * @property {string} [created] RFC 3339
 * @property {Money} [discount]
 * @property {Money} [tax] within the total
 * @property {Money} [paid] what was taken
 * @property {Money} [refunded]
 * @property {Money} [refund_due]
 * @property {false} [reserved] the show sells to whoever pays first
 */

/* --- client to server ------------------------------------------------------------------------- */

/** @typedef {{ op: 'join', name?: string, token?: string, since?: number, since_epoch?: string, source?: string, lang?: string }} JoinOp */
/** @typedef {{ op: 'chat', text: string, reply_to?: string, at?: number }} ChatOp */
/** @typedef {{ op: 'wait', sku: string, qty?: number, leave?: boolean, at?: number }} WaitOp */
/** @typedef {{ op: 'window', sku: string, open: boolean, for_s?: number }} WindowOp */
/** @typedef {{ op: 'sell', sku: string, qty?: number, name: string, person?: string, price?: number }} SellOp */
/** @typedef {{ op: 'react', kind: ReactionKind, n: number }} ReactOp */
/** @typedef {{ op: 'buy', sku: string, qty: number, price?: number, total?: number, at?: number, code?: string, currency?: string, location?: string, back_order?: boolean }} BuyOp */
/** @typedef {{ op: 'cart.set', sku: string, qty: number }} CartSetOp */
/** @typedef {{ op: 'checkout', prices?: { sku: string, amount: number }[], total?: number, at?: number, code?: string, currency?: string, back_order?: boolean }} CheckoutOp */
/** @typedef {{ op: 'pin' | 'unpin', sku: string }} PinOp */
/** @typedef {{ op: 'price', sku: string, amount?: number, from?: string, until?: string, limit?: number }} PriceOp */
/** @typedef {{ op: 'stock', sku: string, location?: string, delta?: number, set?: number }} StockOp */
/** @typedef {{ op: 'hide', message: string, undo?: boolean }} HideOp */
/** @typedef {{ op: 'mute', person: string, seconds?: number, undo?: boolean }} MuteOp */
/** @typedef {{ op: 'show.start' | 'show.end' | 'ping' }} PlainOp */
/** @typedef {{ op: 'show.rehearse', on: boolean }} RehearseOp */
/** @typedef {ChatOp | WaitOp | WindowOp | SellOp | BuyOp | CartSetOp | CheckoutOp | PinOp | PriceOp | StockOp | HideOp | MuteOp | RehearseOp | PlainOp} RequestOp Answered; the channel adds `id`. */

/* --- server to client ------------------------------------------------------------------------- */

/** @typedef {{ id: string, title: string, state: ShowState, on_air?: boolean, starts_at?: string }} ShowInfo */
/** @typedef {{ media_ms: number, wall: string }} ClockValue */
/**
 * @typedef {object} JoinedEvent
 * @property {'joined'} ev
 * @property {number} seq
 * @property {boolean} [resumed] what was missed since `since` follows
 * @property {string} [epoch] the server's run that `seq` belongs to; goes back as `since_epoch`
 * @property {Person & { token?: string }} you
 * @property {ShowInfo} show
 * @property {ClockValue} clock
 * @property {Product[]} products
 * @property {string[]} pinned
 * @property {Cart} [cart]
 * @property {Waiting[]} [waiting]
 * @property {Selling} [selling]
 * @property {ChatMessage[]} recent
 * @property {number} viewers
 * @property {string} [notice] staff: trouble of the source in plain words
 */
/** @typedef {{ sku: string, state: 'waiting' | 'turn' | 'lapsed' | 'taken' | 'left', place: number, qty: number, until: string | null }} Waiting place 0 = not in line any more */
/** @typedef {{ sku: string, number: number | null, from: number | null, until: number | null }} SellingItem media ms */
/** @typedef {{ waiting: boolean, comments: boolean, comment_bare: boolean, comment_word: string, items: SellingItem[] }} Selling how the show sells */
/** @typedef {{ first_paid: boolean, waiting: boolean, comments: boolean, comment_bare: boolean, comment_word: string, hold_s: number, turn_s: number, person_units: number, lag_ms: number }} ShowRules of the HTTP API */
/** @typedef {{ ev: 'waiting' } & Waiting} WaitingEvent */
/** @typedef {{ ev: 'selling' } & Selling} SellingEvent */
/** @typedef {{ ev: 'window' } & SellingItem} WindowEvent */
/** @typedef {{ ev: 'comment', id: string, ok: boolean, order?: Order, code?: RefusalCode, message?: string, choices?: { sku: string, options: string }[] }} CommentEvent what became of a chat line that buys */
/** @typedef {{ ev: 'clock' } & ClockValue} ClockEvent */
/** @typedef {{ ev: 'chat' } & ChatMessage} ChatEvent */
/** @typedef {{ ev: 'chat.hidden', seq: number, id: string, undo?: boolean }} ChatHiddenEvent */
/** @typedef {{ ev: 'cart', cart?: Cart } & Partial<Cart>} CartEvent */
/** @typedef {{ ev: 'pin' | 'unpin', seq: number, at: number, sku: string }} PinEvent */
/** @typedef {{ ev: 'show', seq: number, at: number, state?: ShowState, on_air?: boolean, notice?: string }} ShowEvent */
/** @typedef {{ ev: 'announce', seq: number, at: number, text: string }} AnnounceEvent */
/** @typedef {{ ev: 'price', at: number, sku: string, value: Money, compare_at?: Money, until?: string, lowest_30d?: Money, left?: number }} PriceEvent */
/** @typedef {{ ev: 'stock', at: number, sku: string, value: Stock }} StockEvent */
/** @typedef {{ ev: 'viewers', at: number, value: number }} ViewersEvent */
/** @typedef {{ ev: 'reactions', at: number, value: Partial<Record<ReactionKind, number>> }} ReactionsEvent Since the last one. */
/** @typedef {{ ev: 'sold', at: number, sku: string, count: number }} SoldEvent */
/** @typedef {{ ev: 'order', order: Order }} OrderEvent */
/** @typedef {{ ev: 'mute', at: number, person: string, until_ms: number, by: string }} MuteEvent Staff only; until_ms <= at: unmuted. */
/**
 * @typedef {object} SourceEvent Staff only: a publisher came, went, fell silent or was refused.
 * @property {'source'} ev
 * @property {number} at
 * @property {boolean} on_air
 * @property {string} [notice] trouble in plain words
 * @property {'off' | 'on' | 'stalled'} [state] stalled: its line is silent, viewers see the slate
 * @property {SourceKind} [kind]
 * @property {string} [publisher] the Torg-Publisher header of a WHIP answer
 */
/**
 * @typedef {object} UplinkEvent Staff only, once a second: the publisher's line as the server sees it.
 * @property {'uplink'} ev
 * @property {number} at
 * @property {SourceKind} kind
 * @property {string} publisher
 * @property {number} video_bps
 * @property {number} audio_bps
 * @property {number} width 0 = not known yet
 * @property {number} height
 * @property {number} frames
 * @property {number} loss_permille before repair
 * @property {number} unrepaired_permille
 * @property {number} [jitter_ms]
 * @property {number} [rtt_ms]
 * @property {number} [audio_dbov] loudest of the second
 * @property {UplinkTrouble[]} troubles
 */
/**
 * @typedef {JoinedEvent | ClockEvent | ChatEvent | ChatHiddenEvent | CartEvent | PinEvent | ShowEvent |
 *   AnnounceEvent | PriceEvent | StockEvent | ViewersEvent | ReactionsEvent | SoldEvent | OrderEvent | MuteEvent | SourceEvent |
 *   UplinkEvent | WaitingEvent | SellingEvent | WindowEvent | CommentEvent} ServerEvent
 */
/**
 * @typedef {'bad_request' | 'unauthorized' | 'forbidden' | 'not_found' | 'sold_out' | 'price_changed' |
 *   'limit' | 'rate' | 'slow_mode' | 'muted' | 'conflict' | 'closed' | 'busy' | 'internal'} RefusalCode
 */
/**
 * @typedef {object} Reply
 * @property {string} re
 * @property {boolean} ok
 * @property {RefusalCode} [code]
 * @property {string} [message] plain words, English
 * @property {number} [retry_ms]
 * @property {Money} [price] with price_changed: the price now
 * @property {{ sku: string, price: Money }[]} [prices] with price_changed: every line that is dearer now
 * @property {Money} [total] with price_changed: what all costs now, when no line is dearer
 * @property {string} [sku]
 * @property {number} [back_order] with sold_out: units that are promised beyond the shelves
 * @property {string | null} [ships_from] ... and from when they ship, RFC 3339; null = no date
 * @property {Order} [order]
 * @property {Cart} [cart]
 * @property {Waiting} [waiting]
 */

/* --- HTTP -------------------------------------------------------------------------------------- */

/** @typedef {ShowInfo & { viewers?: number }} ShowListEntry */
/** @typedef {{ id: string, state: string, order: Order }} Payment */
/** @typedef {{ code: string, url: string, expires: string }} PhoneCode one-time: logs a phone in as host */

export {};
