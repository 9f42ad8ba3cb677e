/* "atlas.metrics/1": the metrics that a plugin declares, a cell per loop for each. */
#ifndef RUNTIME_PLUGIN_METRICS_H
#define RUNTIME_PLUGIN_METRICS_H

#include "runtime/module.h"

extern const struct module plugin_metrics_module;

#endif
