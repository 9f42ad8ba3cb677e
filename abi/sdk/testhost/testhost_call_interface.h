/* What a plugin does with its call. */
#ifndef TESTHOST_CALL_INTERFACE_H
#define TESTHOST_CALL_INTERFACE_H

#include "testhost_state.h"

struct atlas_call_interface const *call_interface(void);

#endif
