/* How the test host says that a test, or the plugin under it, uses it in a wrong way. */
#ifndef TESTHOST_MISUSE_H
#define TESTHOST_MISUSE_H

#include "atlas/sdk.h"

/* Ends the process with that message. */
_Noreturn void testhost_misuse(const char *format, ...) ATLAS_PRINTF(1, 2);

#endif
