/* What a newer configuration changes that a reload does not: said, so that nobody waits for it. */
#ifndef HOST_RESTART_NEEDED_H
#define HOST_RESTART_NEEDED_H

struct config;

/* Logs one warning for each key of a server or a bound whose value has changed, with both values,
 * against the configuration that the process (its name) was started with. Control thread. */
void restart_needed_log(const struct config *running, const struct config *newer,
                        const char *process);

#endif
