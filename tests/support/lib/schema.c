#include "support/lib/schema.h"

#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/str.h"

struct schema_doc {
    json_t *root;
};

struct schema_doc *schema_load(const char *name)
{
    struct schema_doc *doc = calloc(1, sizeof(*doc));
    char path[1024];
    const char *end = strstr(__FILE__, "tests/support/lib/schema.c");

    if (doc == NULL || end == NULL) {
        free(doc);
        return NULL;
    }
    (void)snprintf(path, sizeof(path), "%.*sweb/api/%s.json", (int)(end - __FILE__), __FILE__,
                   name);
    doc->root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (doc->root == NULL) {
        free(doc);
        return NULL;
    }
    return doc;
}

void schema_free(struct schema_doc *doc)
{
    if (doc == NULL)
        return;
    json_decref(doc->root);
    free(doc);
}

const void *schema_root(const struct schema_doc *doc)
{
    return doc->root;
}

struct check {
    const json_t *root;
    char *why; /* the first complaint; 256 bytes */
};

static bool complain(const struct check *c, const char *where, const char *what)
{
    if (c->why[0] == '\0')
        (void)snprintf(c->why, 256, "%s: %s", where, what);
    return false;
}

static const json_t *follow(const struct check *c, const char *ref)
{
    const json_t *at = c->root;
    char part[64];

    while (at != NULL && *ref != '\0') {
        size_t len = strcspn(ref, "/");

        if (len < sizeof(part) && len > 0 && strncmp(ref, "#", len) != 0) {
            (void)snprintf(part, sizeof(part), "%.*s", (int)len, ref);
            at = json_object_get(at, part);
        }
        ref += len + (ref[len] == '/');
    }
    return at;
}

static bool is_type(const json_t *value, const char *type)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return strcmp(type, "object") == 0;
    case JSON_ARRAY:
        return strcmp(type, "array") == 0;
    case JSON_STRING:
        return strcmp(type, "string") == 0;
    case JSON_INTEGER:
        return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
    case JSON_REAL:
        return strcmp(type, "number") == 0;
    case JSON_TRUE:
    case JSON_FALSE:
        return strcmp(type, "boolean") == 0;
    case JSON_NULL:
        return strcmp(type, "null") == 0;
    }
    return false;
}

static bool type_fits(const json_t *types, const json_t *value)
{
    if (types == NULL)
        return true;
    if (json_is_string(types))
        return is_type(value, json_string_value(types));
    for (size_t i = 0; i < json_array_size(types); i++) {
        if (is_type(value, json_string_value(json_array_get(types, i))))
            return true;
    }
    return false;
}

static bool one_of(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), value))
            return true;
    }
    return false;
}

static bool number_fits(const json_t *schema, const json_t *value)
{
    const json_t *min = json_object_get(schema, "minimum");
    const json_t *max = json_object_get(schema, "maximum");

    return !json_is_integer(value) ||
           ((min == NULL || json_integer_value(value) >= json_integer_value(min)) &&
            (max == NULL || json_integer_value(value) <= json_integer_value(max)));
}

