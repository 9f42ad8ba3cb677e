/*
 * Names whose addresses a test decides: getaddrinfo of the whole test program, libraries included,
 * asks this table first and the system for what is not in it. Any thread.
 */
#ifndef TESTS_SUPPORT_NAMES_H
#define TESTS_SUPPORT_NAMES_H

#include <stdbool.h>

/* From now on the name has these numeric addresses, with commas between, in this order; "": it has
 * none. */
void names_set(const char *name, const char *addresses);

/* Lookups of the name wait until they are let go, as behind a silent name server. */
void names_hold(const char *name, bool is_held);

/* How often it was looked up. */
unsigned names_lookups(const char *name);

#endif
