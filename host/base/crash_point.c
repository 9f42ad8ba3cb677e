#include "base/crash_point.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *chosen; /* without the count; NULL: none */
static size_t chosen_len;
static _Atomic long passages_left;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_environment(void)
{
    chosen = getenv("ATLAS_CRASH_POINT");
    if (chosen == NULL) {
        return;
    }
    const char *colon = strchr(chosen, ':');
    chosen_len = colon != NULL ? (size_t)(colon - chosen) : strlen(chosen);
    atomic_store(&passages_left, colon != NULL ? strtol(colon + 1, NULL, 10) : 1);
}

void crash_point(const char *name)
{
    pthread_once(&once, read_environment);
    if (chosen == NULL || strlen(name) != chosen_len || strncmp(name, chosen, chosen_len) != 0) {
        return;
    }
    if (atomic_fetch_sub(&passages_left, 1) == 1) {
        raise(SIGKILL);
    }
}
