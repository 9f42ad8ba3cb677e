/* Levenshtein distance over short words. */
#include "base/nearest.h"

#include <string.h>

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

static size_t distance(const char *a, const char *b, size_t b_len)
{
    size_t row[NEAREST_WORD_LIMIT + 1];

    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 1; j <= b_len; j++) {
            size_t substituted = diagonal + (a[i] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, substituted);
        }
    }
    return row[b_len];
}

const char *nearest_word(const char *word, const char *const *known, size_t count)
{
    const char *best = NULL;
    size_t len = strlen(word);
    size_t best_distance = len / 3 + 2;

    if (len > NEAREST_WORD_LIMIT) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t known_len = strlen(known[i]);
        if (known_len > NEAREST_WORD_LIMIT) {
            continue;
        }
        size_t edits = distance(word, known[i], known_len);
        if (edits < best_distance && edits < len) {
            best_distance = edits;
            best = known[i];
        }
    }
    return best;
}
