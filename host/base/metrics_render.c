/*
 * The exposition format of Prometheus:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
#include "base/metrics_registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

/* Label values escape \, " and newline; help texts \ and newline. */
static void write_escaped(FILE *out, const char *text, bool is_label)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            fputs("\\\\", out);
        } else if (*text == '\n') {
            fputs("\\n", out);
        } else if (*text == '"' && is_label) {
            fputs("\\\"", out);
        } else {
            fputc(*text, out);
        }
    }
}

/* {a="x",le="0.1"}; le may be NULL. Nothing if there is no label. */
static void write_labels(FILE *out, const struct metrics_series *series, const char *le)
{
    const struct metrics_family *family = series->family;
    const char *separator = "{";

    for (size_t i = 0; i < family->label_count; i++) {
        fprintf(out, "%s%s=\"", separator, family->labels[i]);
        write_escaped(out, series->values[i], true);
        fputc('"', out);
        separator = ",";
    }
    if (le != NULL) {
        fprintf(out, "%sle=\"%s\"", separator, le);
        separator = ",";
    }
    if (separator[0] == ',') {
        fputc('}', out);
    }
}

static int64_t sum_values(const struct metrics_series *series)
{
    int64_t sum = series->kept_value;

    for (struct metrics_cell *cell = series->cells; cell != NULL; cell = cell->next) {
        sum += atomic_load_explicit(&cell->value, memory_order_relaxed);
    }
    return sum;
}

static uint64_t sum_bucket(const struct metrics_series *series, size_t bucket)
{
    uint64_t sum = series->kept_buckets[bucket];

    for (struct metrics_cell *cell = series->cells; cell != NULL; cell = cell->next) {
        sum += atomic_load_explicit(&cell->buckets[bucket], memory_order_relaxed);
    }
    return sum;
}

static void write_histogram(FILE *out, const struct metrics_series *series)
{
    const char *name = series->family->name;
    uint64_t count = 0;
    char le[32];

    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        count += sum_bucket(series, i);
        if (i < METRICS_BUCKETS - 1) {
            snprintf(le, sizeof le, "%.9g", (double)metrics_buckets_ns[i] / 1e9);
        } else {
            snprintf(le, sizeof le, "+Inf");
        }
        fprintf(out, "%s_bucket", name);
        write_labels(out, series, le);
        fprintf(out, " %" PRIu64 "\n", count);
    }
    fprintf(out, "%s_sum", name);
    write_labels(out, series, NULL);
    fprintf(out, " %.9g\n%s_count", (double)sum_values(series) / 1e9, name);
    write_labels(out, series, NULL);
    fprintf(out, " %" PRIu64 "\n", count);
}

static void write_family(FILE *out, const struct metrics_family *family)
{
    if (family->series == NULL) {
        return;
    }
    fprintf(out, "# HELP %s ", family->name);
    write_escaped(out, family->help, false);
    fprintf(out, "\n# TYPE %s %s\n", family->name, kind_names[family->kind]);
    for (const struct metrics_series *series = family->series; series != NULL;
         series = series->next) {
        if (family->kind == METRICS_HISTOGRAM) {
            write_histogram(out, series);
        } else {
            fputs(family->name, out);
            write_labels(out, series, NULL);
            fprintf(out, " %" PRId64 "\n", sum_values(series));
        }
    }
}

char *metrics_render(size_t *ret_len)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&metrics_registry.lock);
    for (struct metrics_family *family = metrics_registry.families; family != NULL;
         family = family->next) {
        write_family(out, family);
    }
    pthread_mutex_unlock(&metrics_registry.lock);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    *ret_len = len;
    return text;
}
