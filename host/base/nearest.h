/* "Did you mean": the known word that a misspelt one is nearest to. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* Words longer than this are not compared. */
#define NEAREST_WORD_LIMIT 64

/* The known word with the fewest edits from word, if these are at most a third of its letters and
 * one; NULL if none is that near. Returns one of the known pointers. */
const char *nearest_word(const char *word, const char *const *known, size_t count);

#endif
