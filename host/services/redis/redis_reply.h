/* Redis without sockets: which commands may share a connection, and copying replies. */
#ifndef SERVICES_REDIS_REPLY_H
#define SERVICES_REDIS_REPLY_H

#include "atlas/redis.h"
#include "base/arena.h"

struct redisReply;

/*
 * Why a command may not be sent on a connection that all calls of a loop share: it would block the
 * others or change the connection under them. NULL if it may. Static text, to be put behind the
 * command's name.
 */
const char *redis_command_refusal(const struct atlas_redis_command *command);

/*
 * Copies a reply with all that it holds into the arena. RESOURCE_EXHAUSTED when the arena's budget
 * is used up or the reply is nested deeper than 8; ret_reply is then of type NIL.
 */
atlas_status_t redis_reply_copy(struct arena *arena, const struct redisReply *reply,
                                struct atlas_redis_reply *ret_reply);

#endif
