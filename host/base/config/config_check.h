/* What single keys cannot show: names used twice, plugins and services that do not match, ports. */
#ifndef BASE_CONFIG_CHECK_H
#define BASE_CONFIG_CHECK_H

#include "base/config/config.h"

/* Adds what does not go together to the report. Every key by itself is already right. */
void config_check(const struct config_binding *binding, const struct config *config);

#endif
