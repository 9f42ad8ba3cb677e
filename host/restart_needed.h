/* What a newer configuration changes that a reload does not: said, so that nobody waits for it. */
#ifndef HOST_RESTART_NEEDED_H
#define HOST_RESTART_NEEDED_H

struct config;

/* Logs one warning for each listener that is new, moved or gone, and for each server whose address
 * has changed, against the configuration that the process was started with. Control thread. */
void restart_needed_log(const struct config *running, const struct config *newer);

#endif
