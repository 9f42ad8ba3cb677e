/* Inside of base/metrics: what the registry and the rendering share. */
#ifndef BASE_METRICS_REGISTRY_H
#define BASE_METRICS_REGISTRY_H

#include <pthread.h>
#include <stdbool.h>

#include "base/metrics.h"

struct metrics_series {
    struct metrics_family *family;
    struct metrics_series *next;
    struct metrics_cell *cells;
    char *values[METRICS_LABELS_MAX];
    int64_t kept_value; /* of cells that were released */
    uint64_t kept_buckets[METRICS_BUCKETS];
};

struct metrics_family {
    struct metrics_family *next; /* by name */
    struct metrics_series *series;
    size_t series_count;
    char *name;
    char *help;
    enum metrics_kind kind;
    char *labels[METRICS_LABELS_MAX];
    size_t label_count;
};

struct metrics_registry {
    pthread_mutex_t lock; /* for everything but what cells count */
    struct metrics_family *families;
};

extern struct metrics_registry metrics_registry;

#endif
