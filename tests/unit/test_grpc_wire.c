/* The wire format of gRPC: timeouts, messages of statuses, binary metadata. */
#include "base/binary_header.h"
#include "base/http2/grpc_status.h"
#include "base/http2/grpc_timeout.h"
#include "base/http2/status_message.h"

#include "support/unit.h"

#include <string.h>

static int64_t timeout_of(const char *text)
{
    int64_t ns = -1;
    return grpc_timeout_parse(text, strlen(text), &ns) ? ns : -1;
}

static void test_grpc_timeout_parses_every_unit(void)
{
    CU_ASSERT_EQUAL(timeout_of("1n"), 1);
    CU_ASSERT_EQUAL(timeout_of("1u"), 1000);
    CU_ASSERT_EQUAL(timeout_of("250m"), INT64_C(250000000));
    CU_ASSERT_EQUAL(timeout_of("5S"), INT64_C(5000000000));
    CU_ASSERT_EQUAL(timeout_of("2M"), INT64_C(120000000000));
    CU_ASSERT_EQUAL(timeout_of("1H"), INT64_C(3600000000000));
    CU_ASSERT_EQUAL(timeout_of("0n"), 0);
    CU_ASSERT_EQUAL(timeout_of("99999999H"), INT64_MAX);
}

static void test_grpc_timeout_refuses_what_is_none(void)
{
    static const char *const refused[] = {"",    "S",   "5",   "5s",         "-5S",
                                          "+5S", " 5S", "5 S", "123456789S", "0x5S"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CU_ASSERT_EQUAL(timeout_of(refused[i]), -1);
    }
}

static void test_grpc_timeout_formats_rounding_up(void)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {-1, "0n"},
        {0, "0n"},
        {99999999, "99999999n"},
        {100000000, "100000u"},
        {100000001, "100001u"},
        {INT64_C(99999999000), "99999999u"},
        {INT64_C(99999999001), "100000m"},
        {INT64_C(3600000000000), "3600000m"},
        {INT64_C(100000000000000), "100000S"},
        {INT64_MAX, "2562048H"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[GRPC_TIMEOUT_SIZE];
        size_t len = grpc_timeout_format(cases[i].ns, text);
        CU_ASSERT_EQUAL(len, strlen(text));
        CU_ASSERT_STRING_EQUAL(text, cases[i].text);
        CU_ASSERT_TRUE(timeout_of(text) >= cases[i].ns);
    }
}

static void check_message(const char *text, const char *encoded)
{
    char buffer[256];
    char back[256];
    size_t len = status_message_encode(text, strlen(text), buffer);
    CU_ASSERT_EQUAL(len, strlen(encoded));
    CU_ASSERT_NSTRING_EQUAL(buffer, encoded, len);
    CU_ASSERT_EQUAL(status_message_decode(buffer, len, back, sizeof back), strlen(text));
    CU_ASSERT_STRING_EQUAL(back, text);
}

static void test_status_message_goes_both_ways(void)
{
    check_message("", "");
    check_message("order 7: not found", "order 7: not found");
    check_message("100% sure\n", "100%25 sure%0A");
    check_message("Gr\xc3\xbc\xc3\x9f"
                  "e ~\x7f",
                  "Gr%C3%BC%C3%9Fe ~%7F");
}

static void test_status_message_decode_never_fails(void)
{
    static const char *const kept[] = {"%", "%4", "%G0", "%0G", "a%", "%%", "100% sure"};
    char text[64];
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        status_message_decode(kept[i], strlen(kept[i]), text, sizeof text);
        CU_ASSERT_STRING_EQUAL(text, kept[i]);
    }
    CU_ASSERT_EQUAL(status_message_decode("%61%62%63", 9, text, 3), 2); /* cut to fit */
    CU_ASSERT_STRING_EQUAL(text, "ab");
}

static void test_binary_header_goes_both_ways_for_every_length(void)
{
    unsigned char data[64];
    char text[BINARY_HEADER_ENCODED_SIZE(sizeof data)];
    unsigned char back[BINARY_HEADER_DECODED_SIZE(sizeof text)];
    for (size_t len = 0; len <= sizeof data; len++) {
        for (size_t i = 0; i < len; i++) {
            data[i] = (unsigned char)(i * 37 + len);
        }
        size_t text_len = binary_header_encode(data, len, text);
        size_t back_len = 0;
        CU_ASSERT_PTR_NULL(memchr(text, '=', text_len));
        CU_ASSERT_TRUE(binary_header_decode(text, text_len, back, &back_len));
        CU_ASSERT_EQUAL(back_len, len);
        CU_ASSERT_EQUAL(memcmp(back, data, len), 0);
    }
}

static void test_binary_header_accepts_padding_and_refuses_garbage(void)
{
    unsigned char back[32];
    size_t len = 0;
    CU_ASSERT_TRUE(binary_header_decode("YQ==", 4, back, &len));
    CU_ASSERT_EQUAL(len, 1);
    CU_ASSERT_TRUE(binary_header_decode("YQ", 2, back, &len));
    CU_ASSERT_EQUAL(back[0], 'a');
    CU_ASSERT_FALSE(binary_header_decode("Y", 1, back, &len));
    CU_ASSERT_FALSE(binary_header_decode("Y Q=", 4, back, &len));
    CU_ASSERT_TRUE(binary_header_is_name("trace-bin", 9));
    CU_ASSERT_FALSE(binary_header_is_name("-bin", 4));
    CU_ASSERT_FALSE(binary_header_is_name("robin", 5));
}

static void test_grpc_status_reads_only_statuses(void)
{
    CU_ASSERT_EQUAL(grpc_status_parse("0", 1), ATLAS_OK);
    CU_ASSERT_EQUAL(grpc_status_parse("16", 2), ATLAS_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(grpc_status_parse("17", 2), ATLAS_UNKNOWN);
    CU_ASSERT_EQUAL(grpc_status_parse("", 0), ATLAS_UNKNOWN);
    CU_ASSERT_EQUAL(grpc_status_parse("-1", 2), ATLAS_UNKNOWN);
    CU_ASSERT_EQUAL(grpc_status_parse("5x", 2), ATLAS_UNKNOWN);
    CU_ASSERT_EQUAL(grpc_status_parse("999", 3), ATLAS_UNKNOWN);
    for (atlas_status_t status = 0; status <= ATLAS_STATUS_LAST; status++) {
        struct atlas_bytes text = grpc_status_text(status);
        CU_ASSERT_EQUAL(grpc_status_parse(text.data, text.len), status);
    }
}

UNIT_MAIN("grpc_wire", UNIT_TEST(test_grpc_timeout_parses_every_unit),
          UNIT_TEST(test_grpc_timeout_refuses_what_is_none),
          UNIT_TEST(test_grpc_timeout_formats_rounding_up),
          UNIT_TEST(test_status_message_goes_both_ways),
          UNIT_TEST(test_status_message_decode_never_fails),
          UNIT_TEST(test_binary_header_goes_both_ways_for_every_length),
          UNIT_TEST(test_binary_header_accepts_padding_and_refuses_garbage),
          UNIT_TEST(test_grpc_status_reads_only_statuses))
