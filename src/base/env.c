/* The environment; see env.h. */
#include "config.h"

#include "base/env.h"

#include <stdlib.h>
#include <unistd.h>

static const char *
get (const char *name)
{
  const char *value = getenv (name);

  return value != NULL && *value != '\0' ? value : NULL;
}

void
environment_read (Environment *ret_environment)
{
  *ret_environment = (Environment) {
    .runtime_dir = get ("XDG_RUNTIME_DIR"),
    .path = get ("PATH"),
    .notify_socket = get ("NOTIFY_SOCKET"),
    .listen_fds = get ("LISTEN_FDS"),
    .listen_pid = get ("LISTEN_PID"),
    .bus_address = get ("DBUS_SESSION_BUS_ADDRESS"),
    .no_color = get ("NO_COLOR"),
    .term = get ("TERM"),
  };
}

const char *const *
environment_all (void)
{
  return (const char *const *) environ;
}
