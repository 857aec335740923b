/* Starting programs with an exact descriptor map.
 *
 * The child gets the descriptors of the map and nothing else, default signal
 * dispositions, an empty signal mask, and exactly the environment given. No
 * shell, no PATH lookup, no thread. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* How a message begins about offsets that a new time namespace cannot have. */
#define SPAWN_TIME_OFFSETS "set the offsets"

typedef struct {
  int source;  /* the descriptor here */
  int target;  /* its number in the child */
} SpawnFd;

/* A cgroup to be in before anything else. */
typedef struct {
  int procs;      /* its cgroup.procs */
  int directory;  /* of cgroup v2, in which a process may be born; else -1 */
  char *path;     /* for messages */
} SpawnCgroup;

/* Namespaces to enter before the exec. */
typedef struct {
  int user_ns_fd;     /* a user namespace alone; -1: none */
  int pidfd;          /* a process whose namespaces are joined with one setns(2); -1: none */
  int types;          /* which of them (CLONE_NEW...) */
  const int *fds;     /* namespace files that are joined after that, as root */
  gsize n_fds;
  gboolean new_pid_ns;
  gboolean new_time_ns;      /* for the program that is forked */
  const char *time_offsets;  /* of its clocks, as the procfs file takes them (time_namespaces(7));
                              * NULL: none */
  gboolean new_mount_ns;  /* a copy of the mounts, which still hears of those made here, but not
                           * the reverse */
  int tree;           /* a detached mount that is attached in that copy; -1: none */
  const char *tree_at;  /* where */
  gboolean fork;      /* the program is a child of the process that joined, in the pid namespace
                       * that it joined or made; the latter is gone when spawn() returns */
  gboolean as_root;   /* become 0:0 of the user namespace */
  gboolean keep_groups;  /* and keep the supplementary groups that we have */
  gboolean keep_capabilities;  /* where there is no id 0: take those of the joined user namespace
                                * through the exec (capabilities(7), ambient) */
} SpawnNamespaces;

#define SPAWN_NAMESPACES_INIT { .user_ns_fd = -1, .pidfd = -1, .tree = -1 }

typedef struct {
  const char *program;       /* absolute path, seen from the namespaces */
  int program_fd;            /* above 2: this file is executed, program is only its name */
  const char *const *argv;
  const char *const *envp;   /* NULL: empty */
  const SpawnFd *fds;        /* beyond 0, 1 and 2, which are inherited unless mapped */
  gsize n_fds;
  const char *directory;     /* NULL: stay */
  const SpawnCgroup *cgroups;
  gsize n_cgroups;
  const SpawnNamespaces *namespaces;  /* NULL: stay */
  gboolean new_group;        /* own process group, so that a timeout can end all of it */
  /* Called with the number of the new process, which waits meanwhile before it does anything;
   * FALSE ends it. NULL: it does not wait. */
  gboolean (*admit) (pid_t pid, gpointer data, GError **error);
  gpointer admit_data;
} SpawnRequest;

/* Starts the program. @ret_pidfd (may be NULL) gets a pidfd. A failure of the
 * exec itself is reported here, not by an exit status: by then there is no
 * child left. */
gboolean spawn (const SpawnRequest *request, pid_t *ret_pid, int *ret_pidfd, GError **error);

/* Kills @pid if it is above 0, reaps it, and sets it to 0: for cleanup. */
void spawn_kill (pid_t *pid);

/* The same for a child that leads a group of its own (new_group), with the whole group. Returns
 * the child's wait status, which is its own if it had ended by itself. */
int spawn_kill_group (pid_t *pid);
