/* "atlas.metrics/1": the metrics that plugins declare, one cell per metric and loop. */
#ifndef SERVICES_PLUGIN_METRICS_H
#define SERVICES_PLUGIN_METRICS_H

#include "runtime/module.h"

/* The module; it keeps nothing but what it attaches to generations. A metric whose name is not
 * "<plugin id>_..." of [a-z0-9_], or that another plugin declares with another kind, refuses the
 * load. */
extern const struct module plugin_metrics_module;

#endif
