#include "inbound/rest/json_to_proto.h"

#include <string.h>

#include "base/arena.h"
#include "fixture.h"
#include "inbound/rest/json_text.h"
#include "inbound/rest/proto_to_json.h"
#include "support/text.h"
#include "support/unit.h"

#define LIMIT (1u << 20)

static struct descriptor_set *set;
static struct error error;
static struct arena arena;

static const struct message_descriptor *message(const char *name)
{
    char full_name[64];

    if (set == NULL) {
        set = fixture_descriptors();
    }
    snprintf(full_name, sizeof full_name, "transcode.%s", name);
    return descriptors_message(set, full_name);
}

static struct atlas_bytes text(const char *string)
{
    return (struct atlas_bytes){string, strlen(string)};
}

static void begin(void)
{
    arena_finish(&arena);
    arena_init(&arena, NULL, 16 * LIMIT);
    error.text[0] = '\0';
}

static atlas_status_t encode(const char *name, const char *json, struct atlas_bytes *ret_proto)
{
    struct buffer proto;

    begin();
    buffer_init(&proto, &arena, 64, LIMIT);
    atlas_status_t status =
        json_to_proto(message(name), text(json), JSON_DEPTH_LIMIT, &proto, &error);
    *ret_proto = buffer_bytes(&proto);
    return status;
}

/* JSON to protobuf and back; "" if either refused. Valid until the next use. */
static const char *round_trip(const char *name, const char *json)
{
    struct atlas_bytes proto;
    struct buffer out;

    if (encode(name, json, &proto) != ATLAS_OK) {
        printf("refused: %s\n", error.text);
        return "";
    }
    buffer_init(&out, &arena, 64, LIMIT);
    if (proto_to_json(message(name), proto, &out, &error) != ATLAS_OK) {
        printf("not read back: %s\n", error.text);
        return "";
    }
    buffer_put_byte(&out, 0);
    return (const char *)out.data;
}

/* What the refusal says; "" if it was accepted. */
static const char *refusal(const char *name, const char *json)
{
    struct atlas_bytes proto;

    if (encode(name, json, &proto) == ATLAS_OK) {
        return "";
    }
    return error.text;
}

#define ASSERT_TEXT(actual, expected)                                                              \
    do {                                                                                           \
        const char *actual_text = (actual);                                                        \
        if (strcmp(actual_text, (expected)) != 0) {                                                \
            printf("\n  got      %s\n  expected %s\n", actual_text, (expected));                   \
        }                                                                                          \
        CU_ASSERT_STRING_EQUAL(actual_text, (expected));                                           \
    } while (0)

#define ASSERT_REFUSED(name, json, words)                                                          \
    do {                                                                                           \
        const char *said = refusal(name, json);                                                    \
        if (strstr(said, (words)) == NULL) {                                                       \
            printf("\n  said     %s\n  expected %s\n", said, (words));                             \
        }                                                                                          \
        CU_ASSERT_PTR_NOT_NULL(strstr(said, (words)));                                             \
    } while (0)

#define SHAPES_EMPTY                                                                               \
    "\"numbers\":[],\"words\":[],\"children\":[],\"counts\":{},\"by_number\":{},\"by_flag\":{}"
#define SHAPES_TAIL "\"named\":\"\",\"colours\":[],\"unpacked\":[]"

static void test_fields_without_presence_are_always_written(void)
{
    ASSERT_TEXT(round_trip("Scalars", "{}"),
                "{\"a_double\":0,\"a_float\":0,\"an_int32\":0,\"an_int64\":\"0\",\"a_uint32\":0,"
                "\"a_uint64\":\"0\",\"a_sint32\":0,\"a_sint64\":\"0\",\"a_fixed32\":0,"
                "\"a_fixed64\":\"0\",\"a_sfixed32\":0,\"a_sfixed64\":\"0\",\"a_bool\":false,"
                "\"a_string\":\"\",\"some_bytes\":\"\",\"colour\":\"COLOUR_UNSPECIFIED\"}");
    ASSERT_TEXT(round_trip("Shapes", ""), "{" SHAPES_EMPTY "," SHAPES_TAIL "}");
}

