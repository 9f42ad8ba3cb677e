#include "runtime/reload/plan.h"

#include "base/config/config.h"

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

void plan_make(struct plan *plan, const struct config *config, const char *name,
               const struct generation_list *active, struct report *report)
{
    const struct config_process *process = config_process(config, name);
    if (process == NULL) {
        report_add(report, "processes: there is no process \"%s\" in the configuration any more",
                   name);
        return;
    }
    if (process->plugins.count > PLUGINS_MAX) {
        report_add(report, "processes: process \"%s\" has %zu plugins, at most %d can be loaded",
                   name, process->plugins.count, PLUGINS_MAX);
        return;
    }
    for (size_t i = 0; i < process->plugins.count; i++) {
        const struct config_plugin *plugin = config_plugin(config, process->plugins.items[i]);
        if (plugin == NULL) {
            report_add(report,
                       "processes: process \"%s\" names the plugin \"%s\", which is not "
                       "among plugins; add it there or remove it here",
                       name, process->plugins.items[i]);
            continue;
        }
        plan_plugin(plan, plugin, active, report);
    }
}

void plan_finish(struct plan *plan)
{
    for (size_t i = 0; i < plan->candidate_count; i++) {
        candidate_finish(&plan->candidates[i]);
    }
}
