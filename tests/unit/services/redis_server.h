/* A redis-server of the test's own, on a port of its own, without a disk. */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

/* Starts it and waits until it answers; password may be NULL. Skips the test (77) where there is no
 * redis-server. */
void redis_server_start(int port, const char *password);

/* Ends it: at once (SIGKILL), as a crash does. */
void redis_server_kill(void);

/* Lets it answer nothing, and again. */
void redis_server_freeze(void);
void redis_server_thaw(void);

#endif