static void test_scalars_round_trip(void)
{
    const char *json =
        "{\"a_double\":-0.1,\"a_float\":1.5,\"an_int32\":-2147483648,"
        "\"an_int64\":\"-9223372036854775808\",\"a_uint32\":4294967295,"
        "\"a_uint64\":\"18446744073709551615\",\"a_sint32\":-1,\"a_sint64\":\"-2\","
        "\"a_fixed32\":4294967295,\"a_fixed64\":\"18446744073709551615\",\"a_sfixed32\":-5,"
        "\"a_sfixed64\":\"-6\",\"a_bool\":true,\"a_string\":\"x\\\"\\\\\\n\\u0001\xc3\xa9\","
        "\"some_bytes\":\"AP8=\",\"colour\":\"BLUE\"}";

    ASSERT_TEXT(round_trip("Scalars", json), json);
}

static void test_numbers_may_be_strings_and_have_exponents(void)
{
    ASSERT_TEXT(
        strstr(round_trip("Scalars", "{\"anInt32\":\"12\",\"an_int64\":1e3,\"a_uint32\":1.0,"
                                     "\"a_sint32\":\"-2E1\",\"a_double\":\"1.25\"}"),
               "\"an_int32\""),
        "\"an_int32\":12,\"an_int64\":\"1000\",\"a_uint32\":1,\"a_uint64\":\"0\","
        "\"a_sint32\":-20,\"a_sint64\":\"0\",\"a_fixed32\":0,\"a_fixed64\":\"0\","
        "\"a_sfixed32\":0,\"a_sfixed64\":\"0\",\"a_bool\":false,\"a_string\":\"\","
        "\"some_bytes\":\"\",\"colour\":\"COLOUR_UNSPECIFIED\"}");
    ASSERT_REFUSED("Scalars", "{\"an_int32\":1.5}",
                   "field an_int32: the number is out of range or");
    ASSERT_REFUSED("Scalars", "{\"an_int32\":2147483648}", "field an_int32");
    ASSERT_REFUSED("Scalars", "{\"a_uint32\":-1}", "field a_uint32");
    ASSERT_REFUSED("Scalars", "{\"a_uint64\":\"18446744073709551616\"}", "field a_uint64");
    ASSERT_REFUSED("Scalars", "{\"an_int64\":9223372036854775808}", "");
    ASSERT_REFUSED("Scalars", "{\"an_int64\":\"\"}", "\"\" is not a whole number");
    ASSERT_REFUSED("Scalars", "{\"an_int64\":\" 1\"}", "field an_int64");
    ASSERT_REFUSED("Scalars", "{\"an_int64\":\"0x1\"}", "field an_int64");
    ASSERT_REFUSED("Scalars", "{\"a_float\":3.5e38}", "field a_float: the number is out of range");
    ASSERT_REFUSED("Scalars", "{\"a_double\":\"inf\"}", "field a_double");
    ASSERT_REFUSED("Scalars", "{\"a_double\":NaN}", "malformed JSON");
}

static void test_numbers_that_are_not_finite_have_names(void)
{
    CU_ASSERT_PTR_NOT_NULL(strstr(round_trip("Scalars", "{\"a_double\":\"NaN\",\"a_float\":"
                                                        "\"-Infinity\"}"),
                                  "{\"a_double\":\"NaN\",\"a_float\":\"-Infinity\","));
}

static void test_doubles_are_written_as_short_as_they_read_back(void)
{
    static const char *const numbers[] = {
        "0.1",   "10.762622", "106.660172",          "1e+22",
        "1e-07", "123456789", "0.30000000000000004", "1.7976931348623157e+308"};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char json[64];
        char expected[64];

        snprintf(json, sizeof json, "{\"a_double\":%s}", numbers[i]);
        snprintf(expected, sizeof expected, "{\"a_double\":%s,", numbers[i]);
        const char *got = round_trip("Scalars", json);
        if (strncmp(got, expected, strlen(expected)) != 0) {
            printf("\n  %s became %.40s\n", json, got);
        }
        CU_ASSERT_EQUAL(strncmp(got, expected, strlen(expected)), 0);
    }
}

