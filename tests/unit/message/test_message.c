/* Unpacking what came from outside: right messages pass, hostile ones are refused early and
 * cheaply. */
#include "message_test.atlas.h"

#include <stdlib.h>
#include <time.h>

#include "atlas/testhost.h"
#include "support/unit.h"

typedef Atlas__Test__Message__V1__Outer Outer;
typedef Atlas__Test__Message__V1__Tree Tree;

static const struct atlas_plugin empty_plugin = {.size = sizeof empty_plugin};

static struct testhost *open_host(void)
{
    struct testhost *host = testhost_open_table(&empty_plugin, "plugin empty 0.1.0\n");

    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    return host;
}

static atlas_status_t unpack_outer(struct testhost *host, const void *data, size_t len)
{
    Outer *message;

    return atlas__test__message__v1__outer__decode(testhost_caller(host), atlas_bytes_of(data, len),
                                                   &message);
}

static const char *message_of(struct testhost *host)
{
    return atlas_strndup(testhost_caller(host), atlas_message(testhost_caller(host)).data,
                         atlas_message(testhost_caller(host)).len);
}

static void expect_refused(const void *data, size_t len, const char *words)
{
    struct testhost *host = open_host();

    CU_ASSERT_EQUAL(unpack_outer(host, data, len), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(message_of(host), words));
    testhost_close(host);
}

static int64_t cpu_ms(void)
{
    return (int64_t)clock() * 1000 / CLOCKS_PER_SEC;
}

