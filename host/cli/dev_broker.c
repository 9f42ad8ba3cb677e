/* atlas dev-broker: the development broker as a process of its own, so that it outlives hosts. */
#include "services/kafka/dev_broker.h"

#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "base/units.h"
#include "cli/cli.h"

#define TOPICS_MAX     64
#define PARTITIONS_MAX 256

static const struct option long_options[] = {
    {"port", required_argument, NULL, 'p'},
    {"partitions", required_argument, NULL, 'n'},
    {"topic", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

/* A whole number of an option; false after saying what is wrong. */
static bool read_number(const char *option, int64_t max, int64_t *ret_number)
{
    struct units_bounds bounds = {0, max};
    char error[160];

    if (units_parse(UNITS_PLAIN, optarg, bounds, ret_number, error, sizeof error) != ATLAS_OK) {
        fprintf(stderr, "atlas dev-broker: --%s: %s\n", option, error);
        return false;
    }
    return true;
}

static bool take(struct dev_broker_options *options, const char **topics, int option)
{
    int64_t number = 0;

    switch (option) {
    case 'p':
        if (!read_number("port", UINT16_MAX, &number)) {
            return false;
        }
        options->port = (uint16_t)number;
        return true;
    case 'n':
        if (!read_number("partitions", PARTITIONS_MAX, &number)) {
            return false;
        }
        options->partitions = (int)number;
        return true;
    case 't':
        if (options->topic_count == TOPICS_MAX) {
            fprintf(stderr, "atlas dev-broker: --topic: at most %d\n", TOPICS_MAX);
            return false;
        }
        topics[options->topic_count++] = optarg;
        return true;
    default:
        return false; /* getopt has said what is wrong */
    }
}

int cli_dev_broker(int argc, char **argv)
{
    const char *topics[TOPICS_MAX];
    struct dev_broker_options options = {.port = 9092, .topics = topics};
    struct error error;

    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (!take(&options, topics, option)) {
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "atlas dev-broker: \"%s\" is no option\n", argv[optind]);
        return EXIT_USAGE;
    }
    log_set_process("dev-broker");
    if (dev_broker_run(&options, &error) != ATLAS_OK) {
        fprintf(stderr, "atlas dev-broker: %s\n", error.text);
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}
