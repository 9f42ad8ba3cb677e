/* Strings of JSON, RFC 8259 section 7. */
#include "inbound/rest/json_text.h"

#include "base/buffer.h"
#include "base/utf8.h"

/* The length of the leading run that needs no escape in JSON. */
static size_t plain_run(const uint8_t *text, size_t len)
{
    size_t i = 0;

    while (i < len && text[i] >= 0x20 && text[i] < 0x80 && text[i] != '"' && text[i] != '\\') {
        i++;
    }
    return i;
}

static void put_escaped(struct buffer *out, uint8_t character)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (size_t i = 0; i < sizeof shorts - 1; i += 2) {
        if ((uint8_t)shorts[i] == character) {
            buffer_put_byte(out, '\\');
            buffer_put_byte(out, (uint8_t)shorts[i + 1]);
            return;
        }
    }
    buffer_printf(out, "\\u%04x", character);
}

void json_put_string(struct buffer *out, const char *text, size_t len)
{
    const uint8_t *at = (const uint8_t *)text;

    buffer_put_byte(out, '"');
    while (len > 0) {
        size_t run = plain_run(at, len);

        buffer_put(out, at, run);
        at += run;
        len -= run;
        if (len == 0) {
            break;
        }
        run = 1;
        if (at[0] < 0x80) {
            put_escaped(out, at[0]);
        } else if ((run = utf8_sequence(at, len)) > 0) {
            buffer_put(out, at, run);
        } else {
            run = 1;
            buffer_put_string(out, "\xef\xbf\xbd");
        }
        at += run;
        len -= run;
    }
    buffer_put_byte(out, '"');
}
