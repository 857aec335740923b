/* A word about what takes long; see patience.h. */
#include "config.h"

#include "base/patience.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

void
patience_say (const char *what)
{
  g_autofree char *safe = NULL;

  if (!isatty (STDERR_FILENO))
    return;
  safe = error_escape (what);
  (void) fprintf (stderr, "bwrap-oci: %s ...\n", safe);
}

/* Milliseconds until @end of the monotonic clock, 0 only when it has come. */
static int
left_until (gint64 end)
{
  return (int) ((MAX (end - g_get_monotonic_time (), 0) + 999) / G_TIME_SPAN_MILLISECOND);
}

int
patience_look (gint64 *begun, const char *what)
{
  int left = *begun != 0 ? left_until (*begun + PATIENCE_MS * G_TIME_SPAN_MILLISECOND) : -1;

  if (left != 0)
    return left;
  patience_say (what);
  *begun = 0;
  return -1;
}

int
patience_poll (struct pollfd *fds, nfds_t n_fds, int timeout_ms, const char *what)
{
  gint64 begun = g_get_monotonic_time ();
  const gint64 end = timeout_ms >= 0 ? begun + timeout_ms * G_TIME_SPAN_MILLISECOND : -1;

  for (;;)
    {
      int left = end >= 0 ? left_until (end) : -1, word = patience_look (&begun, what);
      gboolean last = word < 0 || (left >= 0 && left <= word);
      int ready = poll (fds, n_fds, last ? left : word);

      if (ready > 0 || (ready < 0 && errno != EINTR) || (ready == 0 && last))
        return ready;
    }
}
