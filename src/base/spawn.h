/* Starting programs with an exact descriptor map.
 *
 * The child gets the descriptors of the map and nothing else, default signal
 * dispositions, an empty signal mask, and exactly the environment given. No
 * shell, no PATH lookup, no thread. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  int source;  /* the descriptor here */
  int target;  /* its number in the child */
} SpawnFd;

typedef struct {
  const char *program;       /* absolute path */
  const char *const *argv;
  const char *const *envp;   /* NULL: empty */
  const SpawnFd *fds;        /* beyond 0, 1 and 2, which are inherited unless mapped */
  gsize n_fds;
  const char *directory;     /* NULL: stay */
  int user_ns_fd;            /* joined as its root before the exec; -1: none */
  gboolean new_group;        /* own process group, so that a timeout can end all of it */
  gboolean as_root;          /* become 0:0 of the (joined) user namespace */
} SpawnRequest;

#define SPAWN_REQUEST_INIT { .user_ns_fd = -1 }

/* Starts the program. @ret_pidfd (may be NULL) gets a pidfd. A failure of the
 * exec itself is reported here, not by an exit status: by then there is no
 * child left. */
gboolean spawn (const SpawnRequest *request, pid_t *ret_pid, int *ret_pidfd, GError **error);

/* Kills @pid if it is above 0, reaps it, and sets it to 0: for cleanup. */
void spawn_kill (pid_t *pid);
