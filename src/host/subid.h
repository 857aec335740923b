/* The name of a user, and its subordinate ids (subuid(5), subgid(5)): those that newuidmap(1) and
 * newgidmap(1) let it map. */
#pragma once

#include "plan/facts.h"

/* Where the files are; tests have their own. */
#define USERS_DIRECTORY "/etc"

/* Returns the login name of @uid; NULL: it has none. Transfer: full. */
char *host_user_name (uid_t uid);

/* Fills user, sub_uids and sub_gids of @facts from the files in @directory, or from the companion
 * where nsswitch.conf says so. Its uid, uid_map and gid_map must be filled: ids that do not exist
 * in this user namespace do not count. No ranges are no error. */
void host_subid_probe (MachineFacts *facts, const char *directory);

/* Appends to @ranges (of IdRange) those that the @length bytes of @text, a subuid file, give to the
 * user @uid, by number or by the login name @user (NULL: has none), in file order. Lines that are
 * not of the form "OWNER:FIRST:COUNT" are skipped. */
void subid_parse (const char *text, gsize length, const char *user, uid_t uid, GArray *ranges);

/* Cuts @ranges to what @map (of IdRange) says exists here. */
void subid_clip (GArray *ranges, const GArray *map);
