/* The atlas program: subcommands. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "cli/cli.h"

struct command {
    const char *name;
    const char *usage;
    const char *help;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"run", "-c FILE [-c FILE] [-D path=value] [--process NAME]",
     "run one process of a configuration", cli_run},
    {"check", "-c FILE [-c FILE] [-D path=value] [--process NAME]",
     "say everything that is wrong with a configuration and its plugins, serve nothing", cli_check},
    {"plugin", "info FILE.so", "show a plugin's manifest without running it", cli_plugin},
    {"dev-broker", "[--port N] [--partitions N] [--topic NAME]...",
     "run a Kafka broker in memory, for development", cli_dev_broker},
};

static int print_usage(FILE *stream, int code)
{
    fprintf(stream, "atlas " ATLAS_VERSION ": runs services as plugins\n\nusage:\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        fprintf(stream, "  atlas %s %s\n      %s\n", commands[i].name, commands[i].usage,
                commands[i].help);
    }
    fputs("  atlas version | help\n", stream);
    return code;
}

static const char *nearest_command(const char *name)
{
    const char *names[sizeof commands / sizeof commands[0]];
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        names[i] = commands[i].name;
    }
    return nearest_word(name, names, sizeof commands / sizeof commands[0]);
}

/* A standard file that whoever started us has closed leaves its number to the next that is opened,
 * and the log goes into that: a pid file, a client's connection. */
static void open_standard_files(void)
{
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDWR);
    }
    if (fd >= 0) {
        close(fd);
    }
}

int main(int argc, char **argv)
{
    open_standard_files();
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        puts("atlas " ATLAS_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0) {
        return print_usage(stdout, EXIT_DONE);
    }
    if (argc > 1) {
        const char *near = nearest_command(name);
        fprintf(stderr, "atlas: \"%s\" is no command%s%s%s\n\n", name,
                near == NULL ? "" : ": did you mean \"", near == NULL ? "" : near,
                near == NULL ? "" : "\"?");
    }
    return print_usage(stderr, EXIT_USAGE);
}