static void test_message_round_trip(void)
{
    struct testhost *host = open_host();
    struct atlas_call *call = testhost_caller(host);
    Outer out = ATLAS__TEST__MESSAGE__V1__OUTER__INIT;
    Outer *in;
    struct atlas_bytes bytes;
    char word[] = "gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x9a\x95";
    char *words[] = {word, word};

    atlas__test__message__v1__outer__set_weight(&out, 0.0);
    out.n_words = 2;
    out.words = words;
    CU_ASSERT_EQUAL_FATAL(atlas__test__message__v1__outer__encode(call, &out, &bytes), ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(atlas__test__message__v1__outer__decode(call, bytes, &in), ATLAS_OK);
    CU_ASSERT_TRUE(ATLAS_HAS_FIELD(in, weight));
    CU_ASSERT_FALSE(ATLAS_HAS_FIELD(in, note));
    CU_ASSERT_TRUE(atlas__test__message__v1__outer__has_weight(in));
    CU_ASSERT_EQUAL_FATAL(in->n_words, 2);
    CU_ASSERT_STRING_EQUAL(in->words[1], word);
    testhost_close(host);
}

static void test_message_names_of_any_spelling(void)
{
    Atlas__Test__Message__V1__Names names = ATLAS__TEST__MESSAGE__V1__NAMES__INIT;

    atlas__test__message__v1__names__set_camelcase(&names, 7);
    atlas__test__message__v1__names__set_register(&names, true);
    CU_ASSERT_EQUAL(names.camelcase, 7);
    CU_ASSERT_TRUE(atlas__test__message__v1__names__has_camelcase(&names));
    CU_ASSERT_TRUE(atlas__test__message__v1__names__has_register(&names));
    CU_ASSERT_FALSE(atlas__test__message__v1__names__has_capital(&names));
    CU_ASSERT_PTR_NOT_NULL(atlas_test_message_v1_switch_register);
}

static void test_message_empty_bytes_are_a_message(void)
{
    struct testhost *host = open_host();

    CU_ASSERT_EQUAL(unpack_outer(host, NULL, 0), ATLAS_OK);
    testhost_close(host);
}

/* Tree.left n times in each other: each level is a tag, a length of 4 bytes (padded varint). */
static uint8_t *nested_tree(size_t depth, size_t *ret_len)
{
    uint8_t *bytes = calloc(depth, 5);

    for (size_t i = 0; i < depth; i++) {
        size_t inner = (depth - 1 - i) * 5;
        uint8_t *at = bytes + i * 5;

        at[0] = 0x12;
        at[1] = (uint8_t)(0x80 | (inner & 0x7f));
        at[2] = (uint8_t)(0x80 | (inner >> 7 & 0x7f));
        at[3] = (uint8_t)(0x80 | (inner >> 14 & 0x7f));
        at[4] = (uint8_t)(inner >> 21 & 0x7f);
    }
    *ret_len = depth * 5;
    return bytes;
}

static atlas_status_t unpack_tree(struct testhost *host, size_t depth)
{
    size_t len;
    uint8_t *bytes = nested_tree(depth, &len);
    Tree *tree;

    atlas_status_t status = atlas__test__message__v1__tree__decode(
        testhost_caller(host), atlas_bytes_of(bytes, len), &tree);
    free(bytes);
    return status;
}

static void test_message_depth_is_bounded(void)
{
    struct testhost *host = open_host();

    CU_ASSERT_EQUAL(unpack_tree(host, ATLAS_MESSAGE_DEPTH_LIMIT - 1), ATLAS_OK);
    CU_ASSERT_EQUAL(unpack_tree(host, ATLAS_MESSAGE_DEPTH_LIMIT), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(message_of(host), "too deep"));
    CU_ASSERT_EQUAL(unpack_tree(host, 100000), ATLAS_INVALID_ARGUMENT);
    testhost_close(host);
}

static void test_message_unknown_fields_are_bounded(void)
{
    size_t len = 4 * 1000 * 1000;
    uint8_t *bytes = malloc(len);
    struct testhost *host = open_host();

    for (size_t i = 0; i < len; i += 2) {
        bytes[i] = 0x78; /* field 15, varint */
        bytes[i + 1] = 1;
    }
    expect_refused(bytes, len, "unknown");
    CU_ASSERT_EQUAL(unpack_outer(host, bytes, 2 * 100), ATLAS_OK);
    free(bytes);
    testhost_close(host);
}

/* What two messages one behind the other are: protobuf merges them. */
static Outer *merged(struct testhost *host, const Outer *first, const Outer *second)
{
    struct atlas_call *call = testhost_caller(host);
    struct atlas_bytes a;
    struct atlas_bytes b;
    Outer *message = NULL;

    atlas__test__message__v1__outer__encode(call, first, &a);
    atlas__test__message__v1__outer__encode(call, second, &b);
    uint8_t *both = atlas_alloc(call, a.len + b.len);
    memcpy(both, a.data, a.len);
    memcpy(both + a.len, b.data, b.len);
    CU_ASSERT_EQUAL_FATAL(atlas__test__message__v1__outer__decode(
                              call, atlas_bytes_of(both, a.len + b.len), &message),
                          ATLAS_OK);
    return message;
}

static void test_message_pieces_are_merged(void)
{
    struct testhost *host = open_host();
    Outer with_note = ATLAS__TEST__MESSAGE__V1__OUTER__INIT;
    Outer with_weight = ATLAS__TEST__MESSAGE__V1__OUTER__INIT;
    Outer first = ATLAS__TEST__MESSAGE__V1__OUTER__INIT;
    Outer second = ATLAS__TEST__MESSAGE__V1__OUTER__INIT;
    char note[] = "n";

    atlas__test__message__v1__outer__set_note(&with_note, note);
    atlas__test__message__v1__outer__set_weight(&with_weight, 2.0);
    first.more = &with_note;
    second.more = &with_weight;
    atlas__test__message__v1__outer__set_maybe(&first, &with_note);
    atlas__test__message__v1__outer__set_maybe(&second, &with_weight);

    Outer *both = merged(host, &first, &second);
    CU_ASSERT_STRING_EQUAL(both->more->note, "n");
    CU_ASSERT_EQUAL(both->more->weight, 2.0);
    CU_ASSERT_STRING_EQUAL(both->maybe->note, "n");
    CU_ASSERT_EQUAL(both->maybe->weight, 2.0);
    testhost_close(host);
}

static void test_message_pieces_within_pieces_are_merged(void)
{
    struct testhost *host = open_host();
    Outer leaves[2] = {ATLAS__TEST__MESSAGE__V1__OUTER__INIT,
                       ATLAS__TEST__MESSAGE__V1__OUTER__INIT};
    Outer stems[2] = {ATLAS__TEST__MESSAGE__V1__OUTER__INIT, ATLAS__TEST__MESSAGE__V1__OUTER__INIT};
    Outer roots[2] = {ATLAS__TEST__MESSAGE__V1__OUTER__INIT, ATLAS__TEST__MESSAGE__V1__OUTER__INIT};
    char word[] = "w";
    char *words[] = {word};

    for (size_t i = 0; i < 2; i++) {
        leaves[i].words = words;
        leaves[i].n_words = 1;
        atlas__test__message__v1__outer__set_maybe(&stems[i], &leaves[i]);
        roots[i].more = &stems[i];
    }
    CU_ASSERT_EQUAL(merged(host, &roots[0], &roots[1])->more->maybe->n_words, 2);
    testhost_close(host);
}

/* choice { Inner first = 4; string second = 5; }: what lies before another member is gone. */
static void test_message_pieces_of_a_oneof(void)
{
    static const char bytes[] = "\x22\x02\x08\x01"
                                "\x2a\x01x"
                                "\x22\x02\x08\x02"
                                "\x22\x02\x08\x03";
    struct testhost *host = open_host();
    Outer *outer = NULL;

    CU_ASSERT_EQUAL_FATAL(
        atlas__test__message__v1__outer__decode(testhost_caller(host),
                                                atlas_bytes_of(bytes, sizeof bytes - 1), &outer),
        ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(outer->choice_case, ATLAS__TEST__MESSAGE__V1__OUTER__CHOICE_FIRST);
    CU_ASSERT_EQUAL_FATAL(outer->first->n_v, 2);
    CU_ASSERT_EQUAL(outer->first->v[0], 2);
    CU_ASSERT_EQUAL(outer->first->v[1], 3);
    testhost_close(host);
}

static void test_message_merging_is_bounded(void)
{
    static const uint8_t once[] = {0x0a, 0x02, 0x08, 0x01};
    size_t len = 1024 * 1024;
    uint8_t *bytes = malloc(len);
    int64_t start = cpu_ms();
    struct testhost *host = open_host();

    for (size_t i = 0; i < len; i += sizeof once) {
        memcpy(bytes + i, once, sizeof once);
    }
    expect_refused(bytes, len, "Outer.in");
    CU_ASSERT_TRUE(cpu_ms() - start < 1000);
    CU_ASSERT_EQUAL(unpack_outer(host, bytes, sizeof once * 3), ATLAS_OK);
    free(bytes);
    testhost_close(host);
}

static void test_message_merging_of_a_oneof_is_bounded(void)
{
    static const uint8_t once[] = {0x22, 0x02, 0x08, 0x01};
    uint8_t bytes[sizeof once * (ATLAS_MESSAGE_MERGE_LIMIT + 2)];

    for (size_t i = 0; i < sizeof bytes; i += sizeof once) {
        memcpy(bytes + i, once, sizeof once);
    }
    expect_refused(bytes, sizeof bytes, "Outer.first");
}

static void test_message_fields_are_bounded(void)
{
    size_t len = ((size_t)ATLAS_MESSAGE_FIELD_LIMIT + 1) * 2;
    uint8_t *bytes = malloc(len);

    for (size_t i = 0; i < len; i += 2) {
        bytes[i] = 0x40; /* packed, one by one */
        bytes[i + 1] = 1;
    }
    expect_refused(bytes, len, "too many fields");
    free(bytes);
}

static void test_message_text_must_be_utf8(void)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\x12\x01\x80", 3},             /* continuation alone */
        {"\x12\x02\xc0\xaf", 4},         /* overlong */
        {"\x12\x03\xed\xa0\x80", 5},     /* surrogate */
        {"\x12\x04\xf4\x90\x80\x80", 6}, /* beyond U+10FFFF */
        {"\x12\x02\xe2\x82", 4},         /* cut off */
        {"\x12\x03"
         "a\0b",
         5}, /* NUL */
    };

    for (size_t i = 0; i < ATLAS_COUNT(bad); i++) {
        expect_refused(bad[i].bytes, bad[i].len, "Outer.note");
    }
}

