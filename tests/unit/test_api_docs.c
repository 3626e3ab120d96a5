/*
 * test_api_docs.c - the documents that the server serves say what it does: the same addresses, the
 * same operations; and the checker that other tests use can fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/channel_parse.h"
#include "api/req.h"
#include "base/macros.h"
#include "msg/webhook.h"
#include "support/lib/schema.h"

static struct schema_doc *asyncapi;
static struct schema_doc *openapi;

static int setup(void **state)
{
    (void)state;
    asyncapi = schema_load("asyncapi");
    openapi = schema_load("openapi");
    return asyncapi != NULL && openapi != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    schema_free(asyncapi);
    schema_free(openapi);
    return 0;
}

static const char *method_name(enum tg_method method)
{
    static const char *const names[TG_METHOD_COUNT] = {"get",   "head",   "post",   "put",
                                                       "patch", "delete", "options"};

    return names[method];
}

/* Pages and files are not the API's; what answers "not built yet" is not promised. */
static bool is_api(const char *pattern)
{
    static const char *const begins[] = {"/api/",    "/whep/",  "/whip",
                                         "/healthz", "/readyz", "/metrics"};

    if (pattern[strlen(pattern) - 1] == '/') /* a redirect to the same without the slash */
        return false;
    for (size_t i = 0; i < TG_ARRAY_LEN(begins); i++) {
        if (strncmp(pattern, begins[i], strlen(begins[i])) == 0)
            return true;
    }
    return false;
}

static void test_docs_every_route_is_described(void **state)
{
    const json_t *paths = json_object_get(schema_root(openapi), "paths");

    (void)state;
    for (size_t i = 0; i < tg_route_count; i++) {
        const struct tg_route *route = &tg_routes[i];
        const json_t *path = json_object_get(paths, route->pattern);

        if (is_api(route->pattern) && json_object_get(path, method_name(route->method)) == NULL)
            fail_msg("%s %s is not in openapi.json", method_name(route->method), route->pattern);
    }
}

static void test_docs_every_description_has_a_route(void **state)
{
    json_t *paths = json_object_get(schema_root(openapi), "paths");
    const char *path;
    json_t *methods;

    (void)state;
    json_object_foreach(paths, path, methods)
    {
        const char *method;
        json_t *operation;

        json_object_foreach(methods, method, operation)
        {
            size_t i;

            (void)operation;
            for (i = 0; i < tg_route_count; i++) {
                if (strcmp(tg_routes[i].pattern, path) == 0 &&
                    strcmp(method_name(tg_routes[i].method), method) == 0)
                    break;
            }
            if (i == tg_route_count)
                fail_msg("openapi.json promises %s %s", method, path);
        }
    }
}

static bool has_parameter(const json_t *operation, const char *name)
{
    const json_t *list = json_object_get(operation, "parameters");
    char ref[80];

    (void)snprintf(ref, sizeof(ref), "#/components/parameters/%s", name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *to = json_string_value(json_object_get(json_array_get(list, i), "$ref"));

        if (to != NULL && strcmp(to, ref) == 0)
            return true;
    }
    return false;
}

static void expect_status(const struct tg_route *route, const json_t *operation, const char *status)
{
    if (json_object_get(json_object_get(operation, "responses"), status) == NULL)
        fail_msg("openapi.json does not say that %s %s may answer %s", method_name(route->method),
                 route->pattern, status);
}

/* A refusal that is to be asked again says when, where it is described. */
static void expect_retry_after(const struct tg_route *route, const json_t *operation,
                               const char *status)
{
    const json_t *answer = json_object_get(json_object_get(operation, "responses"), status);
    const char *ref = json_string_value(json_object_get(answer, "$ref"));

    if (ref != NULL) {
        const json_t *all =
            json_object_get(json_object_get(schema_root(openapi), "components"), "responses");

        answer = json_object_get(all, strrchr(ref, '/') + 1);
    }
    if (answer != NULL &&
        json_object_get(json_object_get(answer, "content"), "text/plain") == NULL &&
        json_object_get(json_object_get(answer, "headers"), "Retry-After") == NULL)
        fail_msg("%s %s: no Retry-After with %s", method_name(route->method), route->pattern,
                 status);
}

/* What the row says is taken, and nothing else, is described. */
static void same_parameter(const struct tg_route *route, const json_t *operation, uint32_t flag,
                           const char *name)
{
    if (((route->flags & flag) != 0) != has_parameter(operation, name))
        fail_msg("%s %s: %s", method_name(route->method), route->pattern, name);
}

/* What the server says before any handler runs follows from the row. */
static void check_row(const struct tg_route *route, const json_t *operation)
{
    const json_t *content = json_object_get(json_object_get(operation, "requestBody"), "content");
    bool keyed = (route->flags & TG_ROUTE_IDEMPOTENT) != 0;
    bool key_taken = (route->flags & TG_ROUTE_KEY_TAKEN) != 0;
    bool login = route->roles != 0 || (route->flags & TG_ROUTE_LOGIN) != 0;

    expect_status(route, operation, "429");
    expect_retry_after(route, operation, "429");
    expect_retry_after(route, operation, "503");
    /* A Content-Length that is no number: whatever the handler is. */
    if (strncmp(route->pattern, "/api/v1/", 8) == 0)
        expect_status(route, operation, "400");
    if (route->method == TG_POST || route->method == TG_PUT || route->method == TG_PATCH) {
        expect_status(route, operation, "411");
        expect_status(route, operation, "413");
    }
    if (json_object_get(content, "application/json") != NULL)
        expect_status(route, operation, "415");
    if (login)
        expect_status(route, operation, "401");
    if (route->roles != 0)
        expect_status(route, operation, "403");
    same_parameter(route, operation, TG_ROUTE_IDEMPOTENT, "IdempotencyKey");
    same_parameter(route, operation, TG_ROUTE_KEY_TAKEN, "IdempotencyKeyTaken");
    same_parameter(route, operation, TG_ROUTE_LANG, "Lang");
    same_parameter(route, operation, TG_ROUTE_LIST, "Cursor");
    same_parameter(route, operation, TG_ROUTE_LIST, "Limit");
    if (keyed || key_taken) {
        expect_status(route, operation, "400");
        expect_status(route, operation, "409");
        expect_retry_after(route, operation, "409");
        expect_status(route, operation, "422");
    }
}

