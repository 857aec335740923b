/* The one place that reads the environment, once, at the start of main. */
#pragma once

#include <glib.h>

/* What the program takes from its environment; an empty variable is an unset one.
 * The strings belong to the environment block and live as long as the process. */
typedef struct {
  const char *runtime_dir;    /* XDG_RUNTIME_DIR */
  const char *path;           /* PATH */
  const char *notify_socket;  /* NOTIFY_SOCKET */
  const char *listen_fds;     /* LISTEN_FDS */
  const char *listen_pid;     /* LISTEN_PID */
  const char *bus_address;    /* DBUS_SESSION_BUS_ADDRESS */
  const char *no_color;       /* NO_COLOR */
  const char *term;           /* TERM */
} Environment;

/* Fills @ret_environment from the process's environment. */
void environment_read (Environment *ret_environment);

/* The whole environment, NULL-terminated, for a program that is to have it. */
const char *const *environment_all (void);
