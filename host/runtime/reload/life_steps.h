/*
 * What happens to a generation on its loops, step by step, each in a fiber; arg is the generation.
 * Every step of the way down heeds how far the way up has come, so half-made ones end well.
 */
#ifndef RUNTIME_RELOAD_LIFE_STEPS_H
#define RUNTIME_RELOAD_LIFE_STEPS_H

#include "atlas/status.h"

struct call;

/* Up: modules on the home loop and on every loop, the instance, the state of every loop. */
atlas_status_t life_attach(struct call *call, void *arg);
atlas_status_t life_attach_loop(struct call *call, void *arg);
atlas_status_t life_create(struct call *call, void *arg);
atlas_status_t life_loop_create(struct call *call, void *arg);
atlas_status_t life_warm(struct call *call, void *arg);

/* Routed to: background work and consumers begin, and end. */
atlas_status_t life_activate(struct call *call, void *arg);
atlas_status_t life_deactivate(struct call *call, void *arg);

/* Down, in the reverse order. */
atlas_status_t life_loop_destroy(struct call *call, void *arg);
atlas_status_t life_destroy(struct call *call, void *arg);
atlas_status_t life_detach(struct call *call, void *arg);

#endif
