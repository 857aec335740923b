/* A made-up machine and bundle, as a text file says: what the golden plans are made for.
 *
 * Lines are "key = value"; a line of '#' is a comment. The file tests/plan/facts describes the
 * usual machine, the file "facts" of a case overrides single lines of it:
 *
 *   uid, gid, last_capability, preserve_fds    numbers
 *   user                                       a login name, or none
 *   capabilities                               words, or none
 *   uid_map, gid_map                           initial, or INSIDE:FIRST:COUNT ...
 *   sub_uids, sub_gids                         FIRST:COUNT ..., or none
 *   newuidmap, newgidmap                       able, unable, missing
 *   bwrap                                      options, without dashes
 *   cgroup                                     none, v1, hybrid, v2
 *   cgroup_v1                                  options of each hierarchy, or none
 *   id, bundle                                 of the container
 *   gate, new_keyring, console_socket, detach  yes, no
 *   config                                     a file of tests/data/configs, or none
 *   many_mounts                                how many mounts "@many" stands for
 *   root.WHAT, mounts.N.WHAT, devices.N.WHAT, namespaces.N.WHAT
 *                                              what is there on the host
 *
 * WHAT is error (ENOENT ...), path, type (directory file character block fifo; of a namespace: its
 * name, or none), device (of the file system, or of the node in devices), inode, flags (of the
 * mount), closed (PATH:UID:GID ... of directories above it). */
#pragma once

#include "plan/plan.h"

typedef struct {
  GHashTable *lines;  /* of char *, by key */
  GHashTable *used;   /* keys that were asked for */
} World;

/* Reads the file @usual and then @own, which may be missing. A file that is no such file, or a key
 * that nobody knows, fails the test. Transfer: full. */
World *world_read (const char *usual, const char *own);

void world_free (World *world);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

/* Returns the value of @key; fails the test if it has none. Transfer: none. */
const char *world_value (World *world, const char *key);

/* Returns the facts about this machine and what @spec refers to. No descriptor is open.
 * Transfer: full. */
HostFacts *world_facts (World *world, const OciSpec *spec);

/* Fills @ret_options, whose strings are @world's. */
void world_options (World *world, PlanOptions *ret_options);
