#include "runtime/reload/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/config/config.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/placement_check.h"

static void plan_plugin(struct plan *plan, const struct config_plugin *plugin,
                        const struct generation_list *active, struct report *report)
{
    struct candidate *candidate = &plan->candidates[plan->candidate_count];
    struct generation *running = list_find(active, plugin->id);
    if (!candidate_read(plugin, report, candidate)) {
        candidate_finish(candidate);
        return;
    }
    if (running != NULL &&
        memcmp(running->content, candidate->content, sizeof running->content) == 0) {
        list_add(&plan->kept, running);
        candidate_finish(candidate);
        return;
    }
    plan->candidate_count++;
}

/* What a plugin of this process says of itself; NULL if it was refused, or is none of them. */
static const struct manifest *find_manifest(const struct plan *plan, const char *id)
{
    const struct generation *kept = list_find(&plan->kept, id);
    for (size_t i = 0; i < plan->candidate_count; i++) {
        if (strcmp(plan->candidates[i].plugin->id, id) == 0) {
            return plan->candidates[i].manifest;
        }
    }
    return kept != NULL ? kept->manifest : NULL;
}

/* The manifest of a plugin of other processes, if its file is here and good: it is their concern
 * to say what is wrong with it. */
static struct manifest *read_elsewhere(const struct config_plugin *plugin)
{
    struct elf_image *image;
    struct report unheard;
    if (elf_image_read(plugin->path, &image, NULL) != ATLAS_OK) {
        return NULL;
    }
    report_init(&unheard);
    struct manifest *manifest = manifest_read(image, plugin->path, &unheard);
    report_finish(&unheard);
    elf_image_destroy(image);
    return manifest;
}

/* What `atlas check` refuses of processes and listeners is refused here too. */
static void check_placement(const struct plan *plan, const struct config *config,
                            const struct config_process *process, struct report *report)
{
    size_t count = config->plugin_count;
    const struct manifest **manifests = calloc(count + 1, sizeof(const struct manifest *));
    struct manifest **elsewhere = calloc(count + 1, sizeof(struct manifest *));
    if (manifests == NULL || elsewhere == NULL) {
        report_add(report, "deployment: out of memory");
        count = 0;
    } else {
        for (size_t i = 0; i < count; i++) {
            const struct config_plugin *plugin = &config->plugins[i];
            bool is_here = config_texts_have(&process->plugins, plugin->id);
            elsewhere[i] = is_here ? NULL : read_elsewhere(plugin);
            manifests[i] = is_here ? find_manifest(plan, plugin->id) : elsewhere[i];
        }
        placement_check(config, manifests, report);
    }
    for (size_t i = 0; i < count; i++) {
        manifest_destroy(elsewhere[i]);
    }
    free(manifests);
    free(elsewhere);
}

void plan_make(struct plan *plan, const struct config *config, const char *name,
               const struct generation_list *active, struct report *report)
{
    const struct config_process *process = config_process(config, name);
    if (process == NULL) {
        report_add(report, "processes: there is no process \"%s\" in the configuration any more",
                   name);
        return;
    }
    for (size_t i = 0; i < process->plugins.count; i++) {
        plan_plugin(plan, config_plugin(config, process->plugins.items[i]), active, report);
    }
    check_placement(plan, config, process, report);
}

void plan_finish(struct plan *plan)
{
    for (size_t i = 0; i < plan->candidate_count; i++) {
        candidate_finish(&plan->candidates[i]);
    }
}