static bool text_fits(const json_t *schema, const json_t *value)
{
    const json_t *min = json_object_get(schema, "minLength");
    const json_t *max = json_object_get(schema, "maxLength");
    const json_t *pattern = json_object_get(schema, "pattern");
    size_t chars;
    regex_t re;
    bool fits;

    if (!json_is_string(value))
        return true;
    chars = tg_utf8_chars(json_string_value(value), json_string_length(value));
    if ((min != NULL && (json_int_t)chars < json_integer_value(min)) ||
        (max != NULL && (json_int_t)chars > json_integer_value(max)))
        return false;
    if (pattern == NULL)
        return true;
    if (regcomp(&re, json_string_value(pattern), REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    fits = regexec(&re, json_string_value(value), 0, NULL, 0) == 0;
    regfree(&re);
    return fits;
}

static bool fits(const struct check *c, const json_t *schema, const json_t *value,
                 const char *where);

static bool object_fits(const struct check *c, const json_t *schema, const json_t *value,
                        const char *where)
{
    const json_t *props = json_object_get(schema, "properties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const json_t *required = json_object_get(schema, "required");
    const json_t *min = json_object_get(schema, "minProperties");
    json_t *copy = json_copy((json_t *)(uintptr_t)value); /* iterating wants a mutable one */
    const char *key;
    json_t *item;
    bool ok = true;

    for (size_t i = 0; i < json_array_size(required); i++) {
        if (json_object_get(value, json_string_value(json_array_get(required, i))) == NULL)
            ok = complain(c, where, json_string_value(json_array_get(required, i)));
    }
    if (min != NULL && (json_int_t)json_object_size(value) < json_integer_value(min))
        ok = complain(c, where, "too few properties");
    json_object_foreach(copy, key, item)
    {
        const json_t *known = json_object_get(props, key);

        if (known == NULL && json_is_false(others))
            ok = complain(c, where, key) && ok;
        else if (known != NULL || json_is_object(others))
            ok = fits(c, known != NULL ? known : others, item, key) && ok;
    }
    json_decref(copy);
    return ok;
}

static bool array_fits(const struct check *c, const json_t *schema, const json_t *value,
                       const char *where)
{
    const json_t *items = json_object_get(schema, "items");
    const json_t *min = json_object_get(schema, "minItems");
    const json_t *max = json_object_get(schema, "maxItems");
    size_t count = json_array_size(value);

    if ((min != NULL && (json_int_t)count < json_integer_value(min)) ||
        (max != NULL && (json_int_t)count > json_integer_value(max)))
        return complain(c, where, "number of items");
    for (size_t i = 0; items != NULL && i < count; i++) {
        if (!fits(c, items, json_array_get(value, i), where))
            return false;
    }
    return true;
}

static bool one_schema_fits(const struct check *c, const json_t *list, const json_t *value,
                            const char *where)
{
    size_t found = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        char why[256] = "";
        const struct check quiet = {.root = c->root, .why = why};

        found += fits(&quiet, json_array_get(list, i), value, where);
    }
    return found == 1 || complain(c, where, found == 0 ? "fits none" : "fits more than one");
}

/* Documents nest a dozen levels; this is a test's own input, so recursion is fine. */
static bool fits(const struct check *c, const json_t *schema, const json_t *value,
                 const char *where)
{
    const json_t *ref = json_object_get(schema, "$ref");
    const json_t *constant = json_object_get(schema, "const");
    const json_t *list = json_object_get(schema, "enum");
    const json_t *either = json_object_get(schema, "oneOf");

    if (ref != NULL) {
        const json_t *target = follow(c, json_string_value(ref));

        return target != NULL ? fits(c, target, value, where) : complain(c, where, "unknown $ref");
    }
    if (!type_fits(json_object_get(schema, "type"), value))
        return complain(c, where, "type");
    if (constant != NULL && !json_equal(constant, value))
        return complain(c, where, "const");
    if (list != NULL && !one_of(list, value))
        return complain(c, where, "enum");
    if (!number_fits(schema, value) || !text_fits(schema, value))
        return complain(c, where, "value");
    if (either != NULL && !one_schema_fits(c, either, value, where))
        return false;
    if (json_is_object(value))
        return object_fits(c, schema, value, where);
    return !json_is_array(value) || array_fits(c, schema, value, where);
}

bool schema_check(const struct schema_doc *doc, const char *schema, const char *text, size_t len,
                  char why[256])
{
    const struct check c = {.root = doc->root, .why = why};
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    const json_t *schemas = json_object_get(json_object_get(doc->root, "components"), "schemas");
    const json_t *top = json_object_get(schemas, schema);
    bool ok;

    why[0] = '\0';
    if (value == NULL || top == NULL) {
        json_decref(value);
        return complain(&c, schema, value == NULL ? "not JSON" : "no such schema");
    }
    ok = fits(&c, top, value, schema);
    json_decref(value);
    return ok;
}