static void test_message_bytes_may_hold_anything(void)
{
    struct testhost *host = open_host();

    CU_ASSERT_EQUAL(unpack_outer(host, "\x32\x03\xff\x00\x80", 5), ATLAS_OK);
    testhost_close(host);
}

static void test_message_malformed_is_refused(void)
{
    expect_refused("\x12", 1, "malformed"); /* no length */
    expect_refused("\x12\x05"
                   "ab",
                   4, "malformed");             /* too short */
    expect_refused("\x0b\x0c", 2, "malformed"); /* a group */
    expect_refused("\x00\x01", 2, "malformed"); /* field 0 */
    expect_refused("\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12,
                   "malformed");                /* varint */
    expect_refused("\x10\x01", 2, "malformed"); /* text as a varint */
    expect_refused("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11,
                   "malformed"); /* huge length */
}

/* Deterministic noise and mutations: no crash, no hang, each ends with one of the two. */
static void test_message_noise_is_survived(void)
{
    struct testhost *host = open_host();
    uint8_t bytes[64];

    for (int round = 0; round < 20000; round++) {
        size_t len;

        atlas_random(testhost_caller(host), bytes, sizeof bytes);
        len = bytes[0] % sizeof bytes;
        if (round % 2 == 0) {
            bytes[1] = 0x12;
        }
        atlas_status_t status = unpack_outer(host, bytes + 1, len);
        CU_ASSERT_TRUE(status == ATLAS_OK || status == ATLAS_INVALID_ARGUMENT);
        testhost_reset(host);
    }
    testhost_close(host);
}