static void test_wrong_kinds_name_the_path(void)
{
    ASSERT_REFUSED("Scalars", "{\"a_string\":5}",
                   "field a_string: expected a string, got a number");
    ASSERT_REFUSED("Scalars", "{\"a_bool\":\"true\"}", "expected true or false, got a string");
    ASSERT_REFUSED("Scalars", "{\"some_bytes\":\"a\"}", "field some_bytes: \"a\" is not base64");
    ASSERT_REFUSED("Scalars", "{\"colour\":\"GREEN\"}", "field colour: \"GREEN\" is not a name");
    ASSERT_REFUSED("Shapes", "{\"child\":{\"children\":[{},{\"latitude\":\"x\"}]}}",
                   "field child.children[1].latitude: \"x\" is not a number");
    ASSERT_REFUSED("Shapes", "{\"child\":{\"nothing\":{\"x\":1}}}",
                   "field child.nothing.x: unknown field");
    ASSERT_REFUSED("Shapes", "{\"numbers\":5}", "field numbers: expected an array, got a number");
    ASSERT_REFUSED("Shapes", "{\"numbers\":[null]}", "field numbers[0]: null is not allowed");
    ASSERT_REFUSED("Shapes", "{\"counts\":[]}", "field counts: expected an object, got an array");
    ASSERT_REFUSED("Shapes", "{\"child\":[]}", "field child: expected an object, got an array");
    ASSERT_REFUSED("Shapes", "[]", "the body: expected an object, got an array");
    ASSERT_REFUSED("Shapes", "{\"anything\":{}}", "field anything: a message of its type");
}

static void test_what_the_parser_refuses_names_the_field(void)
{
    ASSERT_REFUSED("Scalars", "{\"a_double\":1e400}", "field a_double: the number is out of range");
    ASSERT_REFUSED("Scalars", "{\"an_int64\":9223372036854775808}",
                   "field an_int64: the number is out of range");
    ASSERT_REFUSED("Scalars", "{\"a_double\":NaN}", "field a_double: malformed JSON, line 1");
    ASSERT_REFUSED("Shapes", "{\"a,{\\\"[\":[{},{\"b\":[1,2,[\"}\"]]},{\"c\":1,\"d\":+1}]}",
                   "field a,{\\\"[[2].d: malformed JSON");
    ASSERT_REFUSED("Shapes", "{\"a\":1} x", "the body: malformed JSON");
    ASSERT_REFUSED("Shapes", "[1,2,-]", "field [2]: malformed JSON");
    ASSERT_REFUSED("Shapes", "{\"named\":\"a\",\"named\":\"b\"}", "field named: malformed JSON");
    ASSERT_REFUSED("Shapes", "{\"named", "the body: malformed JSON");
}

static void test_malformed_json_is_refused(void)
{
    ASSERT_REFUSED("Shapes", "{", "malformed JSON, line 1");
    ASSERT_REFUSED("Shapes", "{} x", "malformed JSON");
    ASSERT_REFUSED("Shapes", "{\"named\":\"\\u0000\"}",
                   "field named: the text holds a NUL character");
    ASSERT_REFUSED("Shapes", "{\"named\":\"\xff\"}", "malformed JSON");
    ASSERT_REFUSED("Shapes", "{\"named\":\"a\",\"named\":\"b\"}", "malformed JSON");
    ASSERT_REFUSED("Shapes", "{\"named\":\"a\",\"aliasName\":\"b\"}", "both spellings");
    ASSERT_REFUSED("Shapes", "{\"left\":\"a\",\"right\":{}}", "excludes another field");
}

