/* A command as root of a user namespace with all of the caller's sub-ids, without a container: for
 * unpacking, changing and removing the files of containers. */
#pragma once

#include <glib.h>
#include <signal.h>

typedef struct {
  char **argv;             /* the command, found by PATH; at least one word */
  int namespaces;          /* CLONE_NEW... beside the user namespace */
  const GArray *fds;       /* of int: descriptors that it gets, beyond the standard ones */
  const sigset_t *ignored; /* signals that it starts with ignored */
} UnshareRequest;

/* Becomes the command: this very process, so that its status, signals and terminal need nobody in
 * between. Only with a new pid namespace there is a child, which is pid 1 in it: then this returns
 * TRUE at its end, with its exit status as for a shell. Errors carry the status of a shell too, 126
 * or 127 where the command cannot be run; they may be those of that child. */
gboolean unshare_command (const UnshareRequest *request, int *ret_status, GError **error);
