/* evhttp on a loop of its own; one function per page, found in a table. */
#include "inbound/admin.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/metrics.h"
#include "base/readiness.h"
#include "base/tcp_listener.h"
#include "inbound/rest/rest_connections.h"

/* No page takes a body. */
#define BODY_LIMIT 1024

/* The index that this loop has among loops: none of the workers'. */
#define ADMIN_LOOP 1000

struct admin {
    struct loop *loop;
    struct evhttp *http;
    struct evconnlistener *acceptor;
    struct rest_connections connections;
    bool has_connections;
    void (*refresh)(void *arg);
    void *arg;
};

/* Sends a page; text may be NULL: no memory to make it. */
static void reply(struct evhttp_request *request, int code, const char *type, const char *text,
                  size_t len)
{
    if (text == NULL) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Cache-Control", "no-store");
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        char length[24];
        snprintf(length, sizeof length, "%zu", len);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", length);
    } else {
        evbuffer_add(evhttp_request_get_output_buffer(request), text, len);
    }
    evhttp_send_reply(request, code, code == HTTP_OK ? "OK" : NULL, NULL);
}

/* Sends a JSON value and frees it; NULL is allowed. */
static void reply_json(struct evhttp_request *request, int code, json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);
    reply(request, code, "application/json", text, text == NULL ? 0 : strlen(text));
    free(text);
    json_decref(value);
}

static void show_health(struct admin *admin, struct evhttp_request *request)
{
    (void)admin;
    reply_json(request, HTTP_OK, json_pack("{s:s}", "status", "ok"));
}

static void add_check(void *arg, const char *name, bool is_ready, const char *text)
{
    json_t *check = json_pack("{s:s, s:b}", "name", name, "ready", is_ready);
    if (check != NULL && text[0] != '\0') {
        json_object_set_new(check, "message", json_string(text));
    }
    json_array_append_new(arg, check);
}

static void show_readiness(struct admin *admin, struct evhttp_request *request)
{
    (void)admin;
    json_t *checks = json_array();
    bool is_ready = readiness_visit(add_check, checks);
    reply_json(request, is_ready ? HTTP_OK : HTTP_SERVUNAVAIL,
               json_pack("{s:b, s:o}", "ready", is_ready, "checks", checks));
}

static void show_metrics(struct admin *admin, struct evhttp_request *request)
{
    (void)admin;
    size_t len = 0;
    char *text = metrics_render(&len);
    reply(request, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, len);
    free(text);
}

static const struct page {
    const char *path;
    void (*show)(struct admin *admin, struct evhttp_request *request);
} pages[] = {
    {"/healthz", show_health},
    {"/readyz", show_readiness},
    {"/metrics", show_metrics},
};

static const struct page *find_page(const struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    for (size_t i = 0; path != NULL && i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(pages[i].path, path) == 0) {
            return &pages[i];
        }
    }
    return NULL;
}

static void admin_on_written(struct evhttp_request *request, void *arg)
{
    struct admin *admin = arg;
    rest_connections_request_answered(&admin->connections, request);
}

static void admin_on_request(struct evhttp_request *request, void *arg)
{
    struct admin *admin = arg;
    const struct page *page = find_page(request);
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    rest_connections_request_arrived(&admin->connections, request);
    evhttp_request_set_on_complete_cb(request, admin_on_written, admin);
    if (page == NULL) {
        reply_json(request, HTTP_NOTFOUND,
                   json_pack("{s:s}", "message", "pages are /healthz, /readyz and /metrics"));
        return;
    }
    if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        reply_json(request, HTTP_BADMETHOD, json_pack("{s:s}", "message", "use GET"));
        return;
    }
    if (admin->refresh != NULL) {
        admin->refresh(admin->arg);
    }
    page->show(admin, request);
}

static struct bufferevent *admin_on_connection(struct event_base *base, void *arg)
{
    struct admin *admin = arg;
    struct bufferevent *connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (connection != NULL) {
        rest_connections_add(&admin->connections, connection);
    }
    return connection;
}

/* The argument is that of the acceptor's callback: evhttp's, so nothing of ours. */
static void admin_on_accept_error(struct evconnlistener *acceptor, void *arg)
{
    struct admin *admin = loop_owner(loop_current());
    (void)acceptor;
    (void)arg;
    rest_connections_pause(&admin->connections);
}

static void configure(struct admin *admin, const struct admin_options *options)
{
    struct timeval idle = {options->idle_ms / 1000, options->idle_ms % 1000 * 1000};
    evhttp_set_allowed_methods(admin->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                                EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_max_headers_size(admin->http, (ev_ssize_t)options->header_limit);
    evhttp_set_max_body_size(admin->http, BODY_LIMIT);
    evhttp_set_timeout_tv(admin->http, &idle);
    evhttp_set_bevcb(admin->http, admin_on_connection, admin);
    evhttp_set_gencb(admin->http, admin_on_request, admin);
    evconnlistener_set_error_cb(admin->acceptor, admin_on_accept_error);
}

static atlas_status_t open_port(struct admin *admin, const struct admin_options *options,
                                uint16_t *ret_port, struct error *error)
{
    int fd;
    atlas_status_t status = tcp_listener_open("admin port", options->host, options->port,
                                              options->backlog, &fd, ret_port, error);
    if (status != ATLAS_OK) {
        return status;
    }
    admin->acceptor = evconnlistener_new(loop_base(admin->loop), NULL, NULL,
                                         LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, fd);
    if (admin->acceptor == NULL) {
        close(fd);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "admin port: out of memory");
    }
    admin->http = evhttp_new(loop_base(admin->loop));
    admin->has_connections =
        admin->http != NULL &&
        rest_connections_init(&admin->connections, "admin", admin->loop, admin->acceptor,
                              options->connections, options->request_ms);
    if (!admin->has_connections) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "admin port: out of memory");
    }
    loop_set_owner(admin->loop, admin);
    configure(admin, options);
    return ATLAS_OK;
}

atlas_status_t admin_start(const struct admin_options *options, struct admin **ret_admin,
                           uint16_t *ret_port, struct error *error)
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (admin == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "admin port: out of memory");
    }
    admin->refresh = options->refresh;
    admin->arg = options->arg;
    atlas_status_t status = loop_create(ADMIN_LOOP, &admin->loop, error);
    if (status == ATLAS_OK) {
        status = open_port(admin, options, ret_port, error);
    }
    if (status == ATLAS_OK && evhttp_bind_listener(admin->http, admin->acceptor) == NULL) {
        status = error_set(error, ATLAS_RESOURCE_EXHAUSTED, "admin port: out of memory");
    }
    if (status == ATLAS_OK) {
        admin->acceptor = NULL; /* evhttp's now */
        status = loop_start(admin->loop, "admin", error);
    }
    if (status != ATLAS_OK) {
        admin_stop(admin);
        return status;
    }
    *ret_admin = admin;
    return ATLAS_OK;
}

void admin_stop(struct admin *admin)
{
    if (admin == NULL) {
        return;
    }
    if (admin->loop != NULL) {
        loop_stop(admin->loop);
    }
    if (admin->http != NULL) {
        evhttp_free(admin->http);
    }
    if (admin->acceptor != NULL) {
        evconnlistener_free(admin->acceptor);
    }
    if (admin->has_connections) {
        rest_connections_finish(&admin->connections);
    }
    loop_destroy(admin->loop);
    free(admin);
}
