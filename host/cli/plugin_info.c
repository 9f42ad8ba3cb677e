/* atlas plugin info: what a plugin's file says of itself, without running it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/descriptors.h"
#include "base/report.h"
#include "cli/cli.h"
#include "cli/config_arguments.h"
#include "runtime/interfaces.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/elf_lint.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/plugin_library.h"

static void print_names(const char *title, const struct manifest_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        printf("%-10s %s\n", i == 0 ? title : "", names->items[i]);
    }
}

static void print_bound(const struct manifest_key *key, const char *name, bool is_min)
{
    enum units_kind kind = key->type == MANIFEST_DURATION ? UNITS_DURATION_MS
                           : key->type == MANIFEST_BYTES  ? UNITS_BYTES
                                                          : UNITS_PLAIN;
    int64_t bound = is_min ? key->bounds.min : key->bounds.max;
    char text[UNITS_TEXT_SIZE];

    if (key->type == MANIFEST_NUMBER) {
        double number = is_min ? key->number_min : key->number_max;
        if (number > -1e300 && number < 1e300) {
            printf(", %s %g", name, number);
        }
    } else if (bound != INT64_MIN && bound != INT64_MAX && (bound != 0 || kind == UNITS_PLAIN)) {
        printf(", %s %s", name, units_format(kind, bound, text));
    }
}

static void print_key(const struct manifest_key *key, const char *title)
{
    printf("%-10s %s: %s", title, key->key, manifest_type_name(key->type));
    if (key->fallback == NULL) {
        printf(", must be given");
    } else {
        printf(", default \"%s\"", key->fallback);
    }
    if (key->type != MANIFEST_STRING && key->type != MANIFEST_BOOLEAN) {
        print_bound(key, "min", true);
        print_bound(key, "max", false);
    }
    putchar('\n');
}

/* Names of types have a dot in front in descriptors. */
static const char *plain(const char *type_name)
{
    return type_name[0] == '.' ? type_name + 1 : type_name;
}

static void print_method(const struct method_descriptor *method)
{
    printf("           rpc %s(%s%s) returns (%s%s)\n", method->name,
           method->is_client_streaming ? "stream " : "", plain(method->input_name),
           method->is_server_streaming ? "stream " : "", plain(method->output_name));
    for (size_t i = 0; i < method->rule_count; i++) {
        printf("             %s %s\n", method->rules[i].method, method->rules[i].path);
    }
}

static void print_methods(const struct manifest *manifest)
{
    struct descriptor_set *set = NULL;

    if (manifest->descriptors == NULL && manifest->services.count > 0) {
        printf("%-10s not described: no REST and no reflection (PROTOS of atlas_add_plugin)\n",
               "methods");
    }
    if (manifest->descriptors == NULL ||
        descriptors_create((struct atlas_bytes){manifest->descriptors, manifest->descriptors_len},
                           &set, NULL) != ATLAS_OK) {
        return; /* manifest_check_descriptors says why */
    }
    for (size_t i = 0; i < manifest->services.count; i++) {
        const struct service_descriptor *service =
            descriptors_service(set, manifest->services.items[i]);
        printf("%-10s %s\n", "methods", manifest->services.items[i]);
        for (size_t j = 0; service != NULL && j < service->method_count; j++) {
            print_method(&service->methods[j]);
        }
    }
    descriptors_destroy(set);
}

static void print_libraries(const struct elf_image *image)
{
    const char *title = "libraries";
    Elf64_Dyn entry;

    for (size_t i = 0; elf_image_dynamic(image, i, &entry); i++) {
        if (entry.d_tag == DT_NEEDED) {
            printf("%-10s %s\n", title, elf_image_string(image, entry.d_un.d_val));
            title = "";
        }
    }
}

static void print_manifest(const struct elf_image *image, const struct manifest *manifest)
{
    char digest[DIGEST_TEXT_SIZE];

    printf("%-10s %s %s\n", "plugin", manifest->id, manifest->version);
    printf("%-10s %u.%u (this host: %d.%d)\n", "abi", manifest->abi_major, manifest->abi_minor,
           ATLAS_ABI_MAJOR, ATLAS_ABI_MINOR);
    printf("%-10s %" PRIu64 " bytes, sha256 %s\n", "file", image->size,
           digest_format(image->digest, digest));
    print_libraries(image);
    print_names("requires", &manifest->required);
    print_names("optional", &manifest->optional);
    print_names("serves", &manifest->services);
    print_names("calls", &manifest->calls);
    for (size_t i = 0; i < manifest->key_count; i++) {
        print_key(&manifest->keys[i], i == 0 ? "config" : "");
    }
    print_methods(manifest);
}

static int show(const char *path)
{
    struct elf_image *image = NULL;
    struct report report;
    struct error error;

    if (elf_image_read(path, &image, &error) != ATLAS_OK) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_REFUSED;
    }
    report_init(&report);
    elf_lint(image, path, &report);
    struct manifest *manifest = manifest_read(image, path, &report);
    if (manifest != NULL) {
        plugin_library_accepts(manifest, path, interface_ids, interface_id_count, &report);
        manifest_check_descriptors(manifest, path, &report);
        print_manifest(image, manifest);
    }
    fflush(stdout);
    config_arguments_print(&report);

    int code = report.count == 0 ? EXIT_DONE : EXIT_REFUSED;
    manifest_destroy(manifest);
    elf_image_destroy(image);
    report_finish(&report);
    return code;
}

int cli_plugin(int argc, char **argv)
{
    if (argc != 3 || strcmp(argv[1], "info") != 0) {
        fprintf(stderr, "atlas plugin: write atlas plugin info FILE.so\n");
        return EXIT_USAGE;
    }
    return show(argv[2]);
}
