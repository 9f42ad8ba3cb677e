/* The arguments that say which configuration: -c FILE (more lie over the first), -D path=value,
 * --process. */
#ifndef CLI_CONFIG_ARGUMENTS_H
#define CLI_CONFIG_ARGUMENTS_H

#include <stdbool.h>

#include "base/config/config_load.h"

#define CONFIG_ARGUMENTS_MAX 64

struct config_arguments {
    struct config_source source;
    const char *process; /* NULL: the first of the configuration */
    const char *files[CONFIG_ARGUMENTS_MAX];
    const char *settings[CONFIG_ARGUMENTS_MAX];
    char program_folder[4096];
};

/* Reads them from the command line; on a mistake prints what is wrong and returns false. The struct
 * must stay where it is. argv[0] is the subcommand. */
bool config_arguments_read(int argc, char **argv, struct config_arguments *ret_arguments);

/* The process of the configuration that the arguments name; NULL after a finding that names those
 * that there are. Borrowed from the configuration. */
const struct config_process *config_arguments_process(const struct config_arguments *arguments,
                                                      const struct config *config,
                                                      struct report *report);

/* Prints every line of a report to standard error. */
void config_arguments_print(const struct report *report);

#endif