static void expect_unpackable(const Outer *message, const char *words)
{
    struct testhost *host = open_host();
    struct atlas_bytes bytes;

    CU_ASSERT_EQUAL(atlas__test__message__v1__outer__encode(testhost_caller(host), message, &bytes),
                    ATLAS_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(message_of(host), words));
    testhost_close(host);
}

static void test_message_that_cannot_be_packed_is_refused(void)
{
    Outer message = ATLAS__TEST__MESSAGE__V1__OUTER__INIT;
    Outer blank;
    Outer *none[] = {NULL};
    char word[] = "w";
    char *words[] = {word, NULL};

    memset(&blank, 0, sizeof blank);
    expect_unpackable(&blank, "a message that was not initialised");
    message.n_words = 2;
    expect_unpackable(&message, "Outer.words: it has a number of elements, and none");
    message.words = words;
    expect_unpackable(&message, "Outer.words: one of its elements is NULL");
    message.n_words = 1;
    message.n_each = 1;
    message.each = none;
    expect_unpackable(&message, "Outer.each: one of its elements is NULL");
    none[0] = &blank;
    expect_unpackable(&message, "Outer.each: it was not initialised");
    none[0] = &message;
    expect_unpackable(&message, "Outer.each: messages lie too deep in each other, or in a ring");
    message.n_each = 0;
    message.raw.len = 1;
    expect_unpackable(&message, "Outer.raw: its data is NULL");
    message.raw.len = 0;
    message.choice_case = ATLAS__TEST__MESSAGE__V1__OUTER__CHOICE_SECOND;
    message.first = (void *)word; /* of the union: not looked at as a message */
    struct testhost *host = open_host();
    struct atlas_bytes bytes;
    CU_ASSERT_EQUAL(
        atlas__test__message__v1__outer__encode(testhost_caller(host), &message, &bytes), ATLAS_OK);
    testhost_close(host);
}

UNIT_MAIN("message", UNIT_TEST(test_message_round_trip),
          UNIT_TEST(test_message_names_of_any_spelling),
          UNIT_TEST(test_message_empty_bytes_are_a_message),
          UNIT_TEST(test_message_depth_is_bounded),
          UNIT_TEST(test_message_unknown_fields_are_bounded),
          UNIT_TEST(test_message_pieces_are_merged),
          UNIT_TEST(test_message_pieces_within_pieces_are_merged),
          UNIT_TEST(test_message_pieces_of_a_oneof), UNIT_TEST(test_message_merging_is_bounded),
          UNIT_TEST(test_message_merging_of_a_oneof_is_bounded),
          UNIT_TEST(test_message_fields_are_bounded), UNIT_TEST(test_message_text_must_be_utf8),
          UNIT_TEST(test_message_bytes_may_hold_anything),
          UNIT_TEST(test_message_malformed_is_refused), UNIT_TEST(test_message_noise_is_survived),
          UNIT_TEST(test_message_that_cannot_be_packed_is_refused))
