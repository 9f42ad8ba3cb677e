/*
 * atlas check: everything that is wrong with a configuration and its plugins, without serving. Each
 * plugin is loaded from a copy, as by run, and asked to look at its configuration; nothing
 * connects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/report.h"
#include "cli/cli.h"
#include "cli/config_arguments.h"
#include "inbound/kafka/kafka_identity.h"
#include "rest_check.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/placement_check.h"
#include "runtime/loader/plugin_config.h"
#include "runtime/loader/plugin_library.h"
#include "runtime/loader/staged_file.h"
#include "runtime/reload/background.h"
#include "runtime/reload/candidate.h"

#define CHECK_TEXT_SIZE 256

struct check {
    const struct config *config;
    struct report *report;
    const char *folder; /* for copies of the plugins, removed at the end: run_dir or temporary */
    char temporary[64];
    bool is_folder_ours; /* nobody had made it before */
    struct candidate *candidates;
};

/* Who checks may be another user than the one who runs. */
static bool make_temporary_folder(struct check *check, const struct error *why)
{
    struct error error;

    snprintf(check->temporary, sizeof check->temporary, "/tmp/atlas-check-XXXXXX");
    if (mkdtemp(check->temporary) == NULL) {
        report_add(check->report, "%s: cannot be made: make room in /tmp", check->temporary);
        return false;
    }
    check->folder = check->temporary;
    check->is_folder_ours = true;
    if (staged_folder_make(check->folder, &error) != ATLAS_OK) {
        report_add(check->report,
                   "atlas check: no place for copies of the plugins (%s; %s): run it as the user "
                   "of the host",
                   why->text, error.text);
        rmdir(check->folder);
        return false;
    }
    return true;
}

static bool make_folder(struct check *check)
{
    const char *run_dir = check->config->run_dir;
    struct error error;

    check->folder = run_dir;
    check->is_folder_ours = access(run_dir, F_OK) != 0;
    if (staged_folder_make(run_dir, &error) == ATLAS_OK) {
        return true;
    }
    if (staged_folder_check(run_dir, &error) != ATLAS_OK) {
        report_add(check->report, "configuration: run_dir: %s", error.text); /* run would fail */
    }
    return make_temporary_folder(check, &error);
}

static void remove_folder(struct check *check)
{
    staged_folder_close(check->folder);
    if (check->is_folder_ours) {
        rmdir(check->folder);
    }
}

/* The plugin's own check of its configuration. */
static void ask_plugin(const struct check *check, const struct candidate *candidate,
                       const struct atlas_plugin *table)
{
    char text[CHECK_TEXT_SIZE] = "";

    if (table->check == NULL) {
        return;
    }

    atlas_status_t status =
        table->check(plugin_config_public(candidate->config), text, sizeof text);
    text[sizeof text - 1] = '\0';
    if (status != ATLAS_OK) {
        report_add(check->report, "%s: refuses its configuration: %s", candidate->label,
                   text[0] != '\0' ? text : "it gives no reason");
    }
}

/* Only Kafka's brokers have no default: without them the host has no such interface. */
static void check_servers(const struct check *check, const struct candidate *candidate)
{
    const struct manifest_names *required = &candidate->manifest->required;

    for (size_t i = 0; i < required->count && check->config->kafka.brokers[0] == '\0'; i++) {
        if (strcmp(required->items[i], ATLAS_KAFKA) == 0) {
            report_add(check->report,
                       "%s: requires " ATLAS_KAFKA ", but the configuration names no brokers: set "
                       "kafka.brokers",
                       candidate->label);
        }
    }
}

static void load(const struct check *check, const struct candidate *candidate)
{
    struct plugin_library *library = NULL;
    struct error error;
    char *path = NULL;

    atlas_status_t status =
        staged_file_write(candidate->image, check->folder, candidate->plugin->id, 1, &path, &error);
    if (status == ATLAS_OK) {
        status = plugin_library_open(path, candidate->label, candidate->manifest, &library, &error);
    }
    if (status == ATLAS_OK) {
        const struct atlas_plugin *table = plugin_library_table(library);
        status = background_check(table, candidate->manifest, &error);
        if (status == ATLAS_OK) {
            status = kafka_identity_check(candidate->plugin->id, table,
                                          plugin_config_public(candidate->config), &error);
        }
        if (status != ATLAS_OK) {
            error_prefix(&error, "%s", candidate->label);
        }
        ask_plugin(check, candidate, table);
    }
    if (status != ATLAS_OK) {
        report_add(check->report, "%s", error.text);
    }
    plugin_library_close(library);
    staged_file_remove(path);
}

static void check_plugins(struct check *check)
{
    const struct config *config = check->config;
    const struct manifest **manifests = calloc(config->plugin_count + 1, sizeof(void *));

    check->candidates = calloc(config->plugin_count + 1, sizeof *check->candidates);
    if (check->candidates == NULL || manifests == NULL || !make_folder(check)) {
        report_add(check->report, "atlas check: cannot look at the plugins");
        free(manifests);
        free(check->candidates);
        return;
    }
    for (size_t i = 0; i < config->plugin_count; i++) {
        struct candidate *candidate = &check->candidates[i];
        if (candidate_read(&config->plugins[i], check->report, candidate)) {
            check_servers(check, candidate);
            load(check, candidate);
        }
        manifests[i] = candidate->manifest;
    }
    placement_check(config, manifests, check->report);
    if (check->report->count == 0) { /* what is wrong above would be told twice */
        rest_check(config, manifests, check->report);
    }
    for (size_t i = 0; i < config->plugin_count; i++) {
        candidate_finish(&check->candidates[i]);
    }
    remove_folder(check);
    free(manifests);
    free(check->candidates);
}

static int print_result(const struct report *report, const struct config *config,
                        const struct config_arguments *arguments)
{
    if (report->count == 0) {
        printf("%s is good: %zu processes, %zu plugins, %zu listeners\n", arguments->files[0],
               config->process_count, config->plugin_count, config->listener_count);
        return EXIT_DONE;
    }
    config_arguments_print(report);
    fprintf(stderr, "%zu %s wrong\n", report->count,
            report->count == 1 ? "thing is" : "things are");
    return EXIT_REFUSED;
}

int cli_check(int argc, char **argv)
{
    struct config_arguments *arguments = calloc(1, sizeof *arguments);
    struct report report;

    if (arguments == NULL || !config_arguments_read(argc, argv, arguments)) {
        free(arguments);
        return EXIT_USAGE;
    }
    report_init(&report);
    struct config *config = config_load(&arguments->source, &report);
    if (config != NULL) {
        struct check check = {.config = config, .report = &report};
        config_arguments_process(arguments, config, &report);
        check_plugins(&check);
    }

    int code = print_result(&report, config, arguments);
    config_release(config);
    report_finish(&report);
    free(arguments);
    return code;
}
