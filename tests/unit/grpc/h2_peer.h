/* The other end of an HTTP/2 connection, for tests: a blocking client or server on nghttp2 that
 * records what comes and sends exactly what it is told to. */
#ifndef TESTS_UNIT_GRPC_H2_PEER_H
#define TESTS_UNIT_GRPC_H2_PEER_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define H2_PEER_STREAMS 64

struct h2_stream {
    int32_t id;
    char headers[2048];  /* "name: value\n" of the first header list */
    char trailers[2048]; /* of the last one, if it is another */
    unsigned header_lists;
    char data[4096]; /* what fits */
    size_t data_len; /* all of it */
    bool has_ended;  /* END_STREAM came */
    bool is_closed;
    uint32_t error_code;

    const uint8_t *body; /* what is sent */
    size_t body_len;
    bool stays_open; /* no END_STREAM behind the body */
};

struct h2_peer {
    int fd;
    nghttp2_session *session;
    bool is_eof;
    bool holds_window; /* received DATA is not acknowledged */
    unsigned goaways;
    int32_t goaway_last_id;
    uint32_t goaway_error;
    char goaway_text[64];
    unsigned settings;
    unsigned pings_answered;
    struct h2_stream streams[H2_PEER_STREAMS];
    size_t stream_count;
};

/* Connects to a port of the loopback; a client. Ends the process if that fails. */
void h2_peer_connect(struct h2_peer *peer, uint16_t port);

/* Takes the next connection of a listening socket; a server. */
void h2_peer_accept(struct h2_peer *peer, int listener, const nghttp2_settings_entry *settings,
                    size_t setting_count);

/* A listening socket on a port of the loopback that the system chooses. */
int h2_peer_listen(uint16_t *ret_port);

void h2_peer_close(struct h2_peer *peer);

/* Sends a request: fields are names and values, ended by NULL; they replace or extend those of a
 * gRPC call. Returns the stream. The body is borrowed until it is out. */
struct h2_stream *h2_peer_request(struct h2_peer *peer, const char *path, const char *const *fields,
                                  const void *body, size_t len);

/* Answers a request: a header list, then the body; END_STREAM on the headers if body is NULL. */
void h2_peer_respond(struct h2_peer *peer, struct h2_stream *stream, const char *const *fields,
                     const void *body, size_t len);

/* Sends a last header list. */
void h2_peer_trailers(struct h2_peer *peer, struct h2_stream *stream, const char *const *fields);

/* Sends and receives until the condition holds, at most five seconds; true if it does. */
bool h2_peer_run(struct h2_peer *peer, bool (*until)(struct h2_peer *peer, void *arg), void *arg);

/* Conditions. arg: the stream; unused for the others. */
bool h2_peer_stream_closed(struct h2_peer *peer, void *stream);
bool h2_peer_has_settings(struct h2_peer *peer, void *arg);
bool h2_peer_has_goaway(struct h2_peer *peer, void *arg);
bool h2_peer_at_once(struct h2_peer *peer, void *arg); /* always: only sends what is submitted */
bool h2_peer_is_eof(struct h2_peer *peer, void *arg);
bool h2_peer_has_request(struct h2_peer *peer, void *count); /* of size_t: so many that ended */

#endif
