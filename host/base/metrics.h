/*
 * Metrics of the process, in the text format of Prometheus.
 *
 * A family has a name and label names; a series is a family with label values; each writer (a loop,
 * or another thread) has a cell of its own in a series, and the reader sums the cells. Find a cell
 * once and keep it: adding to it is a load, an add and a store, without a lock. Finding, releasing
 * and rendering take a lock of the registry and are for rare moments: a new route, a new
 * connection, a scrape.
 *
 *     static const char *const labels[] = {"plugin", "status", NULL};
 *     struct metrics_cell *cell = metrics_cell(metrics_family("atlas_calls_total", "Calls ended.",
 *                                              METRICS_COUNTER, labels), (const char *[]){"order",
 * "OK"}); metrics_add(cell, 1); metrics_cell_release(cell);
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum metrics_kind {
    METRICS_COUNTER = 0,   /* only grows */
    METRICS_GAUGE = 1,     /* goes up and down; the cells of a series are summed */
    METRICS_HISTOGRAM = 2, /* of durations; upper bounds in metrics_buckets_ns */
};

#define METRICS_LABELS_MAX 8
#define METRICS_BUCKETS    17

/* Upper bounds of a histogram's buckets but the last, which has none: 50 us to 10 s. */
extern const int64_t metrics_buckets_ns[METRICS_BUCKETS - 1];

struct metrics_family;
struct metrics_series;

/* The part that a writer touches: one writer only, any thread. On a cache line of its own. */
struct metrics_cell {
    struct metrics_series *series;
    struct metrics_cell *next;
    _Atomic int64_t value;      /* of a histogram: the sum in nanoseconds */
    _Atomic uint64_t buckets[]; /* of a histogram: METRICS_BUCKETS */
};

/*
 * The family of that name, made if it is new. name is [a-z_][a-z0-9_]*, help one sentence, labels
 * ends with NULL (or is NULL); all are copied. A second caller must give the same kind and number
 * of labels: anything else, or a name that is none, is a bug and answers NULL, which the other
 * functions accept. Any thread.
 */
struct metrics_family *metrics_family(const char *name, const char *help, enum metrics_kind kind,
                                      const char *const *labels);

/*
 * A new cell in the series with these label values (one per label, copied, cut at 128 bytes). NULL,
 * which metrics_add and the like accept, if there is no memory. Any thread; see above for who may
 * write to it.
 */
struct metrics_cell *metrics_cell(struct metrics_family *family, const char *const *values);

/*
 * Gives the cell back; its count stays in the series as long as another cell of it lives. The
 * series goes with its last cell, so the series of an unloaded generation disappear. NULL is
 * allowed.
 */
void metrics_cell_release(struct metrics_cell *cell);

/* Series of one family at most, from now on; further ones count under the label values "other".
 * 5000 until it is called. Any thread. */
void metrics_limit_series(size_t limit);

/* All of it, as text/plain; version=0.0.4. To be freed by the caller; NULL without memory. Any
 * thread. */
char *metrics_render(size_t *ret_len);

/* Forgets all families. For tests, when no cell is left. */
void metrics_reset(void);

/* Adds to a counter or a gauge. By the cell's writer only. */
static inline void metrics_add(struct metrics_cell *cell, int64_t amount)
{
    if (cell != NULL) {
        atomic_store_explicit(&cell->value,
                              atomic_load_explicit(&cell->value, memory_order_relaxed) + amount,
                              memory_order_relaxed);
    }
}

/* Sets a gauge. By the cell's writer only. */
static inline void metrics_set(struct metrics_cell *cell, int64_t value)
{
    if (cell != NULL) {
        atomic_store_explicit(&cell->value, value, memory_order_relaxed);
    }
}

/* Adds a duration to a histogram; a negative one counts as 0. By the cell's writer only. */
static inline void metrics_observe_ns(struct metrics_cell *cell, int64_t duration_ns)
{
    size_t bucket = 0;

    if (cell == NULL) {
        return;
    }
    while (bucket < METRICS_BUCKETS - 1 && duration_ns > metrics_buckets_ns[bucket]) {
        bucket++;
    }
    metrics_add(cell, duration_ns < 0 ? 0 : duration_ns);
    atomic_store_explicit(&cell->buckets[bucket],
                          atomic_load_explicit(&cell->buckets[bucket], memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

#endif