static void test_docs_statuses_follow_from_the_routes(void **state)
{
    const json_t *paths = json_object_get(schema_root(openapi), "paths");

    (void)state;
    for (size_t i = 0; i < tg_route_count; i++) {
        const json_t *path = json_object_get(paths, tg_routes[i].pattern);
        const json_t *operation = json_object_get(path, method_name(tg_routes[i].method));

        if (operation != NULL)
            check_row(&tg_routes[i], operation);
    }
}

/* Each topic is described, and no other; an order's message is an order and what happened. */
static void test_docs_every_topic_is_described(void **state)
{
    json_t *hooks = json_object_get(schema_root(openapi), "webhooks");
    const json_t *schemas =
        json_object_get(json_object_get(schema_root(openapi), "components"), "schemas");
    const json_t *order = json_object_get(json_object_get(schemas, "OrderMessage"), "properties");
    json_t *of_order = json_object_get(json_object_get(schemas, "Order"), "properties");
    const char *name;
    json_t *value;
    size_t count = 0;

    (void)state;
    for (const char *topic; (topic = tg_hook_topic_at(count)) != NULL; count++)
        if (json_object_get(hooks, topic) == NULL)
            fail_msg("%s is not in openapi.json", topic);
    assert_int_equal(json_object_size(hooks), count);
    json_object_foreach(of_order, name, value)
    {
        if (!json_equal(json_object_get(order, name), value))
            fail_msg("OrderMessage.%s is not as in Order", name);
    }
}

static void test_docs_every_operation_is_described(void **state)
{
    char frame[320];
    char why[256];

    (void)state;
    for (int kind = 0; kind < TG_OP_LATER; kind++) {
        /* All fields that some operation needs; unknown ones are allowed. */
        (void)snprintf(frame, sizeof(frame),
                       "{\"op\":\"%s\",\"id\":\"a\",\"text\":\"x\",\"kind\":\"fire\",\"n\":1,"
                       "\"sku\":\"A\",\"qty\":1,\"delta\":1,\"message\":\"c1\",\"person\":\"p\","
                       "\"on\":true,\"open\":true,\"name\":\"n\"}",
                       tg_op_name((enum tg_op_kind)kind));
        if (!schema_check(asyncapi, "ClientFrame", frame, strlen(frame), why))
            fail_msg("%s: %s", frame, why);
    }
    assert_false(schema_check(asyncapi, "ClientFrame", "{\"op\":\"dance\",\"id\":\"a\"}", 23, why));
}

static void expect_bad(const char *schema, const char *text)
{
    char why[256];

    if (schema_check(asyncapi, schema, text, strlen(text), why))
        fail_msg("%s fits %s", text, schema);
    assert_true(why[0] != '\0');
}

static void test_docs_checker_can_fail(void **state)
{
    static const char good[] = "{\"ev\":\"stock\",\"at\":1,\"sku\":\"A\",\"value\":\"many\"}";
    char why[256];

    (void)state;
    assert_true(schema_check(asyncapi, "StockEvent", good, strlen(good), why));
    assert_true(schema_check(asyncapi, "Event", good, strlen(good), why));
    expect_bad("StockEvent", "{\"ev\":\"stock\",\"at\":1,\"sku\":\"A\",\"value\":\"few\"}");
    expect_bad("StockEvent", "{\"ev\":\"stock\",\"at\":1,\"sku\":\"A\",\"value\":-1}");
    expect_bad("StockEvent", "{\"ev\":\"stock\",\"at\":1,\"value\":1}");
    expect_bad("StockEvent", "{\"ev\":\"stock\",\"at\":1,\"sku\":\"\",\"value\":1}");
    expect_bad("StockEvent", "{\"ev\":\"stock\",\"at\":1,\"sku\":\"A\",\"value\":1,\"x\":1}");
    expect_bad("StockEvent", "{\"ev\":\"price\",\"at\":1,\"sku\":\"A\",\"value\":1}");
    expect_bad("Chat", "{\"ev\":\"chat\",\"n\":1,\"at\":1,\"id\":\"x1\",\"text\":\"a\",\"from\":{"
                       "\"id\":\"p\",\"name\":\"\",\"roles\":[]}}");
    expect_bad("Person", "{\"id\":\"p\",\"name\":\"\",\"roles\":[\"king\"]}");
    expect_bad("Reactions", "{\"ev\":\"reactions\",\"at\":1,\"value\":{}}");
    expect_bad("ServerFrame", "[]");
    expect_bad("ServerFrame", "{");
    expect_bad("Nothing", "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_docs_every_route_is_described, setup, teardown),
        cmocka_unit_test_setup_teardown(test_docs_every_description_has_a_route, setup, teardown),
        cmocka_unit_test_setup_teardown(test_docs_statuses_follow_from_the_routes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_docs_every_topic_is_described, setup, teardown),
        cmocka_unit_test_setup_teardown(test_docs_every_operation_is_described, setup, teardown),
        cmocka_unit_test_setup_teardown(test_docs_checker_can_fail, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
