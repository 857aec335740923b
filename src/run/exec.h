/* Running another program in a container. */
#pragma once

#include "run/container.h"

typedef struct {
  const char *process_file;      /* "--process": the whole process; NULL: from the rest */
  char **args;                   /* the program, without process_file */
  const char *cwd;               /* NULL: the container's, as with the next ones */
  const char *user;              /* "UID[:GID]" */
  const GPtrArray *env;          /* of const char *: NAME=VALUE, in addition */
  const GPtrArray *caps;         /* of const char *: in addition */
  const GPtrArray *groups;       /* of const char *: gids, in addition */
  const GPtrArray *cgroups;      /* of const char *: "PATH" below the container's own cgroup, or
                                  * "CONTROLLER,...:PATH"; NULL: that itself */
  const char *apparmor;          /* AppArmor profile; NULL or empty: the process's own */
  const char *label;             /* SELinux label, likewise */
  const char *pid_file;          /* absolute; NULL: none */
  const char *console_socket;    /* absolute; NULL: none */
  const char *pidfd_socket;      /* NULL: none */
  guint preserve_fds;
  guint64 absent_fds;  /* but for these: 1 << (number - 3) */
  gboolean terminal;
  gboolean no_new_privs;
  gboolean detach;
  gboolean ignore_paused;
} ExecRequest;

/* Runs the program in the live @container: in the background with detach, else to its end.
 * *@ret_status is its exit status. */
gboolean exec_in_container (Container *container, const ExecRequest *request, int *ret_status,
                            GError **error);
