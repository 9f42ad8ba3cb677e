/*
 * The watchdog: a thread that sees when a fiber keeps its loop for too long, so that other calls
 * wait, and says which plugin and method it is, with a backtrace. It reads one counter per loop;
 * calls pay two stores a switch for it.
 */
#ifndef RUNTIME_WATCHDOG_H
#define RUNTIME_WATCHDOG_H

#include "base/error.h"

struct runtime;
struct watchdog;

/* A loop that is being held now. Borrowed until report returns. */
struct watchdog_finding {
    unsigned loop;
    int64_t held_ms;       /* at least; it goes on */
    const char *operation; /* "/atlas.order.v1.Order/GetOrder", "order background outbox"; empty:
                              its thread has not said for seconds */
    const char *plugin;    /* "order", or "host"; empty with the operation */
    const char *backtrace; /* innermost first: "compute < handle_get_order < ..."; may be empty */
};

/*
 * Watches the loops of a runtime that was started. report is called on the watchdog's thread, once
 * per time that a loop is held, and once more if its operation became known only later; NULL: a log
 * line.
 * threshold_ms 0 watches nothing and returns a NULL watchdog. Counts in atlas_loop_held_total. Uses
 * SIGURG. Control thread.
 */
atlas_status_t watchdog_start(struct runtime *runtime, int64_t threshold_ms,
                              void (*report)(void *arg, const struct watchdog_finding *finding),
                              void *arg, struct watchdog **ret_watchdog, struct error *error);

/* Ends the thread; while the loops still run. NULL is allowed. Control thread. */
void watchdog_stop(struct watchdog *watchdog);

#endif
