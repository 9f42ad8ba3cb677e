/* The text of a manifest: read, or refused with at least one finding. */
#include "fuzz.h"

#include "base/report.h"
#include "runtime/loader/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct report report;

    report_init(&report);
    struct manifest *manifest = manifest_parse(text, size, "fuzz.so", &report);
    MUST((manifest == NULL) == (report.count > 0));
    manifest_destroy(manifest);
    report_finish(&report);
    free(text);
    return 0;
}
