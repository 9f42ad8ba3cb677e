/* Each rule is one function or one line of a table. */
#include "runtime/loader/elf_lint.h"

#include "atlas/plugin.h"
#include "base/report.h"
#include "runtime/loader/elf_image.h"

#include <string.h>

#define TEMPLATE_REMEDY "build it with atlas_add_plugin"

struct flag_rule {
    int64_t tag; /* DT_FLAGS or DT_FLAGS_1; any other: the tag itself is refused */
    uint64_t bit;
    const char *text;
};

static const struct flag_rule flag_rules[] = {
    {DT_FLAGS, DF_STATIC_TLS,
     "uses static thread-local storage (STATIC_TLS): after some reloads none would be left; "
     "compile "
     "with -ftls-model=global-dynamic"},
    {DT_FLAGS, DF_TEXTREL, "has text relocations: compile with -fPIC"},
    {DT_TEXTREL, 0, "has text relocations: compile with -fPIC"},
    {DT_FLAGS_1, DF_1_NODELETE,
     "is marked NODELETE and could never be unloaded: link without -z nodelete"},
    {DT_RPATH, 0, "has an RPATH, which lets libraries in from elsewhere: link without -rpath"},
    {DT_RUNPATH, 0, "has a RUNPATH, which lets libraries in from elsewhere: link without -rpath"},
};

/* Libraries and functions of servers and networks: the host has them, plugins ask the host. */
static const char *const refused_libraries[] = {
    "libpq.",    "libhiredis", "librdkafka", "libnghttp2", "libevent", "libev.",
    "libuv",     "libcurl",    "libssl",     "libmysql",   "libmaria", "libsqlite",
    "libmongoc", "libgrpc",    "libjansson", "libconfig",
};
static const char *const refused_functions[] = {
    "PQ",        "redis",        "rd_kafka_", "nghttp2_", "event_",   "evhttp_",
    "evbuffer_", "bufferevent_", "curl_",     "SSL_",     "sqlite3_", "mysql_",
};
static const char *const refused_calls[] = {
    "socket",    "connect", "bind", "listen",         "accept",         "accept4", "getaddrinfo",
    "sigaction", "signal",  "fork", "pthread_create", "pthread_atfork", "syscall",
};

static void lint_dynamic(const struct elf_image *image, const char *path, struct report *report)
{
    Elf64_Dyn entry;

    for (size_t i = 0; elf_image_dynamic(image, i, &entry); i++) {
        for (size_t j = 0; j < sizeof flag_rules / sizeof flag_rules[0]; j++) {
            const struct flag_rule *rule = &flag_rules[j];
            if (entry.d_tag == rule->tag &&
                (rule->bit == 0 || (entry.d_un.d_val & rule->bit) != 0)) {
                report_add(report, "%s: %s", path, rule->text);
            }
        }
    }
}

static bool has_prefix(const char *text, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void lint_needed(const struct elf_image *image, const char *path, struct report *report)
{
    Elf64_Dyn entry;

    for (size_t i = 0; elf_image_dynamic(image, i, &entry); i++) {
        if (entry.d_tag != DT_NEEDED) {
            continue;
        }
        const char *name = elf_image_string(image, entry.d_un.d_val);
        if (has_prefix(name, refused_libraries,
                       sizeof refused_libraries / sizeof refused_libraries[0])) {
            report_add(
                report,
                "%s: needs %s: a plugin links no network or database library; use the host's "
                "interfaces (atlas/postgres.h, atlas/redis.h, atlas/kafka.h, atlas/client.h)",
                path, name);
        }
    }
}

static void lint_segments(const struct elf_image *image, const char *path, struct report *report)
{
    bool has_stack = false;
    Elf64_Phdr segment;

    for (size_t i = 0; elf_image_segment(image, i, &segment); i++) {
        if (segment.p_type == PT_GNU_STACK) {
            has_stack = (segment.p_flags & PF_X) == 0;
        } else if (segment.p_type == PT_LOAD &&
                   (segment.p_flags & (PF_W | PF_X)) == (PF_W | PF_X)) {
            report_add(report,
                       "%s: has memory that is both writable and executable: " TEMPLATE_REMEDY,
                       path);
        }
    }
    if (!has_stack) {
        report_add(report, "%s: asks for an executable stack: link with -z noexecstack", path);
    }
}

static void lint_undefined(const char *name, const char *path, struct report *report)
{
    bool is_refused =
        has_prefix(name, refused_functions, sizeof refused_functions / sizeof refused_functions[0]);

    for (size_t i = 0; i < sizeof refused_calls / sizeof refused_calls[0]; i++) {
        is_refused = is_refused || strcmp(name, refused_calls[i]) == 0;
    }
    if (is_refused) {
        report_add(
            report,
            "%s: calls %s: connections, threads and signals are the host's; use the interfaces "
            "of atlas/host.h",
            path, name);
    }
}

static void lint_symbols(const struct elf_image *image, const char *path, struct report *report)
{
    bool has_entry = false;
    const char *name = NULL;
    Elf64_Sym symbol;

    for (uint64_t i = 1; elf_image_symbol(image, i, &symbol, &name); i++) {
        unsigned binding = ELF64_ST_BIND(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF) {
            lint_undefined(name, path, report);
        } else if (binding == STB_GNU_UNIQUE) {
            report_add(report,
                       "%s: has the unique symbol %s, which all copies would share: compile with "
                       "-fno-gnu-unique",
                       path, name);
        } else if (strcmp(name, ATLAS_PLUGIN_ENTRY) == 0) {
            has_entry = true;
        } else if (binding != STB_LOCAL && symbol.st_shndx != SHN_ABS) {
            report_add(report,
                       "%s: exports %s: only " ATLAS_PLUGIN_ENTRY
                       " may be seen from outside; " TEMPLATE_REMEDY,
                       path, name);
        }
    }
    if (!has_entry) {
        report_add(report,
                   "%s: does not export " ATLAS_PLUGIN_ENTRY
                   ": add ATLAS_PLUGIN_DEFINE(plugin) of atlas/sdk.h and " TEMPLATE_REMEDY,
                   path);
    }
}

void elf_lint(const struct elf_image *image, const char *path, struct report *report)
{
    lint_dynamic(image, path, report);
    lint_needed(image, path, report);
    lint_segments(image, path, report);
    lint_symbols(image, path, report);
}
