/* bwrap-oci-init: what its files share. No libc beyond system calls and strings, no
 * allocation: the instructions are mapped, everything else has a fixed size. */
#pragma once

#include "ops.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/* One instruction, as pointers into the mapped block. */
struct op {
  const struct op_header *header;
  const uint64_t *numbers;
  const void *data;
  const char *strings;  /* n_strings of them, one behind the other */
};

/* What became of a file system context. */
struct refusal {
  int error;         /* errno */
  const char *step;  /* the call that failed */
  char detail[512];  /* on what, and what the kernel said */
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
  const void *instructions;
  size_t instructions_size;
  char *kept;        /* where keep() goes on ... */
  size_t kept_left;  /* ... and how much room there is */
  struct refusal refusal;  /* the last one */
  struct timespec begun;   /* when a copy has, 0: nobody is to hear of it any more */
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

/* Returns a copy of @text that stays: in a page for such texts, so that a container that waits is
 * no larger than it must be. */
const char *keep (struct init *init, const char *text);

/* Sends a message of @kind, with @fd unless that is -1. */
void report (struct init *init, enum report_kind kind, int fd);

/* Says that @step takes long, on what @detail names. */
void report_busy (struct init *init, const char *step, const char *detail);

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

/* The operations, each of which returns only if it is done:
 *   mount.c    what places something
 *   device.c   nodes and FIFOs
 *   layers.c   a writable layer over the root
 *   system.c   names, sysctls, limits, files that are made, what is kept through the exec
 *   label.c    what security modules take the program for
 *   hooks.c    hooks, the runtime's and those in here
 *   passwd.c   the image's user database, which is hostile
 *   process.c  from the finished root to the program
 *   main.c     to the other side of the joined pid namespace */
#define OPERATION(code, function, name, n_numbers, n_strings) \
  void do_##function (struct init *init, const struct op *op);
OPERATIONS (OPERATION)
#undef OPERATION

/* filesystem.c: new file systems. On failure these leave init->refusal.
 *
 * Opens a context for one of @type (fsopen(2)); -1. */
int filesystem_open (struct init *init, const char *type);

/* Sets one "key=value" or "key" parameter of it. */
bool filesystem_set (struct init *init, int fd, const char *option);

/* Makes it, with MOUNT_ATTR_ bits, and returns the detached mount, -1; closes @fd. */
int filesystem_make (struct init *init, int fd, const char *type, unsigned int attributes);

/* All of that, with the strings of @op from the @first on, but for that of OP_FLAG_LABEL, and @more
 * ("": none). */
int filesystem_new (struct init *init, const char *type, const struct op *op, unsigned int first,
                    const char *more);

/* Reports init->refusal, and exits. */
_Noreturn void fail_refused (struct init *init);

/* Returns the detached mount of an overlay with the strings of @op from the @first on: the kernel's
 * or, as the flags of @op say, that of fuse-overlayfs (fuse.c). */
int overlay_new (struct init *init, const struct op *op, unsigned int first);

/* fuse.c: the detached mount of a fuse-overlayfs, which the runtime starts for the instruction that
 * is under way. */
int fuse_new (struct init *init);

/* Changes @mount: sets and clears MOUNT_ATTR_ bits, and its propagation (0: leave); @flags:
 * AT_RECURSIVE. 0, or -1 with errno. */
int change (int mount, unsigned int flags, uint64_t set, uint64_t clear, uint64_t propagation);

/* Attaches detached mount @mount at the op's target and checks that it is seen there. */
void place (struct init *init, int mount, const char *target, unsigned int flags);

/* copyup.c: what tmpcopyup asks for. Copies the tree @from (a directory) into @to. */
void copy_up (struct init *init, int from, int to);

/* Gives the directory @to the owner of @from, but for the ids that @op's options set. */
void copy_owner (struct init *init, const struct op *op, int from, int to);
