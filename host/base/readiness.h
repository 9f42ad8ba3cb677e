/*
 * What /readyz says: every dependency and plugin of the process by name, and whether it is ready.
 * Components register a check and tell it when it changes; the process is ready when all are.
 */
#ifndef BASE_READINESS_H
#define BASE_READINESS_H

#include <stdbool.h>
#include <stddef.h>

#define READINESS_TEXT_SIZE 200

struct readiness_check;

/*
 * Registers "postgres order", "plugin tracker", ...: name is copied and cut at 80 bytes. It starts
 * as not ready, with "starting". A name that is there twice is there twice. NULL without memory,
 * which the other functions accept. Any thread.
 */
struct readiness_check *readiness_add(const char *name);

/* Ready, or not with the reason in words. Any thread. */
void readiness_set_ready(struct readiness_check *check);
__attribute__((format(printf, 2, 3))) void readiness_set_failed(struct readiness_check *check,
                                                                const char *format, ...);

/* Takes the check away. NULL is allowed. Any thread. */
void readiness_remove(struct readiness_check *check);

/* True if all checks are ready (none registered: true). Any thread. */
bool readiness_is_ready(void);

/* Calls fn for every check, in the order of registration, under the registry's lock: it must not
 * come back here. Returns what readiness_is_ready would. */
bool readiness_visit(void (*fn)(void *arg, const char *name, bool is_ready, const char *text),
                     void *arg);

#endif
