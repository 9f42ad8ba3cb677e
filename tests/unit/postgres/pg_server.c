#include "pg_server.h"

#include <glob.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/free_port.h"

static char folder[] = "/tmp/atlas-test-postgres-XXXXXX";
static char programs[256];
static int port;
static pid_t server;

int pg_server_port(void)
{
    return port;
}

static void find_programs(void)
{
    glob_t found;
    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) != 0) {
        printf("skipped: there is no /usr/lib/postgresql/*/bin/initdb; install postgresql\n");
        exit(77);
    }
    snprintf(programs, sizeof programs, "%s", found.gl_pathv[found.gl_pathc - 1]);
    *strrchr(programs, '/') = '\0';
    globfree(&found);
}

/* PostgreSQL refuses to run as root. */
static void become_unprivileged(void)
{
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (user != NULL && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
        _exit(126);
    }
    if (chdir("/") != 0 || freopen("/dev/null", "r", stdin) == NULL) {
        _exit(126);
    }
}

static pid_t run(char *const arguments[])
{
    char log_path[300];
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    pid_t pid = fork();
    if (pid == 0) {
        become_unprivileged();
        FILE *log = freopen(log_path, "a", stdout);
        if (log != NULL) {
            dup2(fileno(log), 2);
            execv(arguments[0], arguments);
        }
        _exit(127);
    }
    return pid;
}

static void make_cluster(void)
{
    char program[300];
    char data[300];
    int status = 0;
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (mkdtemp(folder) == NULL ||
        (user != NULL && chown(folder, user->pw_uid, user->pw_gid) != 0)) {
        perror(folder);
        exit(EXIT_FAILURE);
    }
    snprintf(program, sizeof program, "%s/initdb", programs);
    snprintf(data, sizeof data, "%s/data", folder);
    char *arguments[] = {program, "-D",   data,       "-U",      "postgres",  "-A", "trust",
                         "-E",    "UTF8", "--locale", "C.UTF-8", "--no-sync", NULL};
    if (waitpid(run(arguments), &status, 0) < 0 || status != 0) {
        printf("initdb failed, see %s/log\n", folder);
        exit(EXIT_FAILURE);
    }
}

static PGconn *connect_to(const char *dbname)
{
    char text[200];
    snprintf(text, sizeof text, "hostaddr=127.0.0.1 port=%d dbname=%s user=postgres", port, dbname);
    return PQconnectdb(text);
}

void pg_server_start(void)
{
    char program[300];
    char data[300];
    char port_text[16];
    snprintf(program, sizeof program, "%s/postgres", programs);
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(port_text, sizeof port_text, "%d", port);
    char *arguments[] = {program,   "-D",
                         data,      "-p",
                         port_text, "-k",
                         folder,    "-F",
                         "-h",      "127.0.0.1",
                         "-c",      "max_connections=60",
                         "-c",      "shared_buffers=16MB",
                         NULL};
    server = run(arguments);
    for (int i = 0; i < 300; i++) {
        PGconn *connection = connect_to("postgres");
        bool is_there = PQstatus(connection) == CONNECTION_OK;
        PQfinish(connection);
        if (is_there) {
            return;
        }
        nanosleep(&(struct timespec){0, 50000000}, NULL);
    }
    printf("postgres does not start, see %s/log\n", folder);
    exit(EXIT_FAILURE);
}

void pg_server_kill(void)
{
    kill(server, SIGQUIT);
    waitpid(server, NULL, 0);
    server = 0;
}

void pg_server_create(void)
{
    find_programs();
    make_cluster();
    port = free_port();
    pg_server_start();
}

void pg_server_destroy(void)
{
    char command[320];
    if (server != 0) {
        pg_server_kill();
    }
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) {
        printf("cannot remove %s\n", folder);
    }
}

bool pg_server_run(const char *dbname, const char *sql)
{
    PGconn *connection = connect_to(dbname);
    PGresult *result = PQexec(connection, sql);
    bool is_done =
        PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
    if (!is_done) {
        printf("%s: %s\n", sql, PQerrorMessage(connection));
    }
    PQclear(result);
    PQfinish(connection);
    return is_done;
}

long long pg_server_number(const char *dbname, const char *sql)
{
    PGconn *connection = connect_to(dbname);
    PGresult *result = PQexec(connection, sql);
    long long number = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : -1;
    PQclear(result);
    PQfinish(connection);
    return number;
}

/* Remembers whom it stopped: a server that hangs cannot be asked. */
void pg_server_signal(const char *role, int signal)
{
    static pid_t stopped[64];
    static int count;
    char sql[200];
    if (signal == SIGSTOP) {
        snprintf(sql, sizeof sql, "SELECT pid FROM pg_stat_activity WHERE usename = '%s'", role);
        PGconn *connection = connect_to("postgres");
        PGresult *result = PQexec(connection, sql);
        count = PQntuples(result) < 64 ? PQntuples(result) : 64;
        for (int i = 0; i < count; i++) {
            stopped[i] = (pid_t)strtol(PQgetvalue(result, i, 0), NULL, 10);
        }
        PQclear(result);
        PQfinish(connection);
    }
    for (int i = 0; i < count; i++) {
        kill(stopped[i], signal);
    }
}
