/* bwrap-oci-init: what its files share. No libc beyond system calls and strings, no
 * allocation: the instructions are mapped, everything else has a fixed size. */
#pragma once

#include "ops.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* One instruction, as pointers into the mapped block. */
struct op {
  const struct op_header *header;
  const uint64_t *numbers;
  const void *data;
  const char *strings;  /* n_strings of them, one behind the other */
};

/* What is under way. */
struct init {
  int first_fd;  /* number of INIT_FD_OPS */
  int control;   /* -1 once it is closed */
  int gate;      /* -1 if there is none */
  int root;      /* O_PATH, the root file system; -1 after the pivot */
  int console;   /* slave of the pty, -1 */
  int notify;    /* where the program sends its notifications, -1 */
  int mask;      /* an empty read-only tmpfs that hides directories, -1 */
  int late[LATE_MAX];  /* mounts that become read-only at the pivot */
  unsigned int n_late;
  const struct op *current;
  char **arguments;
  char **environment;
  const char *program; /* as found by OP_PROGRAM */
  const char *home;    /* "HOME=...", NULL: the environment has its own */
};

/* The k-th string of @op. */
const char *op_string (const struct op *op, unsigned int k);

/* Reports that @step failed with errno (kept as it is; 0 for none) on what @detail
 * names, and exits: nothing of ours goes on after a failure. */
_Noreturn void fail (struct init *init, const char *step, const char *detail);

/* Returns a copy of @text that stays: in pages of its own, so that a container that waits is no
 * larger than it must be. */
const char *keep (struct init *init, const char *text);

/* Sends a message of @kind, with @fd unless that is -1. */
void report (struct init *init, enum report_kind kind, int fd);

/* The next command on @socket; 0 when the other side is gone. */
uint32_t receive (int socket);

/* walk.c: paths below the root, by descriptor.
 *
 * Opens @path (O_PATH) below the root, as a chroot would see it; -1 with errno. */
int walk_open (int root, const char *path, unsigned int flags);

/* The same, making what is missing: directories (0755) and, unless @flags has
 * OP_FLAG_DIRECTORY, an empty file at the end. Also through dangling links, below the
 * root. @made (may be NULL) says whether the last component is new. */
int walk_make (int root, const char *path, unsigned int flags, bool *made);

/* Opens the directory that holds the last component of @path, making what is missing,
 * and copies that component to @name (NAME_MAX + 1 bytes). */
int walk_parent (int root, const char *path, char *name);

/* mount.c: the operations that place something. */
void do_root (struct init *init, const struct op *op);
void do_bind (struct init *init, const struct op *op);
void do_mount (struct init *init, const struct op *op);
void do_mask (struct init *init, const struct op *op);
void do_readonly (struct init *init, const struct op *op);
void do_pivot (struct init *init, const struct op *op);
void do_seen (struct init *init, const struct op *op);
void do_root_readonly (struct init *init, const struct op *op);

/* device.c: nodes and FIFOs. */
void do_device (struct init *init, const struct op *op);
void do_fifo (struct init *init, const struct op *op);

/* layers.c: new file systems, and a writable layer over the root. */
void do_layers (struct init *init, const struct op *op);

/* Opens a context for a new file system of @type (fsopen(2)). */
int filesystem_open (struct init *init, const char *type);

/* Sets one "key=value" or "key" parameter of it. */
void filesystem_set (struct init *init, int fd, const char *option);

/* Makes it, with MOUNT_ATTR_ bits; closes @fd and returns the detached mount. */
int filesystem_make (struct init *init, int fd, const char *type, unsigned int attributes);

/* Attaches detached mount @mount at the op's target and checks that it is seen there. */
void place (struct init *init, int mount, const char *target, unsigned int flags);

/* copyup.c: what tmpcopyup asks for. Copies the tree @from (a directory) into @to. */
void copy_up (struct init *init, int from, int to);

/* Gives the directory @to the owner of @from, but for the ids that @op's options set. */
void copy_owner (struct init *init, const struct op *op, int from, int to);

/* system.c: names, sysctls, limits, files that are made. */
void do_new_session (struct init *init, const struct op *op);
void do_undumpable (struct init *init, const struct op *op);
void do_become_root (struct init *init, const struct op *op);
void do_symlink (struct init *init, const struct op *op);
void do_sysctl (struct init *init, const struct op *op);
void do_hostname (struct init *init, const struct op *op);
void do_domainname (struct init *init, const struct op *op);
void do_oom_score_adj (struct init *init, const struct op *op);
void do_keyring (struct init *init, const struct op *op);
void do_scheduler (struct init *init, const struct op *op);
void do_io_priority (struct init *init, const struct op *op);
void do_personality (struct init *init, const struct op *op);
void do_memory_policy (struct init *init, const struct op *op);
void do_affinity (struct init *init, const struct op *op);
void do_rlimit (struct init *init, const struct op *op);
void do_notify (struct init *init, const struct op *op);

/* main.c: to the other side of the joined pid namespace. */
void do_inside (struct init *init, const struct op *op);

/* label.c: what security modules take the program for. */
void do_label (struct init *init, const struct op *op);

/* hooks.c: hooks, the runtime's and those in here. */
void do_net_devices (struct init *init, const struct op *op);
void do_hooks (struct init *init, const struct op *op);
void do_hook (struct init *init, const struct op *op);

/* passwd.c: the image's user database, which is hostile. */
void do_home (struct init *init, const struct op *op);

/* process.c: from the finished root to the program. */
void do_console (struct init *init, const struct op *op);
void do_groups (struct init *init, const struct op *op);
void do_cwd (struct init *init, const struct op *op);
void do_program (struct init *init, const struct op *op);
void do_ready (struct init *init, const struct op *op);
void do_ids (struct init *init, const struct op *op);
void do_capabilities (struct init *init, const struct op *op);
void do_no_new_privs (struct init *init, const struct op *op);
void do_seccomp (struct init *init, const struct op *op);
void do_arguments (struct init *init, const struct op *op);
void do_environment (struct init *init, const struct op *op);
void do_exec (struct init *init, const struct op *op);
