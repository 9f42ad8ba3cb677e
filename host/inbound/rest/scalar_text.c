#include "inbound/rest/scalar_text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/utf8.h"

#define NUMBER_TEXT_LIMIT 64u /* digits of a number written as a string */
#define ENUM_NAME_LIMIT   256u

/* JSON's grammar of numbers, so that strtod's hexadecimal, spaces and names stay out. */
static bool is_json_number(const char *text)
{
    const char *digits = NULL;

    text += *text == '-';
    digits = text;
    text += strspn(text, "0123456789");
    if (text == digits || (*digits == '0' && text - digits > 1)) {
        return false;
    }
    if (*text == '.') {
        digits = ++text;
        text += strspn(text, "0123456789");
        if (text == digits) {
            return false;
        }
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        digits = text;
        text += strspn(text, "0123456789");
        if (text == digits) {
            return false;
        }
    }
    return *text == '\0';
}

static bool number_from_name(const char *text, double *ret_number)
{
    static const struct {
        const char *name;
        double number;
    } table[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(text, table[i].name) == 0) {
            *ret_number = table[i].number;
            return true;
        }
    }
    return false;
}

static bool is_floating(uint8_t type)
{
    return type == FIELD_DOUBLE || type == FIELD_FLOAT;
}

static bool number_from_text(uint8_t type, struct atlas_bytes bytes, struct scalar *ret_value)
{
    char text[NUMBER_TEXT_LIMIT + 1];
    double number = 0;

    if (bytes.len > NUMBER_TEXT_LIMIT) {
        return false;
    }
    memcpy(text, bytes.data, bytes.len);
    text[bytes.len] = '\0';
    if (is_floating(type) && number_from_name(text, &number)) {
        return scalar_from_number(type, number, ret_value);
    }
    if (strlen(text) != bytes.len || !is_json_number(text)) {
        return false;
    }
    if (!is_floating(type) && strpbrk(text, ".eE") == NULL) {
        errno = 0;
        if (type == FIELD_UINT64 || type == FIELD_FIXED64) {
            *ret_value = (struct scalar){.natural = strtoull(text, NULL, 10)};
            return errno == 0 && text[0] != '-';
        }
        int64_t integer = strtoll(text, NULL, 10);
        return errno == 0 && scalar_from_integer(type, integer, ret_value);
    }
    number = strtod(text, NULL);
    return isfinite(number) && scalar_from_number(type, number, ret_value);
}

static bool enum_from_text(const struct field_descriptor *field, struct atlas_bytes text,
                           struct scalar *ret_value)
{
    int32_t number = 0;

    if (text.len > 0 && text.len <= ENUM_NAME_LIMIT && memchr(text.data, '\0', text.len) == NULL &&
        enum_number(field->enumeration, text.data, text.len, &number)) {
        *ret_value = (struct scalar){.integer = number};
        return true;
    }
    return number_from_text(FIELD_ENUM, text, ret_value);
}

static bool bool_from_text(struct atlas_bytes text, struct scalar *ret_value)
{
    bool is_true = text.len == 4 && memcmp(text.data, "true", 4) == 0;

    *ret_value = (struct scalar){.integer = is_true};
    return is_true || (text.len == 5 && memcmp(text.data, "false", 5) == 0);
}

static bool bytes_from_text(struct atlas_bytes text, struct arena *arena, struct scalar *ret_value)
{
    uint8_t *bytes = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (bytes == NULL || !base64_decode(text.data, text.len, bytes, &len)) {
        return false;
    }
    *ret_value = (struct scalar){.bytes = {bytes, len}};
    return true;
}

const char *scalar_from_text(const struct field_descriptor *field, struct atlas_bytes text,
                             struct arena *arena, struct scalar *ret_value)
{
    switch (field->type) {
    case FIELD_STRING:
        *ret_value = (struct scalar){.bytes = text};
        return utf8_is_valid(text.data, text.len) ? NULL : "UTF-8 text without NUL";
    case FIELD_BYTES:
        return bytes_from_text(text, arena, ret_value) ? NULL : "base64";
    case FIELD_BOOL:
        return bool_from_text(text, ret_value) ? NULL : "true or false";
    case FIELD_ENUM:
        return enum_from_text(field, text, ret_value) ? NULL : "a name of its enum";
    case FIELD_DOUBLE:
    case FIELD_FLOAT:
        return number_from_text(field->type, text, ret_value) ? NULL : "a number";
    default:
        return number_from_text(field->type, text, ret_value) ? NULL
                                                              : "a whole number in its range";
    }
}
