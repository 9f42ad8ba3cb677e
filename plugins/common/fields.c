#include "common/fields.h"

#include <math.h>

#define MICROSECONDS 1000000

/* RFC 3339 ends there: 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
#define FIRST_SECOND (-62135596800)
#define LAST_SECOND  253402300799

/* What shows nothing, or changes how its neighbours are shown: two ids that differ only in such
 * characters look the same to who reads them. The joiners U+200C and U+200D belong to words and are
 * not among them. */
static const struct {
    uint32_t first;
    uint32_t last;
} not_printable[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
    {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
    {0xfdd0, 0xfdef}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
};

static bool is_printable(uint32_t character)
{
    for (size_t i = 0; i < sizeof not_printable / sizeof not_printable[0]; i++) {
        if (character >= not_printable[i].first && character <= not_printable[i].last) {
            return false;
        }
    }
    return (character & 0xfffe) != 0xfffe; /* the last two of each plane are no characters */
}

/* Bytes are UTF-8 already: the message scan of the SDK refuses others. */
static uint32_t next_character(const unsigned char **at)
{
    const unsigned char *bytes = *at;
    unsigned int more = bytes[0] < 0x80 ? 0 : bytes[0] < 0xe0 ? 1 : bytes[0] < 0xf0 ? 2 : 3;
    uint32_t character = more == 0 ? bytes[0] : bytes[0] & (0x3fu >> more);

    for (unsigned int i = 1; i <= more; i++) {
        character = character << 6 | (bytes[i] & 0x3fu);
    }
    *at += 1 + more;
    return character;
}

atlas_status_t fields_check_id(struct atlas_call *call, const char *name, const char *text)
{
    const unsigned char *at = (const unsigned char *)(text != NULL ? text : "");
    size_t characters = 0;

    for (; *at != '\0' && characters <= FIELDS_ID_LIMIT; characters++) {
        if (!is_printable(next_character(&at))) {
            return atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                              "%s: has a character that is not printable", name);
        }
    }
    if (characters == 0 || characters > FIELDS_ID_LIMIT) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT, "%s: must have 1 to %d characters", name,
                          FIELDS_ID_LIMIT);
    }
    return ATLAS_OK;
}

atlas_status_t fields_parse_uuid(struct atlas_call *call, const char *name, const char *text,
                                 char ret_uuid[ATLAS_UUID_SIZE])
{
    if (!atlas_uuid_parse(text, ret_uuid)) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                          "%s: must be a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057", name);
    }
    return ATLAS_OK;
}

bool fields_is_currency(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;

    return len == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
}

atlas_status_t fields_check_currency_key(const struct atlas_config *config, const char *key,
                                         char *text, size_t text_size)
{
    const char *currency = config->string(config, key);

    if (!fields_is_currency(currency)) {
        snprintf(text, text_size,
                 "%s: \"%s\" is no ISO 4217 code; give three capital letters: \"USD\"", key,
                 currency);
        return ATLAS_INVALID_ARGUMENT;
    }
    return ATLAS_OK;
}

static atlas_status_t check_degrees(struct atlas_call *call, const char *name, bool is_given,
                                    double degrees, int limit)
{
    if (!is_given) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT, "%s: must be given", name);
    }
    if (!(fabs(degrees) <= limit)) { /* not a number is not in range either */
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT, "%s: must be from -%d to %d degrees", name,
                          limit, limit);
    }
    return ATLAS_OK;
}

atlas_status_t fields_check_latitude(struct atlas_call *call, const char *name, bool is_given,
                                     double degrees)
{
    return check_degrees(call, name, is_given, degrees, 90);
}

atlas_status_t fields_check_longitude(struct atlas_call *call, const char *name, bool is_given,
                                      double degrees)
{
    return check_degrees(call, name, is_given, degrees, 180);
}

Google__Protobuf__Timestamp *fields_time_new(struct atlas_call *call, int64_t time_us)
{
    Google__Protobuf__Timestamp *time = atlas_alloc(call, sizeof *time);

    if (time != NULL) {
        google__protobuf__timestamp__init(time);
        time->seconds = time_us / MICROSECONDS;
        time->nanos = (int32_t)(time_us % MICROSECONDS) * 1000;
        if (time->nanos < 0) { /* before 1970: nanos always count forward */
            time->seconds -= 1;
            time->nanos += 1000000000;
        }
    }
    return time;
}

int64_t fields_time_us(const Google__Protobuf__Timestamp *time)
{
    if (time == NULL || time->seconds < FIRST_SECOND || time->seconds > LAST_SECOND ||
        time->nanos < 0 || time->nanos > 999999999) {
        return INT64_MIN;
    }
    return time->seconds * MICROSECONDS + time->nanos / 1000;
}
