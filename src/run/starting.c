/* From "start" to the program; see starting.h. The end of the connection without a word is success:
 * the init's end of it is close-on-exec. */
#include "config.h"

#include "run/starting.h"

#include "base/error.h"
#include "base/fd.h"
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
      starting->notify = fd_steal (fd);
      return TRUE;
    case REPORT_FAILED:
      return FALSE;
    default:
      return report_meaningless (report, error);
    }
}

int
starting_wait (Starting *starting, int socket, struct report *ret_report, GError **error)
{
  guint32 heard = 0;

  for (;;)
    {
      autofd fd = -1;
      int got;

      if (starting->interrupt != NULL && !interrupt_wait (starting->interrupt, socket, error))
        return -1;
      got = report_receive (socket, ret_report, &fd, error);
      if (got <= 0)
        return got;
      if (!report_once (&heard, ret_report, error))
        return -1;
      if (!take (starting, ret_report, &fd, error))
        return ret_report->kind == REPORT_FAILED ? 1 : -1;
    }
}
