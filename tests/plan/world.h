/* A made-up machine and bundle, as a text file says: what the golden plans are made for.
 *
 * Lines are "key = value"; a line of '#' is a comment. The file tests/plan/facts describes the
 * usual machine, the file "facts" of a case overrides single lines of it:
 *
 *   uid, gid, last_capability, preserve_fds, listen_fds
 *                                              numbers
 *   user                                       a login name, or none
 *   capabilities                               words, or none
 *   hard_limit                                 of all resources, or none
 *   modules                                    apparmor, selinux, or none
 *   uid_map, gid_map                           initial, or INSIDE:FIRST:COUNT ...
 *   sub_uids, sub_gids                         FIRST:COUNT ..., or none
 *   newuidmap, newgidmap                       able, unable, missing
 *   bwrap                                      options, without dashes
 *   fuse_overlayfs, fuse                       why the program cannot be executed, and the device
 *                                              not be opened, or none
 *   overlay_refused                            the pointer of an overlay, and what the kernel says
 *                                              of it; or none
 *   cgroup                                     none, v1, hybrid, v2
 *   cgroup_v1                                  options of each hierarchy, or none
 *   cgroup_controllers                         of cgroup v2
 *   cgroup_own                                 the caller's cgroup, or none
 *   cgroup_error                               why the container's cannot be made, or none
 *   cgroup_manager                             cgroupfs, systemd, disabled
 *   id, bundle                                 of the container
 *   gate, new_keyring, console_socket, detach, notify, mount_program
 *                                              yes, no
 *   program                                    what process.args[0] is in the image, or none; asked
 *                                              for only where it may be systemd
 *   machine_id                                 of the host, or none
 *   resctrl                                    none, there, mounted
 *   net_admin                                  yes: the caller may take network devices away
 *   net_devices                                names of those in his network, or none
 *   plain                                      yes: the case is of the plain command too
 *   mode                                       normal or plain: as --mode says
 *   config                                     a file of tests/data/configs, or none
 *   many_mounts                                how many mounts "@many" stands for
 *   root.WHAT, mounts.N.WHAT, devices.N.WHAT, namespaces.N.WHAT, layers.N.WHAT
 *                                              what is there on the host
 *   paths.POINTER                              what is at a path of the container
 *
 * WHAT is error (ENOENT ...), path, type (directory file character block fifo; of a namespace: its
 * name, or none), own (yes: the caller is in that namespace), device (of the file system, or of
 * the node in devices), inode, flags (of the mount), closed (PATH:UID:GID ... of directories above
 * it). */
#pragma once

#include "plan/plan.h"

typedef struct World World;

/* Reads the world of the golden case @name. Transfer: full. */
World *world_read (const char *name);

void world_free (World *world);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

/* Completes @spec as the runtime does before it looks at anything else. */
gboolean world_complete (World *world, OciSpec *spec, GError **error);

/* Returns the facts of @world for @spec: what the lines do not speak of is as usual, no descriptor
 * is open. Transfer: full. */
HostFacts *world_facts (World *world, const OciSpec *spec);

/* Fills @ret_options with strings of @world. */
void world_options (World *world, PlanOptions *ret_options);

/* What a plan is made of. */
typedef struct {
  World *world;         /* owns the strings of options */
  OciSpec *spec;
  HostFacts *facts;     /* no descriptor is open */
  LayerRequest layer;
  PlanOptions options;
  gboolean plain;
} Case;

/* Reads the golden case @name. NULL and an error if its configuration is not accepted; a case that
 * is not well made fails the test. Transfer: full. */
Case *case_read (const char *name, GError **error);

void case_free (Case *golden);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Case, case_free)

/* Returns the names of all cases, in order. Transfer: full. */
GPtrArray *case_names (void);
