/* Text that a test puts together piece by piece. */
#ifndef TESTS_SUPPORT_TEXT_H
#define TESTS_SUPPORT_TEXT_H

#include <stdlib.h>
#include <string.h>

/* Always ends with a NUL; starts empty: struct text text = {0}; */
struct text {
    char data[8192];
    size_t len;
};

/* Puts the piece behind the text, so many times. */
static inline void text_add(struct text *text, const char *piece, int times)
{
    size_t len = strlen(piece);

    for (int i = 0; i < times; i++) {
        if (text->len + len >= sizeof text->data) {
            abort();
        }
        memcpy(text->data + text->len, piece, len + 1);
        text->len += len;
    }
}

#endif
