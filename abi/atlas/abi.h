/*
 * The version of the Atlas plugin ABI and the rules it is kept by.
 *
 * Rules
 *  1. Headers in this folder include only <stdint.h>, <stddef.h> and <stdbool.h> (and <stdarg.h>,
 *     <stdio.h>, <string.h> in the inline helpers of atlas/sdk.h, which no table mentions).
 *  2. A struct that starts with its own size grows, at its end only. Its members fill it without
 *     padding at the end, so that a new one never lies where an older side left bytes undefined.
 *     The side that reads a member first asks ATLAS_HAS whether the other side knew it; a plugin
 *     that sets a member which its host does not know is refused.
 *  3. An array of such structs in a plugin's table has elements of one size, and that size is what
 *     it is stepped through by, never the reader's sizeof. The host copies what a plugin declares
 *     into structs of its own once, at load (host/runtime/loader/plugin_table.h). Where the host
 *     gives a plugin several such structs, it gives pointers to them.
 *  4. A struct without a size is frozen: it never changes. What needs more is a new struct, in a
 *     new function at the end of a table. struct atlas_call is neither: the host makes it, and may
 *     append to it.
 *  5. What the host offers is a table of functions named by an id with a revision, for example
 *     "atlas.postgres/1". A released revision keeps its meaning for ever.
 *  6. No type of a library (libevent, nghttp2, protobuf-c, libpq, hiredis, librdkafka) appears
 *     here.
 *  7. A plugin exports one symbol, atlas_plugin_v1, and calls the host only through tables.
 *
 * Words used in the comments
 *  [call]     may be called from a handler, a task, a background fiber or a lifecycle function
 *             that got a struct atlas_call; only on the fiber that owns that call.
 *  [waits]    may suspend the fiber; other calls run on the same loop meanwhile.
 *  [control]  called by the host on its control thread; must not wait.
 *  copied     the callee takes a copy before it returns.
 *  borrowed   the callee or caller may use the pointer until the time that is named.
 */
#ifndef ATLAS_ABI_H
#define ATLAS_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new major is a new entry symbol; a new minor only adds. */
#define ATLAS_ABI_MAJOR 1
#define ATLAS_ABI_MINOR 0

#ifdef __cplusplus
#define ATLAS_EXTERN_C       extern "C"
#define ATLAS_EXTERN_C_BEGIN extern "C" {
#define ATLAS_EXTERN_C_END   }
#else
#define ATLAS_EXTERN_C extern
#define ATLAS_EXTERN_C_BEGIN
#define ATLAS_EXTERN_C_END
#endif

#define ATLAS_EXPORT __attribute__((visibility("default")))

/* True if the struct that p points to was built by someone who knew the member. */
#define ATLAS_HAS(p, member)                                                                       \
    ((p) != NULL && (p)->size >= offsetof(__typeof__(*(p)), member) + sizeof((p)->member))

/* Bytes with a length. Never owns; says nothing about a terminating NUL. Frozen. */
struct atlas_bytes {
    const void *data;
    size_t len;
};

/*
 * Names a thing that the host keeps: a lease, a stream. It holds a slot and a generation, so a
 * handle that outlived its thing is answered with ATLAS_FAILED_PRECONDITION and is never a use
 * after free. Zero is no handle. Frozen.
 */
struct atlas_handle {
    uint64_t value;
};

#endif
