/* The interfaces of this host: their ids, and the table that one instance gets. */
#ifndef RUNTIME_INTERFACES_H
#define RUNTIME_INTERFACES_H

#include "atlas/host.h"
#include "base/error.h"

struct manifest;
struct runtime;

/* Every id that this host knows, whether or not this process has the module. */
extern const char *const interface_ids[];
extern const size_t interface_id_count;

/* Fills the table with what the manifest asks for and the runtime has. FAILED_PRECONDITION if
 * something required is not there. */
atlas_status_t interfaces_grant(const struct runtime *runtime, const struct manifest *manifest,
                                struct atlas_interfaces *ret_interfaces, struct error *error);

#endif
