/*
 * Whether processes, listeners and plugins of a deployment fit together, seen in the manifests
 * alone: what one plugin calls another must serve, and what a listener names somebody must have.
 */
#ifndef RUNTIME_LOADER_PLACEMENT_CHECK_H
#define RUNTIME_LOADER_PLACEMENT_CHECK_H

struct config;
struct manifest;
struct report;

/* manifests is parallel to config->plugins; NULL where one could not be read, which is reported
 * elsewhere and silences what cannot be known without it. Adds findings to the report. Any thread.
 */
void placement_check(const struct config *config, const struct manifest *const *manifests,
                     struct report *report);

#endif
