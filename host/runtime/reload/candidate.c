#include "runtime/reload/candidate.h"

#include <stdio.h>
#include <string.h>

#include "base/config/config.h"
#include "runtime/interfaces.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/elf_lint.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/plugin_config.h"
#include "runtime/loader/plugin_library.h"

static bool digest_content(struct candidate *candidate, struct report *report)
{
    const struct digest_part parts[] = {
        {candidate->image->digest, DIGEST_SIZE},
        {plugin_config_digest(candidate->config), DIGEST_SIZE},
        {candidate->plugin->postgres_user, strlen(candidate->plugin->postgres_user)},
    };
    struct error error;
    if (digest_sha256(parts, sizeof parts / sizeof parts[0], candidate->content, &error) !=
        ATLAS_OK) {
        report_add(report, "%s: %s", candidate->plugin->path, error.text);
        return false;
    }
    return true;
}

/* What findings start with: plugin and file. Borrowed from the candidate. */
static const char *name_candidate(struct candidate *candidate)
{
    snprintf(candidate->label, sizeof candidate->label, "plugin %s: %s", candidate->plugin->id,
             candidate->plugin->path);
    return candidate->label;
}

static bool check_manifest(struct candidate *candidate, struct report *report)
{
    const struct config_plugin *plugin = candidate->plugin;
    size_t before = report->count;
    plugin_library_accepts(candidate->manifest, candidate->label, interface_ids, interface_id_count,
                           report);
    manifest_check_descriptors(candidate->manifest, candidate->label, report);
    if (strcmp(candidate->manifest->id, plugin->id) != 0) {
        report_add(
            report,
            "%s: holds the plugin \"%s\", but the configuration calls it \"%s\"; correct the "
            "path or the name under plugins",
            candidate->label, candidate->manifest->id, plugin->id);
    }
    return report->count == before;
}

bool candidate_read(const struct config_plugin *plugin, struct report *report,
                    struct candidate *ret_candidate)
{
    struct error error;
    *ret_candidate = (struct candidate){.plugin = plugin};
    if (elf_image_read(plugin->path, &ret_candidate->image, &error) != ATLAS_OK) {
        report_add(report, "plugin %s: %s", plugin->id, error.text);
        return false;
    }
    size_t before = report->count;
    const char *label = name_candidate(ret_candidate);
    elf_lint(ret_candidate->image, label, report);
    ret_candidate->manifest = manifest_read(ret_candidate->image, label, report);
    if (ret_candidate->manifest == NULL || !check_manifest(ret_candidate, report) ||
        report->count != before) {
        return false;
    }
    struct arena arena;
    arena_init(&arena, NULL, 4096);
    const char *place = config_tree_place(&arena, plugin->node);
    ret_candidate->config = plugin_config_create(ret_candidate->manifest, plugin->config,
                                                 place != NULL ? place : "", report);
    arena_finish(&arena);
    return ret_candidate->config != NULL && digest_content(ret_candidate, report);
}

void candidate_finish(struct candidate *candidate)
{
    plugin_config_destroy(candidate->config);
    manifest_destroy(candidate->manifest);
    elf_image_destroy(candidate->image);
    *candidate = (struct candidate){.plugin = NULL};
}
