/* The registry: families, series and cells in lists under one lock. Rendering is in
 * metrics_render.c. */
#include "base/metrics.h"

#include "base/metrics_registry.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64
#define VALUE_MAX  128

const int64_t metrics_buckets_ns[METRICS_BUCKETS - 1] = {
    50000,    100000,   250000,    500000,    1000000,   2500000,    5000000,    10000000,
    25000000, 50000000, 100000000, 250000000, 500000000, 1000000000, 2500000000, 10000000000};

struct metrics_registry metrics_registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Atomic size_t series_limit = 5000;

static bool is_name(const char *name)
{
    for (const char *p = name; *p != '\0'; p++) {
        bool is_letter = (*p >= 'a' && *p <= 'z') || *p == '_';
        bool is_digit = *p >= '0' && *p <= '9';
        if (!is_letter && (!is_digit || p == name)) {
            return false;
        }
    }
    return name[0] != '\0';
}

static size_t count_labels(const char *const *labels)
{
    size_t count = 0;

    while (labels != NULL && labels[count] != NULL) {
        count++;
    }
    return count;
}

static void free_family(struct metrics_family *family)
{
    if (family != NULL) {
        for (size_t i = 0; i < family->label_count; i++) {
            free(family->labels[i]);
        }
        free(family->name);
        free(family->help);
        free(family);
    }
}

static struct metrics_family *new_family(const char *name, const char *help, enum metrics_kind kind,
                                         const char *const *labels, size_t label_count)
{
    struct metrics_family *family = calloc(1, sizeof *family);
    bool is_whole = family != NULL;

    if (!is_whole) {
        return NULL;
    }
    family->kind = kind;
    family->name = strdup(name);
    family->help = strdup(help);
    is_whole = family->name != NULL && family->help != NULL;
    for (size_t i = 0; i < label_count && is_whole; i++) {
        family->labels[family->label_count++] = strdup(labels[i]);
        is_whole = family->labels[i] != NULL;
    }
    if (!is_whole) {
        free_family(family);
        return NULL;
    }
    return family;
}

struct metrics_family *metrics_family(const char *name, const char *help, enum metrics_kind kind,
                                      const char *const *labels)
{
    size_t label_count = count_labels(labels);
    struct metrics_family **link = &metrics_registry.families;
    struct metrics_family *family = NULL;

    if (!is_name(name) || label_count > METRICS_LABELS_MAX) {
        return NULL;
    }
    pthread_mutex_lock(&metrics_registry.lock);
    while (*link != NULL && strcmp((*link)->name, name) < 0) {
        link = &(*link)->next;
    }
    if (*link != NULL && strcmp((*link)->name, name) == 0) {
        bool is_same = (*link)->kind == kind && (*link)->label_count == label_count;
        family = is_same ? *link : NULL;
    } else {
        family = new_family(name, help, kind, labels, label_count);
        if (family != NULL) {
            family->next = *link;
            *link = family;
        }
    }
    pthread_mutex_unlock(&metrics_registry.lock);
    return family;
}

static void free_series(struct metrics_series *series)
{
    if (series != NULL) {
        for (size_t i = 0; i < METRICS_LABELS_MAX; i++) {
            free(series->values[i]);
        }
        free(series);
    }
}

static struct metrics_series *new_series(struct metrics_family *family, const char *const *values)
{
    struct metrics_series *series = calloc(1, sizeof *series);

    if (series == NULL) {
        return NULL;
    }
    series->family = family;
    for (size_t i = 0; i < family->label_count; i++) {
        series->values[i] = strndup(values[i], VALUE_MAX);
        if (series->values[i] == NULL) {
            free_series(series);
            return NULL;
        }
    }
    series->next = family->series;
    family->series = series;
    family->series_count++;
    return series;
}

static bool has_values(const struct metrics_series *series, const char *const *values)
{
    for (size_t i = 0; i < series->family->label_count; i++) {
        if (strncmp(series->values[i], values[i], VALUE_MAX) != 0) {
            return false;
        }
    }
    return true;
}

static struct metrics_series *find_series(struct metrics_family *family, const char *const *values)
{
    struct metrics_series *series = family->series;

    while (series != NULL && !has_values(series, values)) {
        series = series->next;
    }
    return series;
}

void metrics_limit_series(size_t limit)
{
    atomic_store(&series_limit, limit);
}

/* The series of these values; beyond the bound, the one that stands for all others. */
static struct metrics_series *take_series(struct metrics_family *family, const char *const *values)
{
    static const char *const other[METRICS_LABELS_MAX] = {"other", "other", "other", "other",
                                                          "other", "other", "other", "other"};
    struct metrics_series *series = find_series(family, values);

    if (series == NULL && family->series_count < atomic_load(&series_limit)) {
        return new_series(family, values);
    }
    if (series == NULL) {
        series = find_series(family, other);
    }
    return series == NULL ? new_series(family, other) : series;
}

static size_t cell_size(enum metrics_kind kind)
{
    size_t buckets = kind == METRICS_HISTOGRAM ? METRICS_BUCKETS * sizeof(_Atomic uint64_t) : 0;
    size_t size = sizeof(struct metrics_cell) + buckets;

    return (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

struct metrics_cell *metrics_cell(struct metrics_family *family, const char *const *values)
{
    struct metrics_cell *cell = NULL;

    if (family == NULL) {
        return NULL;
    }
    cell = aligned_alloc(CACHE_LINE, cell_size(family->kind));
    if (cell == NULL) {
        return NULL;
    }
    memset(cell, 0, cell_size(family->kind));
    pthread_mutex_lock(&metrics_registry.lock);
    cell->series = take_series(family, values);
    if (cell->series != NULL) {
        cell->next = cell->series->cells;
        cell->series->cells = cell;
    }
    pthread_mutex_unlock(&metrics_registry.lock);
    if (cell->series == NULL) {
        free(cell);
        return NULL;
    }
    return cell;
}

/* What a released cell counted stays; the level of a gauge goes with its writer. */
static void keep_count(struct metrics_series *series, const struct metrics_cell *cell)
{
    if (series->family->kind == METRICS_GAUGE) {
        return;
    }
    series->kept_value += atomic_load_explicit(&cell->value, memory_order_relaxed);
    if (series->family->kind == METRICS_HISTOGRAM) {
        for (size_t i = 0; i < METRICS_BUCKETS; i++) {
            series->kept_buckets[i] +=
                atomic_load_explicit(&cell->buckets[i], memory_order_relaxed);
        }
    }
}

static void remove_series(struct metrics_series *series)
{
    struct metrics_series **link = &series->family->series;

    while (*link != series) {
        link = &(*link)->next;
    }
    *link = series->next;
    series->family->series_count--;
    free_series(series);
}

void metrics_cell_release(struct metrics_cell *cell)
{
    if (cell == NULL) {
        return;
    }
    pthread_mutex_lock(&metrics_registry.lock);
    struct metrics_series *series = cell->series;
    struct metrics_cell **link = &series->cells;
    while (*link != cell) {
        link = &(*link)->next;
    }
    *link = cell->next;
    keep_count(series, cell);
    if (series->cells == NULL) {
        remove_series(series);
    }
    pthread_mutex_unlock(&metrics_registry.lock);
    free(cell);
}

void metrics_reset(void)
{
    pthread_mutex_lock(&metrics_registry.lock);
    while (metrics_registry.families != NULL) {
        struct metrics_family *family = metrics_registry.families;
        metrics_registry.families = family->next;
        free_family(family);
    }
    pthread_mutex_unlock(&metrics_registry.lock);
}
