/* From "start" to the program; see starting.h. The end of the connection without a word is success:
 * the init's end of it is close-on-exec. */
#include "config.h"

#include "run/starting.h"

#include "base/error.h"
#include "base/fd.h"
#include "run/interrupt.h"
#include "run/listener.h"

/* Takes what a report brings; FALSE without an error if it says that the init has failed. */
static gboolean
take (Starting *starting, const struct report *report, int *fd, GError **error)
{
  switch (report->kind)
    {
    case REPORT_LISTENER:
      return listener_send (starting->container, starting->pid, *fd, error);
    case REPORT_NOTIFY:
      fd_clear (&starting->notify);
      starting->notify = fd_steal (fd);
      return TRUE;
    case REPORT_FAILED:
      return FALSE;
    default:
      return throw (error, "the init reports %u, which means nothing", report->kind);
    }
}

int
starting_wait (Starting *starting, int socket, struct report *ret_report, GError **error)
{
  g_auto (Interrupt) interrupt = INTERRUPT_INIT;

  if (starting->interruptible && !interrupt_open (&interrupt, error))
    return -1;
  for (;;)
    {
      autofd fd = -1;
      int got;

      if (starting->interruptible && !interrupt_wait (&interrupt, socket, error))
        return -1;
      got = report_receive (socket, ret_report, &fd, error);
      if (got <= 0)
        return got;
      if (!take (starting, ret_report, &fd, error))
        return ret_report->kind == REPORT_FAILED ? 1 : -1;
    }
}
