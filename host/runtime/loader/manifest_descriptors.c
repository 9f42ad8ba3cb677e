/* The two notes of a plugin against each other: what it says it serves, and what describes it. */
#include "runtime/loader/manifest.h"

#include "base/descriptors.h"
#include "base/report.h"

void manifest_check_descriptors(const struct manifest *manifest, const char *path,
                                struct report *report)
{
    struct descriptor_set *set = NULL;
    struct error error;

    if (manifest->descriptors == NULL) {
        return; /* served by gRPC alone, without reflection */
    }
    if (descriptors_create((struct atlas_bytes){manifest->descriptors, manifest->descriptors_len},
                           &set, &error) != ATLAS_OK) {
        report_add(report,
                   "%s: its descriptors cannot be used (%s): mend its .proto, and build it with "
                   "atlas_add_plugin",
                   path, error.text);
        return;
    }
    for (size_t i = 0; i < manifest->services.count; i++) {
        if (descriptors_service(set, manifest->services.items[i]) == NULL) {
            report_add(report,
                       "%s: serves %s, which its descriptors do not describe: name the service as "
                       "its .proto does, and the .proto in PROTOS of atlas_add_plugin",
                       path, manifest->services.items[i]);
        }
    }
    descriptors_destroy(set);
}
