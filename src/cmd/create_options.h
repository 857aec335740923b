/* The options that create and run share. */
#pragma once

#include "cmd/cmd.h"
#include "run/create.h"

typedef struct {
  const char *bundle;
  const char *config;
  const char *pid_file;
  const char *console_socket;
  const char *pidfd_socket;
  guint preserve_fds;
  gboolean no_new_keyring;
  gboolean detach;
  gboolean keep;
  gboolean dry_run;
  gboolean json;
  gboolean plain;
} CreateOptions;

/* Fills @ret_request, which the caller clears in any case. Paths become absolute, seen from the
 * caller's directory; without @id it is the name of the bundle's directory. */
gboolean create_request_fill (const CmdContext *context, const CreateOptions *options,
                              const char *id, CreateRequest *ret_request, GError **error);
