/* From "start" to the program; see starting.h. The end of the connection without a word is success:
 * the init's end of it is close-on-exec. But it ends with the init as well, which then still has
 * its name. */
#include "config.h"

#include "run/starting.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "run/listener.h"

#include <string.h>

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

/* Whether the init is dead, now that its connection has ended. What somebody has reaped already
 * tells nothing any more: a program may be as quick. */
static gboolean
has_died (const Starting *starting)
{
  pid_t pid = starting->pid > 0 ? starting->pid : starting->container->init.pid;
  ProcStat stat;

  return proc_stat (pid, &stat, NULL) && stat.exiting && strcmp (stat.name, INIT_NAME) == 0;
}

int
starting_wait (Starting *starting, int socket, struct report *ret_report, GError **error)
{
  static const struct report death = { .kind = REPORT_FAILED, .row = G_MAXUINT32,
                                       .step = "the init has ended before the program began" };
  guint32 heard = 0;

  for (;;)
    {
      autofd fd = -1;
      int got;

      if (!interrupt_wait (starting->interrupt, socket, error))
        return -1;
      got = report_receive (socket, ret_report, &fd, error);
      if (got < 0)
        return -1;
      if (got == 0 && !has_died (starting))
        return 0;
      if (got == 0)
        {
          *ret_report = death;
          return 1;
        }
      if (!report_once (&heard, ret_report, error))
        return -1;
      if (!take (starting, ret_report, &fd, error))
        return ret_report->kind == REPORT_FAILED ? 1 : -1;
    }
}
