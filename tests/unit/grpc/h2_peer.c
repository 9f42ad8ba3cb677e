#include "h2_peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support/free_port.h"

#define RUN_MS 5000

static void check(bool is_right, const char *what)
{
    if (!is_right) {
        perror(what);
        exit(EXIT_FAILURE);
    }
}

static struct h2_stream *find(struct h2_peer *peer, int32_t id)
{
    for (size_t i = 0; i < peer->stream_count; i++) {
        if (peer->streams[i].id == id) {
            return &peer->streams[i];
        }
    }
    check(peer->stream_count < H2_PEER_STREAMS, "too many streams in a test");
    struct h2_stream *stream = &peer->streams[peer->stream_count++];
    *stream = (struct h2_stream){.id = id};
    return stream;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    (void)session;
    find(arg, frame->hd.stream_id)->header_lists++;
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg)
{
    (void)session;
    (void)flags;
    struct h2_stream *stream = find(arg, frame->hd.stream_id);
    char *list = stream->header_lists > 1 ? stream->trailers : stream->headers;
    size_t used = strlen(list);
    snprintf(list + used, sizeof stream->headers - used, "%.*s: %.*s\n", (int)name_len,
             (const char *)name, (int)value_len, (const char *)value);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *arg)
{
    (void)flags;
    struct h2_peer *peer = arg;
    struct h2_stream *stream = find(peer, id);
    if (stream->data_len < sizeof stream->data) {
        size_t room = sizeof stream->data - stream->data_len;
        memcpy(stream->data + stream->data_len, data, len < room ? len : room);
    }
    stream->data_len += len;
    if (!peer->holds_window) {
        nghttp2_session_consume(session, id, len);
    }
    return 0;
}

static void record_goaway(struct h2_peer *peer, const nghttp2_goaway *goaway)
{
    peer->goaways++;
    peer->goaway_last_id = goaway->last_stream_id;
    peer->goaway_error = goaway->error_code;
    if (goaway->opaque_data_len > 0) {
        snprintf(peer->goaway_text, sizeof peer->goaway_text, "%.*s", (int)goaway->opaque_data_len,
                 (const char *)goaway->opaque_data);
    }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    (void)session;
    struct h2_peer *peer = arg;
    bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        record_goaway(peer, &frame->goaway);
    } else if (frame->hd.type == NGHTTP2_SETTINGS && !is_ack) {
        peer->settings++;
    } else if (frame->hd.type == NGHTTP2_PING && is_ack) {
        peer->pings_answered++;
    } else if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
               (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        find(peer, frame->hd.stream_id)->has_ended = true;
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *arg)
{
    (void)session;
    struct h2_stream *stream = find(arg, id);
    stream->is_closed = true;
    stream->error_code = error_code;
    return 0;
}

static void start_session(struct h2_peer *peer, bool is_server,
                          const nghttp2_settings_entry *settings, size_t setting_count)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_option_new(&options);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option_set_no_auto_window_update(options, 1);
    if (is_server) {
        nghttp2_session_server_new2(&peer->session, callbacks, peer, options);
    } else {
        nghttp2_session_client_new2(&peer->session, callbacks, peer, options);
    }
    nghttp2_submit_settings(peer->session, NGHTTP2_FLAG_NONE, settings, setting_count);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(options);
}

void h2_peer_connect(struct h2_peer *peer, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *peer = (struct h2_peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    check(connect(peer->fd, (const struct sockaddr *)&address, sizeof address) == 0, "connect");
    start_session(peer, false, NULL, 0);
}

int h2_peer_listen(uint16_t *ret_port)
{
    uint16_t port = free_port();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1; /* as free_port looks: connections of an earlier test may linger there */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    check(bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0,
          "listen");
    *ret_port = port;
    return fd;
}

void h2_peer_accept(struct h2_peer *peer, int listener, const nghttp2_settings_entry *settings,
                    size_t setting_count)
{
    struct pollfd poll_fd = {.fd = listener, .events = POLLIN};
    check(poll(&poll_fd, 1, RUN_MS) == 1, "accept");
    *peer = (struct h2_peer){.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)};
    check(peer->fd >= 0, "accept");
    start_session(peer, true, settings, setting_count);
}

void h2_peer_close(struct h2_peer *peer)
{
    if (peer->fd >= 0) {
        close(peer->fd);
        peer->fd = -1;
    }
    nghttp2_session_del(peer->session);
    peer->session = NULL;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    (void)session;
    (void)id;
    struct h2_peer *peer = arg;
    struct h2_stream *stream = &peer->streams[source->fd];
    size_t len = stream->body_len < room ? stream->body_len : room;
    if (len > 0) {
        memcpy(buffer, stream->body, len);
    }
    stream->body += len;
    stream->body_len -= len;
    if (stream->body_len == 0 && !stream->stays_open) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (len == 0) {
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)len;
}

