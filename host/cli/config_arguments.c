#include "cli/config_arguments.h"

#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/report.h"

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"define", required_argument, NULL, 'D'},
    {"process", required_argument, NULL, 'p'},
    {NULL, 0, NULL, 0},
};

static void find_program_folder(struct config_arguments *arguments)
{
    char path[sizeof arguments->program_folder];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    snprintf(arguments->program_folder, sizeof arguments->program_folder, "%s", dirname(path));
}

static bool add(const char **list, size_t *count, const char *text, const char *option)
{
    if (*count >= CONFIG_ARGUMENTS_MAX) {
        fprintf(stderr, "atlas: more than %d times %s\n", CONFIG_ARGUMENTS_MAX, option);
        return false;
    }
    list[(*count)++] = text;
    return true;
}

static bool take(struct config_arguments *arguments, int option)
{
    switch (option) {
    case 'c':
        return add(arguments->files, &arguments->source.file_count, optarg, "-c");
    case 'D':
        return add(arguments->settings, &arguments->source.setting_count, optarg, "-D");
    case 'p':
        arguments->process = optarg;
        return true;
    default:
        return false; /* getopt has said what is wrong */
    }
}

bool config_arguments_read(int argc, char **argv, struct config_arguments *ret_arguments)
{
    memset(ret_arguments, 0, sizeof *ret_arguments);
    for (int option; (option = getopt_long(argc, argv, "c:D:", long_options, NULL)) != -1;) {
        if (!take(ret_arguments, option)) {
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "atlas %s: \"%s\" is no option\n", argv[0], argv[optind]);
        return false;
    }
    if (ret_arguments->source.file_count == 0) {
        fprintf(stderr, "atlas %s: name a configuration, for example: atlas %s -c etc/atlas.cfg\n",
                argv[0], argv[0]);
        return false;
    }
    find_program_folder(ret_arguments);
    ret_arguments->source.files = ret_arguments->files;
    ret_arguments->source.settings = ret_arguments->settings;
    ret_arguments->source.program_folder = ret_arguments->program_folder;
    return true;
}

const struct config_process *config_arguments_process(const struct config_arguments *arguments,
                                                      const struct config *config,
                                                      struct report *report)
{
    const struct config_process *process = config_process(config, arguments->process);
    if (process == NULL) {
        char names[256] = "";
        size_t len = 0;
        for (size_t i = 0; i < config->process_count && len < sizeof names; i++) {
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", i == 0 ? "" : ", ",
                                    config->processes[i].name);
        }
        report_add(report, "--process %s: is not in the configuration: choose one of %s",
                   arguments->process, names);
    }
    return process;
}

void config_arguments_print(const struct report *report)
{
    const char *line;
    for (size_t i = 0; (line = report_line(report, i)) != NULL; i++) {
        fprintf(stderr, "%s\n", line);
    }
}
