/* Chat lines that buy: folding, words, and the shape of a purchase. */
#include "shop/comment.h"

#include <string.h>

#include "base/str.h"

/* --- folding: letters without case and accents ---------------------------------------------------
 */

/* U+00C0..U+017F; a blank separates words. */
static const char latin[] =
    "aaaaaaaceeeeiiiidnoooooxouuuuyts"
    "aaaaaaaceeeeiiiidnooooo ouuuuyty"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkk"
    "llllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
_Static_assert(sizeof(latin) == 0x180 - 0xc0 + 1, "one letter each");

static uint32_t code_point(const char *text, size_t width)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t code = width == 1 ? s[0] : s[0] & (0xffU >> (width + 1));

    for (size_t i = 1; i < width; i++)
        code = code << 6 | (s[i] & 0x3fU);
    return code;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Punctuation, symbols, pictures. Everything else above Latin is a letter, kept as it is. */
static bool separates(uint32_t c)
{
    return (c >= 0x80 && c < 0xc0) || (c >= 0x2000 && c < 0x2c00) || (c >= 0x3000 && c < 0x3040) ||
           (c >= 0xe000 && c < 0xf900) || (c >= 0xfe00 && c < 0xfe10) || c == 0xfeff ||
           (c >= 0x1f000 && c < 0x20000) || c >= 0xe0000;
}

/* Between digits these make a time, a price or a part; "1.5" must not read as 1 and 5. */
static bool joins_digits(char c)
{
    return c == '.' || c == ',' || c == ':' || c == '/';
}

static char fold_ascii(const char *text, size_t at)
{
    char c = text[at];
    bool after = at > 0 && is_digit(text[at - 1]);
    bool before = is_digit(text[at + 1]); /* at most the NUL */

    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || is_digit(c))
        return c;
    if (c == '%' || (joins_digits(c) && after && before))
        return c;
    return c == '*' && (after || before) ? 'x' : ' ';
}

/* One character of the text: what it is as letters, 0 = nothing, "" + blank = end of a word. */
static size_t fold_one(const char *text, size_t at, size_t len, char out[4], size_t *ret_len)
{
    size_t width = tg_utf8_len(text + at, len - at);
    uint32_t c;

    *ret_len = 1;
    out[0] = ' ';
    if (width <= 1) {
        if (width == 1)
            out[0] = fold_ascii(text, at);
        return 1;
    }
    c = code_point(text + at, width);
    if (c >= 0xc0 && c < 0x180) {
        out[0] = latin[c - 0xc0];
    } else if (c >= 0x300 && c < 0x370) {
        *ret_len = 0; /* an accent that stands by itself belongs to the letter before */
    } else if (!separates(c)) {
        memcpy(out, text + at, width);
        *ret_len = width;
    }
    return width;
}

void tg_words_split(struct tg_words *ret, const char *text)
{
    size_t len = strlen(text);
    size_t used = 0;
    bool apart = false;

    *ret = (struct tg_words){.count = 0};
    for (size_t at = 0; at < len && !ret->more;) {
        bool blank = text[at] == ' ' || text[at] == '\t';
        char folded[4];
        size_t add;

        ret->question = ret->question || text[at] == '?';
        at += fold_one(text, at, len, folded, &add);
        if (add == 1 && folded[0] == ' ') {
            apart = !blank || (apart && used == 0);
            ret->count += used > 0;
            used = 0;
        } else if (add > 0) {
            if (ret->count == TG_COMMENT_TOKENS_MAX || used + add >= TG_COMMENT_TOKEN_SIZE) {
                ret->more = true;
            } else {
                ret->apart[ret->count] = apart;
                memcpy(ret->word[ret->count] + used, folded, add);
                used += add;
            }
        }
    }
    ret->count += used > 0 && !ret->more;
}

/* --- the parts of a line -------------------------------------------------------------------------
 */

/* The first `len` bytes as a number of 1 to 9 digits; -1 = they are none. */
static int64_t digits_of(const char *text, size_t len)
{
    int64_t n = 0;

    if (len < 1 || len > 9)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]))
            return -1;
        n = n * 10 + (text[i] - '0');
    }
    return n;
}

static int64_t number_of(const char *word)
{
    return digits_of(word, strlen(word));
}

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, list[i]) == 0)
            return true;
    return false;
}

static bool is_unit(const char *word)
{
    static const char *const units[] = {"x",    "stk",   "st",    "pcs",    "pc",   "stykk",
                                        "styk", "styck", "piece", "pieces", "units"};

    return is_one_of(word, units, TG_ARRAY_LEN(units));
}

static bool is_undo(const char *word)
{
    static const char *const undos[] = {"undo", "angre", "angra"};

    return is_one_of(word, undos, TG_ARRAY_LEN(undos));
}

