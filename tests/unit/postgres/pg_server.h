/* A private PostgreSQL for a test: a folder under /tmp, a free port, a process of its own. */
#ifndef PG_SERVER_H
#define PG_SERVER_H

#include <stdbool.h>

/* Makes a cluster and starts it; ends the test with code 77 (skipped) and the reason if PostgreSQL
 * is not installed. */
void pg_server_create(void);
void pg_server_destroy(void);

/* Starts it on the same port and waits until it accepts connections. */
void pg_server_start(void);

/* Ends it at once, as a crash would (SIGQUIT), and waits for it. */
void pg_server_kill(void);

/* Sends a signal to every process that serves a role: SIGSTOP makes a server that hangs. */
void pg_server_signal(const char *role, int signal);

int pg_server_port(void);

/* Runs SQL as the administrator of a database; prints and counts a failure. */
bool pg_server_run(const char *dbname, const char *sql);

/* The first column of the first row as a number; -1 after a failure. */
long long pg_server_number(const char *dbname, const char *sql);

#endif
