#include "inbound/rest/rest_routes.h"

#include <string.h>

#include "base/arena.h"
#include "fixture.h"
#include "inbound/rest/proto_to_json.h"
#include "inbound/rest/rest_request.h"
#include "inbound/rest/template.h"
#include "support/text.h"
#include "support/unit.h"

static struct descriptor_set *set;
static struct rest_routes *routes;
static struct arena arena;
static struct error error;

static struct atlas_bytes text(const char *string)
{
    return (struct atlas_bytes){string, strlen(string)};
}

static void begin(void)
{
    if (routes == NULL) {
        set = fixture_descriptors();
        rest_routes_create(&routes, NULL);
        if (rest_routes_add(routes, descriptors_service(set, "transcode.Things"), &error) !=
            ATLAS_OK) {
            printf("%s\n", error.text);
            exit(EXIT_FAILURE);
        }
    }
    arena_finish(&arena);
    arena_init(&arena, NULL, 1 << 20);
    error.text[0] = '\0';
}

/* The method that a path leads to, or what else came of it. */
static const char *find(const char *http_method, const char *path)
{
    static struct rest_match match;

    begin();
    switch (rest_routes_find(routes, http_method, text(path), &match)) {
    case REST_FOUND:
        return match.route->method->name;
    case REST_METHOD_NOT_ALLOWED:
        return match.allow;
    default:
        return "404";
    }
}

/* The request message as JSON, without the fields that are not set; or the refusal. */
static const char *request(const char *http_method, const char *target, const char *body)
{
    struct rest_match match;
    struct buffer proto;
    struct buffer json;
    const char *query = strchr(target, '?');
    size_t len = query != NULL ? (size_t)(query - target) : strlen(target);

    begin();
    if (rest_routes_find(routes, http_method, (struct atlas_bytes){target, len}, &match) !=
        REST_FOUND) {
        return "not found";
    }
    buffer_init(&proto, &arena, 64, 1 << 16);
    buffer_init(&json, &arena, 64, 1 << 16);
    if (rest_request_build(&match, text(query != NULL ? query + 1 : ""), text(body), 100, &proto,
                           &error) != ATLAS_OK ||
        proto_to_json(match.route->method->input, buffer_bytes(&proto), &json, &error) !=
            ATLAS_OK) {
        return error.text;
    }
    buffer_put_byte(&json, 0);
    return (const char *)json.data;
}

#define ASSERT_HAS(actual, words)                                                                  \
    do {                                                                                           \
        const char *actual_text = (actual);                                                        \
        if (strstr(actual_text, (words)) == NULL) {                                                \
            printf("\n  got      %s\n  expected %s\n", actual_text, (words));                      \
        }                                                                                          \
        CU_ASSERT_PTR_NOT_NULL(strstr(actual_text, (words)));                                      \
    } while (0)

static void test_literals_come_before_variables(void)
{
    CU_ASSERT_STRING_EQUAL(find("GET", "/v1/things"), "List");
    CU_ASSERT_STRING_EQUAL(find("POST", "/v1/things"), "Create");
    CU_ASSERT_STRING_EQUAL(find("GET", "/v1/things/latest"), "Latest");
    CU_ASSERT_STRING_EQUAL(find("GET", "/v1/things/later"), "Get");
    CU_ASSERT_STRING_EQUAL(find("PUT", "/v1/things/latest"), "Replace");
    CU_ASSERT_STRING_EQUAL(find("GET", "/v1/shelves/3/things/4"), "Get");
    CU_ASSERT_STRING_EQUAL(find("HEAD", "/v1/things"), "List");
    CU_ASSERT_STRING_EQUAL(find("PURGE", "/v1/files/a/b/c"), "Raw");
    CU_ASSERT_STRING_EQUAL(find("PURGE", "/v1/files"), "Raw");
}

static void test_verbs_end_a_path(void)
{
    CU_ASSERT_STRING_EQUAL(find("POST", "/v1/things/x:burn"), "Burn");
    CU_ASSERT_STRING_EQUAL(find("GET", "/v1/things/x:other"), "Get");
    ASSERT_HAS(request("POST", "/v1/things/x:burn", ""), "{\"name\":\"x\"");
    ASSERT_HAS(request("GET", "/v1/things/x:other", ""), "{\"name\":\"x:other\"");
}

static void test_what_does_not_match(void)
{
    CU_ASSERT_STRING_EQUAL(find("GET", "/v1/nothing"), "404");
    CU_ASSERT_STRING_EQUAL(find("GET", "/"), "404");
    CU_ASSERT_STRING_EQUAL(find("GET", ""), "404");
    CU_ASSERT_STRING_EQUAL(find("GET", "*"), "404");
    CU_ASSERT_STRING_EQUAL(find("GET", "/v1/things/"), "404");
    CU_ASSERT_STRING_EQUAL(find("GET", "//v1/things"), "404");
    CU_ASSERT_STRING_EQUAL(find("DELETE", "/v1/things"), "POST, GET");
    CU_ASSERT_STRING_EQUAL(find("DELETE", "/v1/things/latest"), "GET, PUT");
    CU_ASSERT_STRING_EQUAL(find("GET", "/v1/files/x"), "PURGE");
}

