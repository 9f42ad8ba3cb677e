/* What changed from one configuration to another, key by key. */
#ifndef BASE_CONFIG_DIFFERS_H
#define BASE_CONFIG_DIFFERS_H

struct config;

/* path: "grpc.streams", "processes.atlas.loops"; the values as the file would have them, "" for
 * none. All are borrowed until it returns. */
typedef void config_difference_fn(void *arg, const char *path, const char *former,
                                  const char *newer);

/*
 * Calls found for each key whose value differs: those of all groups of single values (servers,
 * bounds, log.level), run_dir, and loops and admin of the process with that name if both have it;
 * not listeners, placements and plugins. Values that are passwords are not told. Any thread.
 */
void config_differs(const struct config *former, const struct config *newer, const char *process,
                    config_difference_fn *found, void *arg);

#endif
