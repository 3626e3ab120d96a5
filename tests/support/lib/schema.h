/*
 * schema.h - checks JSON against a schema of web/api/ (OpenAPI and AsyncAPI), so that the documents
 * and the server cannot drift apart.
 *
 * Knows the keywords those documents use: $ref, type, const, enum, oneOf, properties, required,
 * additionalProperties, items, minItems, maxItems, minProperties, minimum, maximum, minLength,
 * maxLength, pattern. Others are taken as remarks.
 */
#ifndef TG_TESTS_SUPPORT_SCHEMA_H
#define TG_TESTS_SUPPORT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

struct schema_doc;

/* "asyncapi" or "openapi"; NULL when web/api/<name>.json cannot be read. */
struct schema_doc *schema_load(const char *name);
void schema_free(struct schema_doc *doc);
/*
 * Whether text is JSON that fits components.schemas.<schema>. Otherwise why says where it does not
 * (of a oneOf only that none, or more than one, fits).
 */
bool schema_check(const struct schema_doc *doc, const char *schema, const char *text, size_t len,
                  char why[256]);
/* The parsed document (json_t *), for tests that look at it themselves. */
const void *schema_root(const struct schema_doc *doc);

#endif
