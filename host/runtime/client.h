/* "atlas.client/1": calls to services by name, here or elsewhere. */
#ifndef RUNTIME_CLIENT_H
#define RUNTIME_CLIENT_H

#include "runtime/module.h"

/* The module of the interface; nothing is kept per generation. */
extern const struct module client_module;

#endif
