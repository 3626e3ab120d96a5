/*
 * comment.h - a chat line like "shop 12 x2 M" as something to buy.
 *
 * Pure. Two steps: tg_comment_parse() reads the line's shape, tg_shop_comment() finds out what is
 * meant among the shop's products. What comes out is an ordinary claim, decided like every other.
 *
 *     line     = [word] wish | [word] undo
 *     wish     = [quantity] number *( quantity | option ) | number "x" digits
 *     quantity = "x2" | "2x" | "x 2" | "2 x" | "2 stk" | "2st" | "2 pcs" ...
 *     number   = ["nr" | "no" ...] the show's short number of a SKU, or else the product's own
 *     option   = words of the variant's option values, in any order
 *     undo     = "undo" | "angre" | "angra"
 *
 * Case, accents and punctuation do not count ("KJØP #12" is "kjop 12"). A plain number after the
 * first is an option where the product has such a value ("shop 12 42": size 42). It is the quantity
 * when it can hardly be anything else: 1 to 9, after blanks alone ("7, 8" is a list), and no size;
 * where options are numbers, after one of them ("shop 12 42 2"). Else the buyer is asked.
 * A line with a question mark, or whose first number is a time, a fraction or a percentage, is
 * talk. A line that begins with the word but leaves open what is wanted gets an answer that names
 * the choices; without the word (rules.comment_bare) only a line in which everything fits buys.
 */
#ifndef TG_SHOP_COMMENT_H
#define TG_SHOP_COMMENT_H

#include "shop/claim.h"
#include "shop/rules.h"

enum tg_comment_kind { TG_COMMENT_TALK, TG_COMMENT_BUY, TG_COMMENT_UNDO };

enum {
    TG_COMMENT_TOKENS_MAX = 12, /* words of a purchase; who writes more is talking */
    TG_COMMENT_TOKEN_SIZE = 40,
    TG_COMMENT_CHOICES_MAX = 8, /* named in an answer */
};

/* A text as lower-case words without accents; words too long or too many set `more`. */
struct tg_words {
    uint32_t count;
    bool more;
    bool question;                     /* a question mark stood in it */
    bool apart[TG_COMMENT_TOKENS_MAX]; /* more than blanks stood before the word */
    char word[TG_COMMENT_TOKENS_MAX][TG_COMMENT_TOKEN_SIZE];
};
void tg_words_split(struct tg_words *ret, const char *text);

struct tg_comment {
    enum tg_comment_kind kind;
    bool worded;          /* began with the word */
    bool twice;           /* two quantities: which one? */
    uint32_t number;      /* > 0 */
    int32_t qty;          /* 0 = not said; above TG_QTY_MAX is possible */
    struct tg_words rest; /* options, and plain numbers that may be a quantity */
};
/* Never fails: what is no purchase is talk. text is NUL-terminated, any bytes. */
void tg_comment_parse(struct tg_comment *ret, const struct tg_show_rules *rules, const char *text);
/* One word that is no number: what a show may use in front. */
bool tg_comment_word_ok(const char *word);

/* What a line means. */
struct tg_comment_wish {
    enum tg_comment_kind kind; /* TALK: nobody is answered */
    enum tg_code code;         /* OK, or why the person must write again */
    char message[160];
    const struct tg_variant *variant; /* BUY and OK */
    int32_t qty;
    uint32_t choice_count; /* which ones it can be */
    const struct tg_variant *choices[TG_COMMENT_CHOICES_MAX];
};
void tg_shop_comment(const struct tg_shop *shop, uint16_t show, const char *text,
                     struct tg_comment_wish *ret);

/* "M, black" of {"size":"M","color":"black"}; "" = no options. Cut at whole characters. */
enum { TG_OPTION_TEXT_SIZE = 64 };
void tg_option_text(char out[TG_OPTION_TEXT_SIZE], const char *options_json);

#endif
