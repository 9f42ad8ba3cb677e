/* What credits and debits have in common. */
#ifndef PLUGINS_WALLET_MOVEMENT_H
#define PLUGINS_WALLET_MOVEMENT_H

#include "wallet/store.h"

/* A currency that was given, or the configured one for NULL. INVALID_ARGUMENT: no ISO 4217 code.
 * [call] */
atlas_status_t movement_currency(struct atlas_call *call, const char *given,
                                 const char **ret_currency);

/* Checks what a client asked for and posts it, once: a repeat is answered with the first outcome.
 * kind: WALLET_CREDIT or WALLET_DEBIT. A currency of NULL means the configured one and is replaced.
 * INVALID_ARGUMENT names the field. ALREADY_EXISTS: the reference stands for another amount.
 * NOT_FOUND: no account. FAILED_PRECONDITION: the balance does not cover it. [call] [waits] */
atlas_status_t movement_post(struct atlas_call *call, enum wallet_kind kind,
                             struct wallet_movement *movement, struct wallet_posting *ret_posting);

/* For a user without an account in that currency: NOT_FOUND with a message. [call] */
atlas_status_t movement_no_account(struct atlas_call *call, const char *user_id,
                                   const char *currency);

#endif
