/* Finds definitions for reflection, in the descriptors of all generations of a route table and of
 * the host's own services. */
#ifndef INBOUND_GRPC_REFLECTION_INDEX_H
#define INBOUND_GRPC_REFLECTION_INDEX_H

#include "base/descriptors.h"

struct route_table;

/* A file, and the set that it and its dependencies are in. */
struct reflection_file {
    const struct descriptor_set *set;
    const struct file_descriptor *file; /* NULL: there is none */
};

/* By the path of a file, or by the full name of what it defines. The result lives as long as the
 * table. On the loop; does not wait. */
struct reflection_file reflection_file_by_name(const struct route_table *table, const char *name);
struct reflection_file reflection_file_by_symbol(const struct route_table *table,
                                                 const char *symbol);

/* The file that extends a message by a field of that number at file level. */
struct reflection_file reflection_file_by_extension(const struct route_table *table,
                                                    const char *message, uint32_t number);

/* Calls found for every field number that extends a message at file level; numbers may come twice.
 * False if nobody knows the message. */
bool reflection_each_extension(const struct route_table *table, const char *message,
                               void (*found)(void *arg, uint32_t number), void *arg);

#endif
