/* Messages on streams: parsed at every split, framed into pieces of every size. */
#include "base/http2/message_parser.h"
#include "base/http2/outgoing.h"

#include "support/unit.h"

#include <string.h>

static char room_memory[4][64];
static unsigned rooms;

static void *next_room(void *context, size_t len)
{
    (void)context;
    return len <= sizeof room_memory[0] && rooms < 4 ? room_memory[rooms++] : NULL;
}

static struct message_parser parser(size_t limit)
{
    rooms = 0;
    return (struct message_parser){.limit = limit, .room = next_room};
}

/* Three messages: "", "a", "hello world". */
static const uint8_t wire[] = "\0\0\0\0\0"
                              "\0\0\0\0\1a"
                              "\0\0\0\0\13hello world";
#define WIRE_LEN (sizeof wire - 1)

static unsigned feed_all(struct message_parser *p, const uint8_t *data, size_t len,
                         enum message_result *ret_last)
{
    unsigned complete = 0;
    while (len > 0) {
        *ret_last = message_parser_feed(p, &data, &len);
        if (*ret_last == MESSAGE_COMPLETE) {
            complete++;
        } else if (*ret_last != MESSAGE_MORE) {
            break;
        }
    }
    return complete;
}

static void test_parser_takes_messages_at_every_split(void)
{
    for (size_t first = 0; first <= WIRE_LEN; first++) {
        for (size_t second = first; second <= WIRE_LEN; second++) {
            struct message_parser p = parser(64);
            enum message_result last = MESSAGE_MORE;
            unsigned count = feed_all(&p, wire, first, &last);
            count += feed_all(&p, wire + first, second - first, &last);
            count += feed_all(&p, wire + second, WIRE_LEN - second, &last);
            CU_ASSERT_EQUAL(count, 3);
            CU_ASSERT_TRUE(message_parser_is_idle(&p));
            CU_ASSERT_EQUAL(room_memory[1][0], 'a');
            CU_ASSERT_EQUAL(memcmp(room_memory[2], "hello world", 11), 0);
        }
    }
}

static void test_parser_is_not_idle_inside_a_message(void)
{
    for (size_t len = 1; len < 6; len++) {
        struct message_parser p = parser(64);
        enum message_result last = MESSAGE_MORE;
        feed_all(&p, wire + 5, len, &last);
        CU_ASSERT_FALSE(message_parser_is_idle(&p));
    }
}

static enum message_result result_of(const char *data, size_t len, size_t limit)
{
    struct message_parser p = parser(limit);
    enum message_result last = MESSAGE_MORE;
    feed_all(&p, (const uint8_t *)data, len, &last);
    return last;
}

static void test_parser_names_what_is_wrong(void)
{
    CU_ASSERT_EQUAL(result_of("\1\0\0\0\1a", 6, 64), MESSAGE_COMPRESSED);
    CU_ASSERT_EQUAL(result_of("\2\0\0\0\1a", 6, 64), MESSAGE_MALFORMED);
    CU_ASSERT_EQUAL(result_of("\0\0\0\0\4abcd", 9, 4), MESSAGE_COMPLETE);
    CU_ASSERT_EQUAL(result_of("\0\0\0\0\5abcde", 10, 4), MESSAGE_TOO_LARGE);
    CU_ASSERT_EQUAL(result_of("\0\xff\xff\xff\xff", 5, 64), MESSAGE_TOO_LARGE);
    CU_ASSERT_EQUAL(result_of("\0\0\0\0\101", 5, 1000), MESSAGE_NO_MEMORY);
}

static void test_outgoing_frames_in_pieces_of_every_size(void)
{
    for (size_t piece = 1; piece <= WIRE_LEN + 1; piece++) {
        struct outgoing outgoing = {0};
        struct outgoing_message borrowed = {.body = "a", .len = 1};
        uint8_t out[64];
        size_t used = 0;
        CU_ASSERT_TRUE(outgoing_copy(&outgoing, NULL, 0));
        outgoing_push(&outgoing, &borrowed);
        CU_ASSERT_TRUE(outgoing_copy(&outgoing, "hello world", 11));
        CU_ASSERT_EQUAL(outgoing.queued, WIRE_LEN);
        for (size_t count; (count = outgoing_read(&outgoing, out + used, piece)) > 0;) {
            used += count;
            CU_ASSERT_EQUAL(outgoing.queued, WIRE_LEN - used);
        }
        CU_ASSERT_EQUAL(used, WIRE_LEN);
        CU_ASSERT_EQUAL(memcmp(out, wire, WIRE_LEN), 0);
        CU_ASSERT_TRUE(outgoing_is_empty(&outgoing));
    }
}

static void test_outgoing_clear_drops_what_is_half_out(void)
{
    struct outgoing outgoing = {0};
    uint8_t out[7];
    CU_ASSERT_TRUE(outgoing_copy(&outgoing, "hello", 5));
    CU_ASSERT_TRUE(outgoing_copy(&outgoing, "world", 5));
    CU_ASSERT_EQUAL(outgoing_read(&outgoing, out, sizeof out), sizeof out);
    outgoing_clear(&outgoing);
    CU_ASSERT_TRUE(outgoing_is_empty(&outgoing));
    CU_ASSERT_EQUAL(outgoing.queued, 0);
    CU_ASSERT_TRUE(outgoing_copy(&outgoing, "", 0));
    CU_ASSERT_EQUAL(outgoing_read(&outgoing, out, sizeof out), 5);
}

UNIT_MAIN("message_parser", UNIT_TEST(test_parser_takes_messages_at_every_split),
          UNIT_TEST(test_parser_is_not_idle_inside_a_message),
          UNIT_TEST(test_parser_names_what_is_wrong),
          UNIT_TEST(test_outgoing_frames_in_pieces_of_every_size),
          UNIT_TEST(test_outgoing_clear_drops_what_is_half_out))
