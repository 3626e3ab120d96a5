#include "ctl/commands.h"

#include <string.h>

#include "base/macros.h"
#include "base/str.h"

struct command {
    const char *words; /* "show create" */
    const char *args;  /* names of the positional arguments, blank-separated; ! = a whole number */
    const char *options; /* names of allowed options */
    const char *help;
};

static const struct command commands[] = {
    {"show create", "show", "title", "make a show; ID is a-z, 0-9 and -"},
    {"show list", "", "", "all shows"},
    {"show status", "show", "", "one show"},
    {"show start", "show", "", "the show is live from now on"},
    {"show stop", "show", "", "the show has ended"},
    {"token create", "", "role show publish-only expires label",
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
    {"webhook replay", "webhook", "since", "send again what failed since a time (RFC 3339)"},
    {"webhook delete", "webhook", "", "remove it and its secrets"},
    {"catalog import", "file", "format dry-run strict archive-missing",
     "products from a file: google-xml, google-tsv, shopify, woocommerce or torg"},
    {"catalog undo", "", "import", "take back an import (the last one)"},
    {"catalog list", "", "cursor", "imports, newest first"},
    {"catalog faults", "import", "cursor", "what was wrong in the file of an import"},
    {"catalog export", "file", "format", "all products into a file: torg, google or csv"},
    {"order list", "", "cursor state show person", "orders, newest first"},
    {"order show", "order", "", "one order by number or id, with its history"},
    {"order cancel", "order", "lines reason", "all of it that was not sent, or --lines 1x2,3"},
    {"order fulfil", "order", "lines carrier tracking", "all of it was sent, or --lines"},
    {"order refund", "order", "amount reason", "pay back --amount minor units, or what is due"},
};

static const char *const later[] = {"doctor"};

void ctl_help(FILE *out)
{
    (void)fprintf(out, "Usage: torgctl [--data DIR] [--json] COMMAND\n"
                       "\n"
                       "  --data DIR   the server's data directory (default: .)\n"
                       "  --json       print the answer as JSON\n"
                       "  --url URL --token T   not built yet\n"
                       "\nCommands:\n");
    for (size_t i = 0; i < TG_ARRAY_LEN(commands); i++) {
        const struct command *c = &commands[i];
        char line[96];

        (void)snprintf(line, sizeof(line), "%s%s%s", c->words, c->args[0] != '\0' ? " " : "",
                       c->args);
        (void)fprintf(out, "  %-24s %s\n", line, c->help);
    }
    (void)fprintf(out, "  %-24s %s\n", "backup FILE",
                  "the whole shop as one file; the server may run");
    (void)fprintf(out, "  %-24s %s\n", "restore FILE",
                  "put a backup in its place; the server must stand still");
    (void)fprintf(out,
                  "\n  token create --role R[,R...] [--show ID] [--publish-only] [--expires 30d] "
                  "[--label TEXT]\n"
                  "  show create ID [--title TEXT]\n"
                  "  catalog import FILE [--format F] [--dry-run] [--strict] [--archive-missing]\n"
                  "\nNot built yet:");
    for (size_t i = 0; i < TG_ARRAY_LEN(later); i++)
        (void)fprintf(out, "%s %s", i == 0 ? "" : ",", later[i]);
    (void)fprintf(out, ".\n");
}

static bool has_word(const char *list, const char *word, size_t len)
{
    for (const char *at = list; *at != '\0'; at += strcspn(at, " "), at += *at == ' ' ? 1 : 0) {
        if (strcspn(at, " ") == len && strncmp(at, word, len) == 0)
            return true;
    }
    return false;
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
    int64_t seconds;

    if (!has_word(c->options, name, strlen(name))) {
        (void)snprintf(reason, size, "%s has no option --%s", c->words, name);
        return false;
    }
    if (strcmp(name, "publish-only") == 0 || strcmp(name, "dry-run") == 0 ||
        strcmp(name, "strict") == 0 || strcmp(name, "archive-missing") == 0) {
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

enum ctl_parsed ctl_parse(int argc, char **argv, json_t **ret, char *reason, size_t reason_size)
{
    char words[64];
    char name[64];

    (void)snprintf(words, sizeof(words), "%s%s%s", argc > 0 ? argv[0] : "", argc > 1 ? " " : "",
                   argc > 1 ? argv[1] : "");
    for (size_t i = 0; i < TG_ARRAY_LEN(later); i++) {
        if (strcmp(words, later[i]) == 0 || (argc > 0 && strcmp(argv[0], later[i]) == 0)) {
            (void)snprintf(reason, reason_size, "%s is not built yet", later[i]);
            return CTL_LATER;
        }
    }
    for (size_t i = 0; i < TG_ARRAY_LEN(commands); i++) {
        enum ctl_parsed parsed;

        if (strcmp(words, commands[i].words) != 0)
            continue;
        tg_str_printf(name, sizeof(name), "%s.%s", argv[0], argv[1]);
        *ret = json_pack("{s:s}", "cmd", name);
        parsed = take_words(&commands[i], argc - 2, argv + 2, *ret, reason, reason_size);
        if (parsed != CTL_OK)
            json_decref(*ret);
        return parsed;
    }
    (void)snprintf(reason, reason_size, "there is no command \"%s\"", words);
    return CTL_USAGE;
}

/* --- for people: a list of objects as a table, anything else as key and value
 * -------------------------- */

static void print_value(const json_t *value)
{
    if (json_is_string(value)) {
        (void)printf("%s", json_string_value(value));
    } else if (value != NULL) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        json_malloc_t alloc_fn;
        json_free_t free_fn;

        json_get_alloc_funcs(&alloc_fn, &free_fn);
        if (text != NULL) {
            (void)printf("%s", text);
            free_fn(text);
        }
    }
}

static void print_object(const json_t *object, const char *indent)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        json_t *item;
        size_t i;

        if (strcmp(key, "ok") == 0)
            continue;
        if (!json_is_array(value)) {
            (void)printf("%s%-14s ", indent, key);
            print_value(value);
            (void)printf("\n");
            continue;
        }
        (void)printf("%s%s: %zu\n", indent, key, json_array_size(value));
        json_array_foreach(value, i, item)
        {
            const char *name;
            json_t *part;

            (void)printf("%s  -", indent);
            if (!json_is_object(item)) {
                (void)printf(" ");
                print_value(item);
            }
            json_object_foreach(item, name, part)
            {
                (void)printf(" %s=", name);
                print_value(part);
            }
            (void)printf("\n");
        }
    }
}

bool ctl_print(const json_t *answer)
{
    const char *message = json_string_value(json_object_get(answer, "message"));

    if (!json_is_true(json_object_get(answer, "ok"))) {
        (void)fprintf(stderr, "torgctl: %s\n", message != NULL ? message : "refused");
        return false;
    }
    print_object(answer, "");
    return true;
}
