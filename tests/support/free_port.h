/* Ports for the servers that a test starts. */
#ifndef TESTS_SUPPORT_FREE_PORT_H
#define TESTS_SUPPORT_FREE_PORT_H

#include <stdint.h>

/*
 * A TCP port of the loopback that nobody has, from below the kernel's range for outgoing
 * connections. No other test or tool is given it before this process ends (tools/devtools/ports.py
 * does the same). Ends the process if there is none.
 */
uint16_t free_port(void);

#endif
