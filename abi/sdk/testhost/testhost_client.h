/* Calls to services: those that the plugin serves run its handler, the others are scripted. */
#ifndef TESTHOST_CLIENT_H
#define TESTHOST_CLIENT_H

#include "testhost_state.h"

/* The method that the plugin serves there, NULL if it does not. */
const struct atlas_method *find_method(struct testhost *host, const char *path);
/* Closes the streams that a call has left open. */
void client_close_streams(struct testhost *host, const struct test_call *owner);
struct atlas_client_interface const *client_interface(void);

#endif
