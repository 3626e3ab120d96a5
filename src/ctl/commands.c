#include "ctl/commands.h"

#include <string.h>

#include "base/macros.h"
#include "base/str.h"

struct command {
    const char *words; /* "show create" */
    const char *args;  /* names of the positional arguments, blank-separated; ! = a whole number */
    const char *options; /* names of allowed options; ! = without a value */
    const char *help;
};

static const struct command commands[] = {
    {"show create", "show", "title", "make a show; ID is a-z, 0-9 and -"},
    {"show list", "", "", "all shows"},
    {"show status", "show", "", "one show"},
    {"show start", "show", "", "the show is live from now on"},
    {"show stop", "show", "", "the show has ended"},
    {"token create", "", "role show publish-only! expires label",
     "a token; it is shown this once. --publish-only makes a stream key"},
    {"token list", "", "", "all tokens, without their secrets"},
    {"token revoke", "token", "", "stops working at once"},
    {"stock set", "sku value!", "location cause", "units counted there now"},
    {"stock adjust", "sku value!", "location cause", "add units (negative: take away)"},
    {"stock transfer", "sku from to value!", "cause", "move free units from place to place"},
    {"stock locations", "", "sku", "all places; with --sku its free units there"},
    {"stock audit", "", "", "re-derive every number from the movements and list differences"},
    {"webhook list", "", "", "endpoints that are told what happens"},
    {"webhook create", "url", "topics description",
     "an endpoint; its secret is shown this once. --topics \"order.* stock.changed\""},
    {"webhook rotate", "webhook", "", "a new secret; the old one signs for 24 hours more"},
    {"webhook ping", "webhook", "", "send it a webhook.ping"},
    {"webhook replay", "webhook", "since", "send again what was given up since a time (RFC 3339)"},
    {"webhook delete", "webhook", "", "remove it and its secrets"},
    {"catalog import", "file", "format dry-run! strict! archive-missing!",
     "products from a file: google-xml, google-tsv, shopify, woocommerce or torg"},
    {"catalog undo", "", "import", "take back an import (the last one)"},
    {"catalog cancel", "", "import", "end an import or undo that runs (the one that does)"},
    {"catalog list", "", "cursor", "imports, newest first"},
    {"catalog faults", "import", "cursor", "what was wrong in the file of an import"},
    {"catalog export", "file", "format",
     "all products into a file: torg, google, shopify or woocommerce"},
    {"order list", "", "cursor state show person", "orders, newest first"},
    {"order show", "order", "", "one order by number or id, with its history"},
    {"order cancel", "order", "lines reason", "all of it that was not sent, or --lines 1x2,3"},
    {"order fulfil", "order", "lines carrier tracking", "all of it was sent, or --lines"},
    {"order refund", "order", "amount reason", "pay back --amount minor units, or what is due"},
    {"backup", "file", "", "the whole shop as one file; the server may run"},
    {"restore", "file", "", "put a backup in its place; the server must stand still"},
    {"doctor", "", "",
     "look at ports, certificates, clock, codecs, data directory, database, disk"},
};

void ctl_help(FILE *out)
{
    (void)fprintf(
        out, "Usage: torgctl [--data DIR] [--config FILE] [--json] COMMAND\n"
             "\n"
             "  --data DIR     the server's data directory (default: .)\n"
             "  --config FILE  torgd's configuration, when no server runs (default: what\n"
             "                 torgd left in the data directory)\n"
             "  --json         print the answer as JSON\n"
             "  --url URL --token T   a server elsewhere, by its HTTP API (shows, tokens,\n"
             "                 stock, orders, webhooks, catalogue); T, or @FILE that holds it\n"
             "\nCommands:\n");
    for (size_t i = 0; i < TG_ARRAY_LEN(commands); i++) {
        const struct command *c = &commands[i];
        char line[96];

        (void)snprintf(line, sizeof(line), "%s%s%s", c->words, c->args[0] != '\0' ? " " : "",
                       c->args);
        (void)fprintf(out, "  %-24s %s\n", line, c->help);
    }
    (void)fprintf(
        out, "\n  token create --role R[,R...] [--show ID] [--publish-only] [--expires 30d] "
             "[--label TEXT]\n"
             "  show create ID [--title TEXT]\n"
             "  catalog import FILE [--format F] [--dry-run] [--strict] [--archive-missing]\n");
}

/* The word in a blank-separated list, NULL = it is not there; a ! behind it is not part of it. */
static const char *find_word(const char *list, const char *word)
{
    const size_t len = strlen(word);

    for (const char *at = list; *at != '\0'; at += strcspn(at, " "), at += *at == ' ' ? 1 : 0) {
        if (strncmp(at, word, len) == 0 && strchr(" !", at[len]) != NULL)
            return at; /* strchr finds the NUL, too */
    }
    return NULL;
}

