#include "services/postgres/pg_binary.h"

#include "base/hex.h"

/* PostgreSQL counts microseconds from 2000-01-01. */
#define EPOCH_2000_US INT64_C(946684800000000)

void pg_binary_put(char *to, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[i] = (char)(value >> (8 * (len - 1 - i)) & 0xff);
    }
}

uint64_t pg_binary_get(const char *from, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | (uint8_t)from[i];
    }
    return value;
}

static bool is_uuid_dash(size_t position)
{
    return position == 8 || position == 13 || position == 18 || position == 23;
}

bool pg_binary_put_uuid(struct atlas_bytes text, char *to)
{
    const char *from = text.data;
    if (from == NULL || text.len != PG_UUID_TEXT_LEN) {
        return false;
    }
    for (size_t i = 0; i < PG_UUID_TEXT_LEN;) {
        if (is_uuid_dash(i)) {
            if (from[i++] != '-') {
                return false;
            }
            continue;
        }
        int high = hex_value(from[i]);
        int low = hex_value(from[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        *to++ = (char)(high << 4 | low);
        i += 2;
    }
    return true;
}

void pg_binary_get_uuid(const char *from, char *to)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < PG_UUID_TEXT_LEN;) {
        if (is_uuid_dash(i)) {
            to[i++] = '-';
            continue;
        }
        uint8_t byte = (uint8_t)*from++;
        to[i++] = digits[byte >> 4];
        to[i++] = digits[byte & 15];
    }
    to[PG_UUID_TEXT_LEN] = '\0';
}

static int64_t shift_epoch(int64_t us, int64_t by)
{
    int64_t shifted;
    if (us == INT64_MAX || us == INT64_MIN) {
        return us;
    }
    if (__builtin_add_overflow(us, by, &shifted)) {
        return by > 0 ? INT64_MAX : INT64_MIN;
    }
    return shifted;
}

int64_t pg_binary_from_unix_us(int64_t us)
{
    return shift_epoch(us, -EPOCH_2000_US);
}

int64_t pg_binary_to_unix_us(int64_t us)
{
    return shift_epoch(us, EPOCH_2000_US);
}
