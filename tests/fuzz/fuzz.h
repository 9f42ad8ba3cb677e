/* What the fuzzers share. Each is one file with LLVMFuzzerTestOneInput; the first bytes of an input
 * may choose. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "atlas/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program when what must hold does not; also in builds without assertions. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Takes the first byte; 0 when there is none. */
static inline uint8_t fuzz_take(const uint8_t **data, size_t *size)
{
    uint8_t byte = *size > 0 ? **data : 0;

    *data += *size > 0 ? 1 : 0;
    *size -= *size > 0 ? 1 : 0;
    return byte;
}

/* A copy with a NUL behind it, of exactly that size, so that a sanitizer sees what reads on. The
 * caller frees it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    MUST(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    return text;
}

#endif
