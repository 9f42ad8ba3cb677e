/* PLAN: what of a configuration differs from what runs. Control thread. */
#ifndef RUNTIME_RELOAD_PLAN_H
#define RUNTIME_RELOAD_PLAN_H

#include "runtime/reload/candidate.h"
#include "runtime/reload/generation_list.h"

struct config;

struct plan {
    struct candidate candidates[CONFIG_PLUGINS_MAX]; /* to be loaded */
    size_t candidate_count;
    struct generation_list kept;  /* that go on as they are */
    struct generation_list fresh; /* made of the candidates so far */
};

/* Fills a zeroed plan for that process of a configuration that config_load has accepted. Everything
 * wrong goes to the report. Blocks on the disk. */
void plan_make(struct plan *plan, const struct config *config, const char *process,
               const struct generation_list *active, struct report *report);

/* Frees the candidates; the generations are the caller's. */
void plan_finish(struct plan *plan);

#endif
