/* Starting a container; see start.h.
 *
 * The end of the connection without a word is success: the init's end of it is close-on-exec. What
 * the init reports names a row of the Plan, which is long gone; but only the last operations come
 * after the gate, and each of them belongs to one property. */
#include "config.h"

#include "run/start.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "run/kill.h"
#include "run/listener.h"
#include "run/report.h"

#include <errno.h>
#include <sys/socket.h>

typedef struct {
  const char *pointer;
  const char *what;
} LateRow;

static const LateRow late_rows[OP_CODE_N] = {
  [OP_IDS] = { "/process/user", "take on the ids" },
  [OP_CAPABILITIES] = { "/process/capabilities", "take on the capabilities" },
  [OP_NO_NEW_PRIVS] = { "/process/noNewPrivileges", "set the bit" },
  [OP_SECCOMP] = { "/linux/seccomp", "load the filter" },
  [OP_ARGUMENTS] = { "/process/args", "prepare the arguments" },
  [OP_ENVIRONMENT] = { "/process/env", "prepare the environment" },
};

static gboolean
refuse (ContainerStatus status, GError **error)
{
  if (status == CONTAINER_STOPPED)
    return throw (error, "cannot start a container that has stopped");
  return throw (error, "cannot start an already running container");
}

static gboolean
fail_from_report (const struct report *report, GError **error)
{
  static const LateRow none = { NULL, NULL };
  const LateRow *row = report->code < OP_CODE_N ? &late_rows[report->code] : &none;

  if (report->kind != REPORT_FAILED)
    return throw (error, "the init reports %u, which means nothing", report->kind);
  return report_to_error (report, row->pointer, row->what, error);
}

static gboolean
talk (const Container *container, int socket, GError **error)
{
  guint32 command = COMMAND_START;

  if (send (socket, &command, sizeof command, MSG_NOSIGNAL) != sizeof command)
    return throw_errno (error, "send to the init");
  for (;;)
    {
      struct report report;
      autofd fd = -1;
      int got = report_receive (socket, &report, &fd, error);

      if (got <= 0)
        return got == 0;
      if (report.kind != REPORT_LISTENER)
        return fail_from_report (&report, error);
      if (!listener_send (container, 0, fd, error))
        return FALSE;
    }
}

gboolean
container_start (Container *container, GError **error)
{
  g_autoptr (GError) ignored = NULL;
  ContainerStatus status;
  autofd socket = -1;
  gboolean started;

  if (!container_check (container, error))
    return FALSE;
  status = container_status (container);
  if (status != CONTAINER_CREATED)
    return refuse (status, error);
  if (!container_gate_connect (container, &socket, error))
    return FALSE;
  if (socket < 0)
    return refuse (CONTAINER_STOPPED, error);
  started = talk (container, socket, error);
  if (!started && !container_end (container, &ignored))
    log_debug ("%s", ignored->message);
  g_clear_error (&ignored);
  /* nobody listens behind it any more: the status does not depend on it */
  if (!container_gate_remove (container, &ignored))
    log_debug ("%s", ignored->message);
  return started;
}
