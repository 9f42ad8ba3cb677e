/* Each rule is one function or one line of a table. */
#include "runtime/loader/elf_lint.h"

#include "atlas/plugin.h"
#include "base/report.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/elf_scope.h"

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

#define OF_THE_HOST                                                                                \
    "connections, threads, processes and signals are the host's; use the interfaces of "           \
    "atlas/host.h"
#define AT_THREAD_END                                                                              \
    "it would run at the end of a thread, when the plugin is long unloaded; keep what belongs to " \
    "a loop in loop_create"

/* Functions of libc, and why not. */
static const struct {
    const char *name;
    const char *why;
} refused_calls[] = {
    {"socket", OF_THE_HOST},
    {"connect", OF_THE_HOST},
    {"bind", OF_THE_HOST},
    {"listen", OF_THE_HOST},
    {"accept", OF_THE_HOST},
    {"accept4", OF_THE_HOST},
    {"getaddrinfo", OF_THE_HOST},
    {"sigaction", OF_THE_HOST},
    {"signal", OF_THE_HOST},
    {"fork", OF_THE_HOST},
    {"vfork", OF_THE_HOST},
    {"clone", OF_THE_HOST},
    {"posix_spawn", OF_THE_HOST},
    {"posix_spawnp", OF_THE_HOST},
    {"popen", OF_THE_HOST},
    {"system", OF_THE_HOST},
    {"exit", OF_THE_HOST},
    {"_exit", OF_THE_HOST},
    {"_Exit", OF_THE_HOST},
    {"quick_exit", OF_THE_HOST},
    {"pthread_create", OF_THE_HOST},
    {"thrd_create", OF_THE_HOST},
    {"pthread_atfork", OF_THE_HOST},
    {"syscall", OF_THE_HOST},
    {"pthread_key_create", AT_THREAD_END},
    {"tss_create", AT_THREAD_END},
    {"__cxa_thread_atexit", AT_THREAD_END},
    {"__cxa_thread_atexit_impl", AT_THREAD_END},
};

/* Findings of symbols that nothing brings: more would only repeat the first ones. */
#define MISSING_MAX 8

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

/* Why a function must not be called; NULL: it may. */
static const char *find_refusal(const char *name)
{
    if (has_prefix(name, refused_functions,
                   sizeof refused_functions / sizeof refused_functions[0])) {
        return OF_THE_HOST;
    }
    for (size_t i = 0; i < sizeof refused_calls / sizeof refused_calls[0]; i++) {
        if (strcmp(name, refused_calls[i].name) == 0) {
            return refused_calls[i].why;
        }
    }
    return NULL;
}

/* Reports a symbol that neither the plugin nor its libraries have. */
static bool lint_missing(const struct elf_scope *scope, const char *name, const char *path,
                         struct report *report)
{
    const char *library = NULL;

    if (elf_scope_has(scope, name, &library)) {
        return false;
    }
    if (library != NULL) {
        report_add(report,
                   "%s: uses %s, which only %s of this host has, by chance: link the plugin with "
                   "what has it (LIBS of atlas_add_plugin)",
                   path, name, library);
    } else {
        report_add(report,
                   "%s: uses %s, which nothing has: compile it into the plugin or link it "
                   "statically (SOURCES or LIBS of atlas_add_plugin)",
                   path, name);
    }
    return true;
}

static void lint_undefined(const struct elf_image *image, const char *path, struct report *report)
{
    struct elf_scope scope;
    unsigned missing = 0;
    const char *name = NULL;
    Elf64_Sym symbol;

    elf_scope_open(image, &scope);
    for (uint64_t i = 1; elf_image_symbol(image, i, &symbol, &name); i++) {
        if (symbol.st_shndx != SHN_UNDEF) {
            continue;
        }
        const char *why = find_refusal(name);
        if (why != NULL) {
            report_add(report, "%s: calls %s: %s", path, name, why);
        } else if (ELF64_ST_BIND(symbol.st_info) != STB_WEAK && missing < MISSING_MAX) {
            missing += lint_missing(&scope, name, path, report);
        }
    }
    elf_scope_close(&scope);
}

static bool has_entry(const struct elf_image *image)
{
    const char *name = NULL;
    Elf64_Sym symbol;

    for (uint64_t i = 1; elf_image_symbol(image, i, &symbol, &name); i++) {
        if (symbol.st_shndx != SHN_UNDEF && strcmp(name, ATLAS_PLUGIN_ENTRY) == 0) {
            return true;
        }
    }
    return false;
}

static void lint_defined(const struct elf_image *image, const char *path, struct report *report)
{
    const char *name = NULL;
    Elf64_Sym symbol;

    for (uint64_t i = 1; elf_image_symbol(image, i, &symbol, &name); i++) {
        unsigned binding = ELF64_ST_BIND(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF || strcmp(name, ATLAS_PLUGIN_ENTRY) == 0) {
            continue;
        }
        if (binding == STB_GNU_UNIQUE) {
            report_add(report,
                       "%s: has the unique symbol %s, which all copies would share: compile with "
                       "-fno-gnu-unique",
                       path, name);
        } else if (binding != STB_LOCAL && symbol.st_shndx != SHN_ABS) {
            report_add(report,
                       "%s: exports %s: only " ATLAS_PLUGIN_ENTRY
                       " may be seen from outside; " TEMPLATE_REMEDY,
                       path, name);
        }
    }
}

void elf_lint(const struct elf_image *image, const char *path, struct report *report)
{
    if (!has_entry(image)) { /* whatever else it is, it was not meant as a plugin */
        report_add(report,
                   "%s: does not export " ATLAS_PLUGIN_ENTRY
                   ": add ATLAS_PLUGIN_DEFINE(plugin) of atlas/sdk.h and " TEMPLATE_REMEDY,
                   path);
        return;
    }
    lint_dynamic(image, path, report);
    lint_needed(image, path, report);
    lint_segments(image, path, report);
    lint_defined(image, path, report);
    lint_undefined(image, path, report);
}