/* "90", "15m", "12h", "30d" to seconds. */
static bool parse_duration(const char *text, int64_t *ret_s)
{
    size_t len = strlen(text);
    int64_t unit = 1;

    if (len == 0)
        return false;
    switch (text[len - 1]) {
    case 'd':
        unit = 86400;
        break;
    case 'h':
        unit = 3600;
        break;
    case 'm':
        unit = 60;
        break;
    default:
        unit = 0;
        break;
    }
    if (unit != 0)
        len--;
    if (tg_parse_i64(ret_s, text, len, 1, 36500) != TG_OK &&
        (unit != 0 || tg_parse_i64(ret_s, text, len, 1, INT64_C(3153600000)) != TG_OK))
        return false;
    *ret_s *= unit != 0 ? unit : 1;
    return true;
}

static bool take_option(const struct command *c, int argc, char **argv, int *at, json_t *request,
                        char *reason, size_t size)
{
    const char *name = argv[*at] + 2;
    const char *option = name[0] == '\0' ? NULL : find_word(c->options, name);
    int64_t seconds;

    if (option == NULL) {
        (void)snprintf(reason, size, "%s has no option --%s", c->words, name);
        return false;
    }
    if (option[strlen(name)] == '!') {
        char member[24];

        tg_str_cut(member, sizeof(member), name);
        for (char *at_char = member; *at_char != '\0'; at_char++)
            *at_char = *at_char == '-' ? '_' : *at_char;
        (void)json_object_set_new(request, member, json_true());
        return true;
    }
    if (*at + 1 >= argc) {
        (void)snprintf(reason, size, "--%s needs a value", name);
        return false;
    }
    (*at)++;
    if (strcmp(name, "expires") == 0) {
        if (!parse_duration(argv[*at], &seconds)) {
            (void)snprintf(reason, size, "--expires takes a time such as 90m, 12h or 30d");
            return false;
        }
        (void)json_object_set_new(request, "expires_s", json_integer(seconds));
        return true;
    }
    (void)json_object_set_new(request, strcmp(name, "role") == 0 ? "roles" : name,
                              json_string(argv[*at]));
    return true;
}

static bool take_argument(const char **names, const char *value, json_t *request, char *reason,
                          size_t size)
{
    size_t len = strcspn(*names, " ");
    bool number = len > 0 && (*names)[len - 1] == '!';
    int64_t parsed;
    char name[16];

    if (len == 0) {
        (void)snprintf(reason, size, "\"%s\" is one word too many", value);
        return false;
    }
    TG_ASSERT(tg_str_copy(name, sizeof(name), *names, len - (number ? 1 : 0)) == TG_OK);
    *names += len + ((*names)[len] == ' ' ? 1 : 0);
    if (!number) {
        (void)json_object_set_new(request, name, json_string(value));
        return true;
    }
    if (tg_parse_i64(&parsed, value, strlen(value), INT32_MIN, INT32_MAX) != TG_OK) {
        (void)snprintf(reason, size, "\"%s\" must be a whole number", value);
        return false;
    }
    (void)json_object_set_new(request, name, json_integer(parsed));
    return true;
}

static enum ctl_parsed take_words(const struct command *c, int argc, char **argv, json_t *request,
                                  char *reason, size_t size)
{
    const char *names = c->args;

    for (int i = 0; i < argc; i++) {
        bool ok = strncmp(argv[i], "--", 2) == 0
                      ? take_option(c, argc, argv, &i, request, reason, size)
                      : take_argument(&names, argv[i], request, reason, size);

        if (!ok)
            return CTL_USAGE;
    }
    if (*names == '\0')
        return CTL_OK;
    (void)snprintf(reason, size, "%s needs: %s", c->words, c->args);
    return CTL_USAGE;
}

/* How many of the words are the command's name; 0 = none. */
static int matches(const struct command *c, int argc, char **argv)
{
    const char *second = strchr(c->words, ' ');
    size_t len = second == NULL ? strlen(c->words) : (size_t)(second - c->words);

    if (argc < 1 || strlen(argv[0]) != len || strncmp(argv[0], c->words, len) != 0)
        return 0;
    if (second == NULL)
        return 1;
    return argc > 1 && strcmp(argv[1], second + 1) == 0 ? 2 : 0;
}

enum ctl_parsed ctl_parse(int argc, char **argv, json_t **ret, char *reason, size_t reason_size)
{
    for (size_t i = 0; i < TG_ARRAY_LEN(commands); i++) {
        int words = matches(&commands[i], argc, argv);
        enum ctl_parsed parsed;
        char name[64];

        if (words == 0)
            continue;
        tg_str_printf(name, sizeof(name), "%s%s%s", argv[0], words == 2 ? "." : "",
                      words == 2 ? argv[1] : "");
        *ret = json_pack("{s:s}", "cmd", name);
        parsed = take_words(&commands[i], argc - words, argv + words, *ret, reason, reason_size);
        if (parsed != CTL_OK)
            json_decref(*ret);
        return parsed;
    }
    (void)snprintf(reason, reason_size, "there is no command \"%.60s%s%.60s\"",
                   argc > 0 ? argv[0] : "", argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
    return CTL_USAGE;
}
