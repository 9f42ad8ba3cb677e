/*
 * The life of one generation, as the control thread sees it: load, create, activate, deactivate,
 * unload, made of the steps of life_steps.h. Each function blocks at most as long as the timeouts
 * of the group "reload" say, unless code of the plugin neither waits nor returns.
 */
#ifndef RUNTIME_RELOAD_GENERATION_LIFE_H
#define RUNTIME_RELOAD_GENERATION_LIFE_H

#include "base/error.h"

struct candidate;
struct config_reload;
struct control;
struct generation;
struct runtime;

/* STAGE and LOAD and CHECK: maps a private copy of the candidate, which is emptied. Nothing of it
 * runs yet but its check(). limits: the timeouts of its steps, borrowed until it is unloaded. */
atlas_status_t generation_load(struct runtime *runtime, const struct config_reload *limits,
                               struct candidate *candidate, unsigned number,
                               struct generation **ret_generation, struct error *error);

/* CREATE and WARM: attaches modules, makes the instance and the state of every loop. Ends early if
 * the process is asked to end. is_reload: another generation of the plugin serves already. */
atlas_status_t generation_create(struct control *control, struct generation *generation,
                                 bool is_reload, struct error *error);

/* Starts background work and consumers. */
void generation_activate(struct control *control, struct generation *generation);

/* Stops background work and consumers of all these generations at once and waits until they have
 * ended. Rounds are cancelled at once, batches at until_ns (monotonic). One that was interrupted,
 * or whose consumers did not end, stays active and may be stopped again. */
void generation_deactivate(struct control *control, struct generation *const *generations,
                           size_t count, int64_t until_ns);

/* Ends the instance, unmaps the copy and frees everything; half-made ones too. Nothing of it may
 * run or be routed to. control may be NULL if generation_create was never called. NULL is allowed.
 */
void generation_unload(struct control *control, struct generation *generation);

#endif
