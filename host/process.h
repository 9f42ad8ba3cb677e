/*
 * One process of a deployment, put together: runtime, modules, listeners, and the plugins that the
 * configuration names. All functions are for the control thread, which is the one that starts it.
 *
 *   process_start -> control_run with commands such as process_reload -> process_stop
 */
#ifndef HOST_PROCESS_H
#define HOST_PROCESS_H

#include "base/error.h"
#include "base/report.h"

struct config;
struct control;
struct process;

/* Starts everything; calls are accepted when it returns true. Servers that are away are no failure:
 * see /readyz. On failure, or when control is asked to end meanwhile, the reasons are in the report
 * and what was made, if anything, is in ret_process for process_stop. config, name and control are
 * borrowed until process_stop. Blocks. */
bool process_start(const struct config *config, const char *name, struct control *control,
                   struct process **ret_process, struct report *report);

/* Makes the plugins what a newer configuration says, or changes nothing and says why in the report.
 * Listeners, the log level and the times of reload and shutdown follow; servers and other bounds
 * stay as they were started. Blocks; commands may run meanwhile, but a second reload waits for the
 * first. */
bool process_reload(struct process *process, const struct config *config, struct report *report);

/*
 * Stops accepting without losing a connection, lets calls end (shutdown.drain_timeout, or until
 * control is asked to end once more), cancels what is left, ends plugins, closes everything and
 * frees it. False if some call did not end at all: then nothing is freed that it may use, and the
 * program has to leave at once. NULL is allowed. Blocks.
 */
bool process_stop(struct process *process);

#endif