static void test_both_spellings_are_read_and_proto_names_written(void)
{
    CU_ASSERT_PTR_NOT_NULL(
        strstr(round_trip("Shapes", "{\"aliasName\":\"x\"}"), "\"named\":\"x\""));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(round_trip("Shapes", "{\"wrappedText\":\"x\"}"), "\"wrapped_text\":\"x\""));
}

static void test_shapes_round_trip(void)
{
    const char *json =
        "{\"latitude\":0,\"numbers\":[1,-2,3],\"words\":[\"a\",\"\"],"
        "\"children\":[{" SHAPES_EMPTY "," SHAPES_TAIL "}],\"counts\":{\"x\":\"1\"},"
        "\"by_number\":{\"-3\":{" SHAPES_EMPTY "," SHAPES_TAIL "}},\"by_flag\":{\"true\":\"RED\"},"
        "\"left\":\"\",\"at\":\"2026-11-22T18:13:49.500Z\",\"lasts\":\"-1.000001s\","
        "\"wrapped\":\"5\",\"wrapped_text\":\"\",\"nothing\":{},\"named\":\"n\","
        "\"colours\":[\"RED\",77],\"unpacked\":[1,2],\"wrapped_flag\":false}";

    ASSERT_TEXT(round_trip("Shapes", json), json);
}

static void test_null_is_unset(void)
{
    ASSERT_TEXT(round_trip("Shapes", "{\"latitude\":null,\"child\":null,\"left\":null,"
                                     "\"numbers\":null,\"right\":null}"),
                "{" SHAPES_EMPTY "," SHAPES_TAIL "}");
}

static void test_timestamps(void)
{
    static const struct {
        const char *in;
        const char *out;
    } table[] = {
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
        {"2000-02-29T23:59:59.123456789+07:00", "2000-02-29T16:59:59.123456789Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"},
        {"1969-12-31T23:59:59.1Z", "1969-12-31T23:59:59.100Z"},
        {"2026-11-22T00:30:00-01:00", "2026-11-22T01:30:00Z"},
    };
    static const char *const bad[] = {"2026-02-29T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01 00:00:00Z",
                                      "2026-01-01T00:00:00",
                                      "2026-01-01T00:00:60Z",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01",
                                      "0000-01-01T00:00:00Z",
                                      "9999-12-31T23:59:59-01:00",
                                      "",
                                      "2026-01-01T00:00:00.1234567890Z"};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char json[96];
        char expected[96];

        snprintf(json, sizeof json, "{\"at\":\"%s\"}", table[i].in);
        snprintf(expected, sizeof expected, "\"at\":\"%s\"", table[i].out);
        CU_ASSERT_PTR_NOT_NULL(strstr(round_trip("Shapes", json), expected));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char json[96];

        snprintf(json, sizeof json, "{\"at\":\"%s\"}", bad[i]);
        ASSERT_REFUSED("Shapes", json, "field at: ");
    }
}

/* So many messages, one in the other. */
static struct text nested(int depth)
{
    struct text json = {0};

    text_add(&json, "{\"child\":", depth - 1);
    text_add(&json, "{}", 1);
    text_add(&json, "}", depth - 1);
    return json;
}

static void test_depth_is_bounded(void)
{
    struct text deepest = nested(100);
    struct text deeper = nested(101);

    CU_ASSERT_NOT_EQUAL(strlen(round_trip("Shapes", deepest.data)), 0);
    ASSERT_REFUSED("Shapes", deeper.data, "nested more than 100 deep");
}

static void test_sizes_are_bounded(void)
{
    struct buffer small;

    begin();
    buffer_init(&small, &arena, 0, 16);
    CU_ASSERT_EQUAL(json_to_proto(message("Shapes"), text("{\"named\":\"0123456789abcdef\"}"), 64,
                                  &small, &error),
                    ATLAS_RESOURCE_EXHAUSTED);
    buffer_init(&small, &arena, 0, 16);
    CU_ASSERT_EQUAL(proto_to_json(message("Shapes"), text(""), &small, &error),
                    ATLAS_RESOURCE_EXHAUSTED);
}