static bool is_courtesy(const char *word)
{
    static const char *const words[] = {"please", "pls", "thanks", "takk", "tack"};

    return is_one_of(word, words, TG_ARRAY_LEN(words));
}

static bool is_numero(const char *word)
{
    static const char *const words[] = {"nr", "no", "number", "nummer"};

    return is_one_of(word, words, TG_ARRAY_LEN(words));
}

static bool is_front_word(const char *word, const char *own)
{
    static const char *const usual[] = {"shop", "kjop", "kjoper", "kop", "koper", "buy"};
    struct tg_words folded;

    if (own[0] == '\0')
        return is_one_of(word, usual, TG_ARRAY_LEN(usual));
    tg_words_split(&folded, own);
    return folded.count == 1 && !folded.more && strcmp(word, folded.word[0]) == 0;
}

/* A quantity at word i? How many words it takes; 0 = none. */
static uint32_t quantity_at(const struct tg_words *words, uint32_t i, int64_t *ret)
{
    const char *word = words->word[i];
    const char *next = i + 1 < words->count ? words->word[i + 1] : "";
    size_t front = strspn(word, "0123456789");

    if (word[0] == 'x' && word[1] != '\0') {
        *ret = number_of(word + 1);
        return *ret >= 0;
    }
    if (strcmp(word, "x") == 0) {
        *ret = number_of(next);
        return *ret >= 0 ? 2 : 0;
    }
    *ret = digits_of(word, front);
    if (*ret < 0)
        return 0;
    if (word[front] != '\0')
        return is_unit(word + front);
    return is_unit(next) ? 2 : 0;
}

/* "12x2": two of number 12. */
static bool number_times(struct tg_comment *ret, const char *word)
{
    size_t front = strspn(word, "0123456789");
    int64_t number = digits_of(word, front);
    int64_t qty = word[front] == 'x' ? number_of(word + front + 1) : -1;

    if (number <= 0 || qty <= 0)
        return false;
    ret->number = (uint32_t)number;
    ret->twice = ret->qty > 0;
    ret->qty = qty > TG_QTY_MAX ? TG_QTY_MAX + 1 : (int32_t)qty;
    return true;
}

static void keep_word(struct tg_words *rest, const struct tg_words *words, uint32_t i)
{
    /* As many as there were words in the line: there is room. */
    rest->apart[rest->count] = words->apart[i];
    memcpy(rest->word[rest->count++], words->word[i], TG_COMMENT_TOKEN_SIZE);
}

/* Which product; false = it is no number. */
static bool number_at(struct tg_comment *ret, const char *word)
{
    int64_t n = number_of(word);

    if (ret->worded && is_numero(word))
        return true; /* what follows is it */
    if (n > 0)
        ret->number = (uint32_t)n;
    return n > 0 || number_times(ret, word);
}

/* false = talk. */
static bool read_wish(struct tg_comment *ret, const struct tg_words *words, uint32_t i)
{
    while (i < words->count) {
        int64_t n;
        uint32_t used = quantity_at(words, i, &n);

        /* "12 x 2" is two of number 12. */
        if (used == 2 && ret->number == 0 && strcmp(words->word[i + 1], "x") == 0 &&
            i + 2 < words->count && number_of(words->word[i + 2]) >= 0)
            used = 0;
        if (used > 0) {
            ret->twice = ret->twice || ret->qty > 0;
            ret->qty = n > TG_QTY_MAX ? TG_QTY_MAX + 1 : (int32_t)n;
            if (n == 0)
                return false;
            i += used;
            continue;
        }
        if (ret->number > 0 && !is_courtesy(words->word[i]))
            keep_word(&ret->rest, words, i);
        if (ret->number == 0 && !number_at(ret, words->word[i]))
            return false;
        i++;
    }
    return ret->number > 0;
}

void tg_comment_parse(struct tg_comment *ret, const struct tg_show_rules *rules, const char *text)
{
    struct tg_words words;
    uint32_t i;

    *ret = (struct tg_comment){.kind = TG_COMMENT_TALK};
    tg_words_split(&words, text);
    if (!rules->comments || words.count == 0 || words.more || words.question)
        return;
    ret->worded = is_front_word(words.word[0], rules->comment_word);
    i = ret->worded ? 1 : 0;
    if (words.count == i + 1 && is_undo(words.word[i])) {
        ret->kind = TG_COMMENT_UNDO;
        return;
    }
    if ((ret->worded || rules->comment_bare) && read_wish(ret, &words, i))
        ret->kind = TG_COMMENT_BUY;
}

bool tg_comment_word_ok(const char *word)
{
    struct tg_words words;

    tg_words_split(&words, word);
    return words.count == 1 && !words.more && !words.question && !is_digit(words.word[0][0]) &&
           !is_undo(words.word[0]) && !(words.word[0][0] == 'x' && is_digit(words.word[0][1]));
}
