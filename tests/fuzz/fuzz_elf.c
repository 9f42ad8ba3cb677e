/* A file that claims to be a plugin: everything that is asked of it before it is loaded. */
#include "fuzz.h"

#include "base/error.h"
#include "base/report.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/elf_lint.h"
#include "runtime/loader/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_image *image = NULL;
    struct error error = {0};
    struct report report;

    if (elf_image_parse("fuzz.so", data, size, &image, &error) != ATLAS_OK) {
        MUST(error.text[0] != '\0');
        return 0;
    }
    report_init(&report);
    elf_lint(image, "fuzz.so", &report);
    manifest_destroy(manifest_read(image, "fuzz.so", &report));
    report_finish(&report);
    elf_image_destroy(image);
    return 0;
}
