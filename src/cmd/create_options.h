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
  const char *overlay;
  GPtrArray *overlay_lower;
  const char *mount_program;
  const char *mode;
  guint preserve_fds;
  gboolean no_new_keyring;
  gboolean detach;
  gboolean keep;
  gboolean dry_run;
  gboolean json;
  gboolean plain;
} CreateOptions;

/* Rows that create and run share. */
#define CREATE_OPTION_ROWS                                                                     \
  OPTION_STRING (CreateOptions, bundle, 'b', "bundle", "DIR",                                  \
                 "the bundle's directory (default: .)"),                         \
    OPTION_STRING (CreateOptions, config, 'f', "config", "FILE",                               \
                   "its configuration (default: config.json)"),                                \
    OPTION_WORD (CreateOptions, pid_file, 0, "pid-file", "FILE",                               \
                 "write the pid of the first process there"),                                  \
    OPTION_WORD (CreateOptions, console_socket, 0, "console-socket", "PATH",                   \
                 "send the terminal to this socket"),                                          \
    OPTION_WORD (CreateOptions, pidfd_socket, 0, "pidfd-socket", "PATH",                       \
                 "send a pidfd of the process to this socket"),                                \
    OPTION_STRING (CreateOptions, overlay, 0, "overlay", "WHERE",                              \
                   "write above the root: \"state\", \"volatile\", DIR"),                       \
    OPTION_STRINGS (CreateOptions, overlay_lower, 0, "overlay-lower", "DIR",                   \
                    "a layer between the two that is only read"),                              \
    OPTION_STRING (CreateOptions, mount_program, 0, "mount-program", "PATH",                   \
                   "fuse-overlayfs, not the kernel's overlay"),                                \
    OPTION_UINT (CreateOptions, preserve_fds, 0, "preserve-fds", "N",                          \
                 "hand on N descriptors from 3 upwards"),                                      \
    OPTION_FLAG (CreateOptions, no_new_keyring, 0, "no-new-keyring",                           \
                 "keep the session keyring"),                                                  \
    OPTION_STRING (CreateOptions, mode, 0, "mode", "MODE", "\"normal\" or \"plain\""),           \
    OPTION_IGNORED ("no-pivot", NULL, "accepted, without effect")

/* Reads the value of --mode; NULL: it was not given. */
gboolean create_mode_read (const char *mode, gboolean *ret_plain, GError **error);

/* Fills @ret_request, which the caller clears in any case. Paths become absolute, seen from the
 * caller's directory; without @id it is the name of the bundle's directory. */
gboolean create_request_fill (const CmdContext *context, const CreateOptions *options,
                              const char *id, CreateRequest *ret_request, GError **error);
