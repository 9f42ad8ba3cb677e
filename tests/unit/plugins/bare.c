/*
 * A plugin in its barest form, by the ABI headers alone, and what may be wrong with one: each macro
 * adds one defect. Built once per defect by tests/unit/plugins/CMakeLists.txt.
 */
#include "atlas/manifest.h"
#include "atlas/plugin.h"

#ifdef WITH_ABI
#undef ATLAS_ABI_MAJOR
#define ATLAS_ABI_MAJOR WITH_ABI
#endif

#ifndef MANIFEST_LINES
#define MANIFEST_LINES "service atlas.test.v1.Bare\n"
#endif

#ifndef NO_MANIFEST
ATLAS_PLUGIN_MANIFEST("bare", "1.2.3", MANIFEST_LINES);
#endif

#ifdef WITH_TLS
static __thread int counter __attribute__((tls_model("initial-exec")));
#endif

#ifdef WITH_UNIQUE
/* What C++ makes of an inline function's static. */
__asm__(".data\n.globl bare_unique\n.type bare_unique, @gnu_unique_object\n.size bare_unique, 4\n"
        "bare_unique: .long 0\n.text\n");
#endif

#ifdef WITH_TEXTREL
__asm__(".text\nbare_text: .quad bare_text\n");
#endif

#ifdef WITH_EXPORT
ATLAS_EXPORT int bare_extra(void);
int bare_extra(void)
{
    return 1;
}
#endif

#ifdef WITH_SOCKET
int socket(int domain, int type, int protocol);
#endif

/* A function that takes nothing and is nowhere, or in a library that the plugin does not name. */
#ifdef WITH_CALL
int WITH_CALL(void);
#endif

static atlas_status_t handle(struct atlas_call *call)
{
    (void)call;
#ifdef WITH_TLS
    counter++;
#endif
#ifdef WITH_CALL
    return WITH_CALL();
#elif defined(WITH_SOCKET)
    return socket(1, 1, 0);
#else
    return ATLAS_OK;
#endif
}

static const struct atlas_method methods[] = {
    {.size = sizeof(struct atlas_method), .name = "Do", .handle = handle},
};

static const struct atlas_service service = {
    .size = sizeof service, .method_count = 1, .name = "atlas.test.v1.Bare", .methods = methods};

static const struct atlas_service *const services[] = {&service};

#ifndef TABLE_SIZE
#define TABLE_SIZE sizeof(struct table)
#endif
#ifndef TABLE_TAIL
#define TABLE_TAIL 0
#endif

/* A table as a later ABI would have it: one more member. */
struct table {
    struct atlas_plugin known;
    uint64_t tail;
};

static const struct table table = {
    .known = {.size = TABLE_SIZE, .services = services, .service_count = 1},
    .tail = TABLE_TAIL,
};

#ifndef NO_ENTRY
ATLAS_EXPORT atlas_plugin_v1_fn atlas_plugin_v1;
const struct atlas_plugin *atlas_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
#ifdef NO_TABLE
    return NULL;
#else
    return &table.known;
#endif
}
#else
const struct table *bare_table(void);
const struct table *bare_table(void)
{
    return &table;
}
#endif
