#include "services/postgres/pg_connect.h"

#include <stdio.h>
#include <string.h>

#define KEYWORDS_MAX 24

struct keywords {
    const char *names[KEYWORDS_MAX];
    const char *values[KEYWORDS_MAX];
    size_t count;
};

static void add(struct keywords *keywords, const char *name, const char *value)
{
    keywords->names[keywords->count] = name;
    keywords->values[keywords->count++] = value;
}

/* Session settings go with the first packet: no round trip, and no session without them. */
static void format_options(const struct pg_settings *settings, enum pg_role role, char *text,
                           size_t size)
{
    long long statement_ms =
        (long long)(role == PG_ROLE_SESSION ? settings->migration_ms : settings->statement_ms);
    /* The server's keepalives are as ours below: what a host held that lost its power or its
     * network, the lead of an outbox above all, is free for another one in half a minute, not in
     * hours. */
    snprintf(text, size,
             "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "
             "-c tcp_user_timeout=25000 "
             "-c search_path=\"%s\" -c statement_timeout=%lld "
             "-c idle_in_transaction_session_timeout=%lld -c default_transaction_read_only=%s "
             "-c default_transaction_isolation=read\\ committed",
             settings->schema, statement_ms, statement_ms, role == PG_ROLE_READ ? "on" : "off");
}

bool pg_connect_is_folder(const char *host)
{
    return host[0] == '/';
}

static void add_address(struct keywords *keywords, const char *address, const char *port)
{
    add(keywords, pg_connect_is_folder(address) ? "host" : "hostaddr", address);
    add(keywords, "port", port);
    add(keywords, "gssencmode", "disable"); /* its library blocks */
    add(keywords, "keepalives_idle", "10");
    add(keywords, "keepalives_interval", "5");
    add(keywords, "keepalives_count", "3");
}

PGconn *pg_connect_start(const struct pg_settings *settings, enum pg_role role, const char *address)
{
    struct keywords keywords = {.count = 0};
    char port[8];
    char name[80];
    char options[512];
    char tcp_timeout[24];

    snprintf(port, sizeof port, "%u", settings->port);
    snprintf(name, sizeof name, "atlas %s", settings->schema);
    snprintf(tcp_timeout, sizeof tcp_timeout, "%lld", (long long)settings->statement_ms + 1000);
    format_options(settings, role, options, sizeof options);
    add_address(&keywords, address, port);
    add(&keywords, "tcp_user_timeout", tcp_timeout);
    add(&keywords, "dbname", settings->dbname);
    add(&keywords, "user", settings->user);
    if (settings->password[0] != '\0') {
        add(&keywords, "password", settings->password);
    }
    add(&keywords, "application_name", name);
    add(&keywords, "client_encoding", "UTF8");
    add(&keywords, "options", options);
    if (role != PG_ROLE_READ) {
        add(&keywords, "target_session_attrs", "read-write");
    }
    add(&keywords, NULL, NULL);
    return PQconnectStartParams(keywords.names, keywords.values, 0);
}