static void test_paths_become_fields(void)
{
    ASSERT_HAS(request("GET", "/v1/things/a%20b%2Fc", ""), "{\"name\":\"a b/c\"");
    ASSERT_HAS(request("GET", "/v1/shelves/3%2f/things/%C3%A9", ""),
               "{\"name\":\"shelves/3%2f/things/\xc3\xa9\"");
    ASSERT_HAS(request("PURGE", "/v1/files/a/b", ""), "{\"name\":\"a/b\"");
    ASSERT_HAS(request("PURGE", "/v1/files", ""), "{\"name\":\"\"");
    ASSERT_HAS(request("GET", "/v1/things/a%2", ""), "broken % escape");
    ASSERT_HAS(request("GET", "/v1/things/a%00", ""), "field name: \"a");
    ASSERT_HAS(request("GET", "/v1/things/%ff", ""), "UTF-8");
}

static void test_queries_become_fields(void)
{
    ASSERT_HAS(
        request("GET", "/v1/things?name=a+b&page=3&tags=x&tags=y%26&colour=RED&deep=true", ""),
        "{\"name\":\"a b\",\"shelf\":\"\",\"page\":3,\"tags\":[\"x\",\"y&\"],"
        "\"colour\":\"RED\",\"deep\":true}");
    ASSERT_HAS(request("GET",
                       "/v1/things?shape.child.latitude=1.5&shape.named=n&shape.at="
                       "2026-01-01T00:00:00Z&shape.wrapped=7&&",
                       ""),
               "\"child\":{\"latitude\":1.5,");
    ASSERT_HAS(request("GET", "/v1/things?shape.aliasName=n&shape.wrapped=7", ""),
               "\"wrapped\":\"7\",\"named\":\"n\"");
    ASSERT_HAS(request("GET", "/v1/things?name", ""), "{\"name\":\"\"");
}

static void test_queries_that_are_refused(void)
{
    ASSERT_HAS(request("GET", "/v1/things?nome=x", ""), "query parameter nome: unknown field");
    ASSERT_HAS(request("GET", "/v1/things?page=x", ""), "field page: \"x\" is not a whole number");
    ASSERT_HAS(request("GET", "/v1/things?page=1&page=2", ""), "page: it is given twice");
    ASSERT_HAS(request("GET", "/v1/things?shape=x", ""), "a message cannot be given as text");
    ASSERT_HAS(request("GET", "/v1/things?name.x=x", ""), "it is not a message");
    ASSERT_HAS(request("GET", "/v1/things/n?name=x", ""), "name: it is given by the path");
    ASSERT_HAS(request("PUT", "/v1/things/n?shape.named=x", ""), "it is given by the body");
    ASSERT_HAS(request("POST", "/v1/things?name=x", "{}"), "from the body, not from the query");
    ASSERT_HAS(request("GET", "/v1/things?a=%zz", ""), "broken % escape");
    ASSERT_HAS(request("GET", "/v1/things?deep=1", ""), "is not true or false");
    ASSERT_HAS(request("GET", "/v1/things?a.b.c.d.e.f.g.h.i.j=1", ""), "unknown field");
}

static void test_too_many_parameters_are_refused(void)
{
    struct text target = {0};

    text_add(&target, "/v1/things?tags=x", 1);
    text_add(&target, "&tags=x", 64);
    ASSERT_HAS(request("GET", target.data, ""), "more than 64 query parameters");
}

static void test_bodies_become_the_message_or_a_field(void)
{
    ASSERT_HAS(request("POST", "/v1/things", "{\"name\":\"n\",\"page\":\"4\"}"),
               "{\"name\":\"n\",\"shelf\":\"\",\"page\":4,");
    ASSERT_HAS(request("PUT", "/v1/things/n?page=2", "{\"named\":\"x\"}"),
               "{\"name\":\"n\",\"shelf\":\"\",\"page\":2,\"shape\":{");
    ASSERT_HAS(request("PUT", "/v1/things/n", "[]"), "field shape: expected an object");
    ASSERT_HAS(request("GET", "/v1/things", "{}"), "GET /v1/things takes no body");
}

static void test_conflicts_name_both_methods(void)
{
    begin();
    CU_ASSERT_EQUAL(rest_routes_add(routes, descriptors_service(set, "transcode.Things"), &error),
                    ATLAS_ALREADY_EXISTS);
    ASSERT_HAS(error.text,
               "methods /transcode.Things/Get and /transcode.Things/Get are both bound");
}

static void test_templates(void)
{
    static const char *const good[] = {"/",     "/a",          "/a/{b}",       "/{a=b/*}/c",
                                       "/a/**", "/a/{b=**}:c", "/a/{b.c.d=*}", "/a.b-c_~!$"};
    static const char *const bad[] = {
        "",      "a",   "/a/",    "/{a",        "/{}", "/{a=}",   "/{a=**}/b", "/**/a",  "/a*",
        "/a/:b", "/a:", "/a:b/c", "/{a=b/{c}}", "//",  "/{a}{b}", "/{a}bc/d",  "/a:{b}", "/***"};
    struct path_template template;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CU_ASSERT_EQUAL(template_parse(good[i], &template, &error), ATLAS_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (template_parse(bad[i], &template, &error) == ATLAS_OK) {
            printf("\n  accepted %s\n", bad[i]);
        }
        CU_ASSERT_EQUAL(template_parse(bad[i], &template, &error), ATLAS_INVALID_ARGUMENT);
    }
}

UNIT_MAIN("routes", UNIT_TEST(test_literals_come_before_variables),
          UNIT_TEST(test_verbs_end_a_path), UNIT_TEST(test_what_does_not_match),
          UNIT_TEST(test_paths_become_fields), UNIT_TEST(test_queries_become_fields),
          UNIT_TEST(test_queries_that_are_refused), UNIT_TEST(test_too_many_parameters_are_refused),
          UNIT_TEST(test_bodies_become_the_message_or_a_field),
          UNIT_TEST(test_conflicts_name_both_methods), UNIT_TEST(test_templates))