static const char *decode(const char *name, struct atlas_bytes proto)
{
    struct buffer out;

    begin();
    buffer_init(&out, &arena, 64, LIMIT);
    if (proto_to_json(message(name), proto, &out, &error) != ATLAS_OK) {
        return error.text;
    }
    buffer_put_byte(&out, 0);
    return (const char *)out.data;
}

static void test_wire_order_repeats_and_unknown_fields(void)
{
    /* name "a"; page 3; unknown 99: 1; shape {named "x"}; name "b"; tags; shape {latitude 0}; tags
     */
    static const char proto[] = "\x0a\x01"
                                "a\x18\x03\x98\x06\x01\x22\x04\x8a\x01\x01x\x0a\x01"
                                "b\x2a\x01t\x22\x09\x09\0\0\0\0\0\0\0\0\x2a\x01u";

    ASSERT_TEXT(decode("Thing", (struct atlas_bytes){proto, sizeof proto - 1}),
                "{\"name\":\"b\",\"shelf\":\"\",\"page\":3,\"shape\":{\"latitude\":0," SHAPES_EMPTY
                ",\"named\":\"x\",\"colours\":[],\"unpacked\":[]},\"tags\":[\"t\",\"u\"],"
                "\"colour\":\"COLOUR_UNSPECIFIED\",\"deep\":false}");
}

static void test_the_last_member_of_a_oneof_counts(void)
{
    /* left "a"; right {}; left "b" */
    static const char proto[] = "\x42\x01"
                                "a\x4a\x00\x42\x01"
                                "b";

    ASSERT_TEXT(decode("Shapes", (struct atlas_bytes){proto, sizeof proto - 1}),
                "{" SHAPES_EMPTY ",\"left\":\"b\"," SHAPES_TAIL "}");
}

static void test_damaged_replies_are_refused(void)
{
    CU_ASSERT_PTR_NOT_NULL(strstr(decode("Thing", text("\x0a\x05x")), "malformed wire format"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(decode("Thing", text("\x08\x01")), "field name has another wire"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(decode("Thing", text("\x0a\x01\xff")), "field name is not UTF-8"));
    CU_ASSERT_PTR_NOT_NULL(strstr(decode("Thing", text("\x0b")), "malformed wire format"));
}

static void test_strings_of_messages_become_valid_json(void)
{
    struct buffer out;

    begin();
    buffer_init(&out, &arena, 0, LIMIT);
    json_put_string(&out, "a\tb\x1f\xc3\xa9\xff\"", 8);
    CU_ASSERT_EQUAL(out.len, 19);
    CU_ASSERT_EQUAL(memcmp(out.data, "\"a\\tb\\u001f\xc3\xa9\xef\xbf\xbd\\\"\"", 19), 0);
}

UNIT_MAIN("transcode", UNIT_TEST(test_fields_without_presence_are_always_written),
          UNIT_TEST(test_scalars_round_trip),
          UNIT_TEST(test_numbers_may_be_strings_and_have_exponents),
          UNIT_TEST(test_numbers_that_are_not_finite_have_names),
          UNIT_TEST(test_doubles_are_written_as_short_as_they_read_back),
          UNIT_TEST(test_wrong_kinds_name_the_path), UNIT_TEST(test_malformed_json_is_refused),
          UNIT_TEST(test_what_the_parser_refuses_names_the_field),
          UNIT_TEST(test_both_spellings_are_read_and_proto_names_written),
          UNIT_TEST(test_shapes_round_trip), UNIT_TEST(test_null_is_unset),
          UNIT_TEST(test_timestamps), UNIT_TEST(test_depth_is_bounded),
          UNIT_TEST(test_sizes_are_bounded), UNIT_TEST(test_wire_order_repeats_and_unknown_fields),
          UNIT_TEST(test_the_last_member_of_a_oneof_counts),
          UNIT_TEST(test_damaged_replies_are_refused),
          UNIT_TEST(test_strings_of_messages_become_valid_json))