static size_t add_fields(nghttp2_nv *list, size_t count, const char *const *fields)
{
    for (; fields != NULL && *fields != NULL; fields += 2) {
        nghttp2_nv field = {(uint8_t *)(uintptr_t)fields[0], (uint8_t *)(uintptr_t)fields[1],
                            strlen(fields[0]), strlen(fields[1]), NGHTTP2_NV_FLAG_NONE};
        size_t at = count;
        for (size_t i = 0; i < count; i++) {
            if (list[i].namelen == field.namelen &&
                memcmp(list[i].name, field.name, field.namelen) == 0) {
                at = i;
            }
        }
        list[at] = field;
        count += at == count ? 1 : 0;
    }
    return count;
}

struct h2_stream *h2_peer_request(struct h2_peer *peer, const char *path, const char *const *fields,
                                  const void *body, size_t len)
{
    const char *const standard[] = {
        ":method", "POST", ":scheme",  "http",         ":authority",       "test", ":path",
        path,      "te",   "trailers", "content-type", "application/grpc", NULL};
    nghttp2_nv list[64];
    size_t count = add_fields(list, add_fields(list, 0, standard), fields);
    struct h2_stream *stream =
        find(peer, nghttp2_session_get_next_stream_id(peer->session) > 0
                       ? (int32_t)nghttp2_session_get_next_stream_id(peer->session)
                       : 0);
    stream->body = body;
    stream->body_len = len;
    nghttp2_data_provider provider = {.source = {.fd = (int)(stream - peer->streams)},
                                      .read_callback = read_body};
    int32_t id = nghttp2_submit_request(peer->session, NULL, list, count,
                                        body != NULL ? &provider : NULL, NULL);
    check(id == stream->id, "submit_request");
    return stream;
}

void h2_peer_respond(struct h2_peer *peer, struct h2_stream *stream, const char *const *fields,
                     const void *body, size_t len)
{
    nghttp2_nv list[64];
    size_t count = add_fields(list, 0, fields);
    stream->body = body;
    stream->body_len = len;
    nghttp2_data_provider provider = {.source = {.fd = (int)(stream - peer->streams)},
                                      .read_callback = read_body};
    nghttp2_submit_response(peer->session, stream->id, list, count,
                            body != NULL ? &provider : NULL);
}

void h2_peer_trailers(struct h2_peer *peer, struct h2_stream *stream, const char *const *fields)
{
    nghttp2_nv list[64];
    nghttp2_submit_trailer(peer->session, stream->id, list, add_fields(list, 0, fields));
}

static void send_all(struct h2_peer *peer)
{
    const uint8_t *data;
    ssize_t len;
    while ((len = nghttp2_session_mem_send(peer->session, &data)) > 0) {
        while (len > 0) {
            ssize_t written = send(peer->fd, data, (size_t)len, MSG_NOSIGNAL);
            if (written < 0) {
                return; /* the other side has gone; reading says so */
            }
            data += written;
            len -= written;
        }
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool h2_peer_run(struct h2_peer *peer, bool (*until)(struct h2_peer *peer, void *arg), void *arg)
{
    static uint8_t buffer[65536];
    int64_t end_ms = now_ms() + RUN_MS;
    send_all(peer);
    while (!until(peer, arg)) {
        struct pollfd poll_fd = {.fd = peer->fd, .events = POLLIN};
        int64_t left_ms = end_ms - now_ms();
        if (peer->is_eof || left_ms <= 0 || poll(&poll_fd, 1, (int)left_ms) != 1) {
            return false;
        }
        ssize_t len = recv(peer->fd, buffer, sizeof buffer, 0);
        if (len <= 0) {
            peer->is_eof = true;
        } else {
            nghttp2_session_mem_recv(peer->session, buffer, (size_t)len);
            send_all(peer);
        }
    }
    return true;
}

bool h2_peer_stream_closed(struct h2_peer *peer, void *stream)
{
    (void)peer;
    return ((struct h2_stream *)stream)->is_closed;
}

bool h2_peer_has_settings(struct h2_peer *peer, void *arg)
{
    (void)arg;
    return peer->settings > 0;
}

bool h2_peer_has_goaway(struct h2_peer *peer, void *arg)
{
    (void)arg;
    return peer->goaways > 0;
}

bool h2_peer_is_eof(struct h2_peer *peer, void *arg)
{
    (void)arg;
    return peer->is_eof;
}

bool h2_peer_has_request(struct h2_peer *peer, void *count)
{
    size_t ended = 0;
    for (size_t i = 0; i < peer->stream_count; i++) {
        ended += peer->streams[i].has_ended ? 1 : 0;
    }
    return ended >= *(size_t *)count;
}

bool h2_peer_at_once(struct h2_peer *peer, void *arg)
{
    (void)peer;
    (void)arg;
    return true;
}
