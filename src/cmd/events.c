/* bwrap-oci events */
#include "config.h"

#include "base/error.h"
#include "cmd/cmd.h"
#include "run/events.h"

#include <stdio.h>

#define INTERVAL_DEFAULT "5s"

typedef struct {
  gboolean stats;
  const char *interval;
} Options;

static const Option options[] = {
  OPTION_FLAG (Options, stats, 0, "stats", "only the statistics, and once"),
  OPTION_STRING (Options, interval, 0, "interval", "TIME",
                 "between statistics, as 500ms or 1m (5s)"),
  OPTION_END
};

/* Units by their factors to microseconds; without one it is seconds. */
static const Name units[] = {
  { "", G_TIME_SPAN_SECOND },  { "ms", G_TIME_SPAN_MILLISECOND }, { "s", G_TIME_SPAN_SECOND },
  { "m", G_TIME_SPAN_MINUTE }, { "h", G_TIME_SPAN_HOUR },         { NULL, 0 },
};

static gboolean
read_interval (const char *text, gint64 *ret_usec, GError **error)
{
  char *end;
  guint64 number = g_ascii_strtoull (text, &end, 10);
  const Name *unit = name_find (units, end);

  if (end == text || unit == NULL || number == 0 || number > 1000000)
    return throw (error, "events: --interval: expected a time as 5s, got \"%s\"", text);
  *ret_usec = (gint64) number * unit->value;
  return TRUE;
}

/* Prints @line at once; FALSE if there is none. */
static gboolean
print (GString *line)
{
  if (line == NULL)
    return FALSE;
  (void) fputs (line->str, stdout);
  (void) fflush (stdout);
  g_string_free (line, TRUE);
  return TRUE;
}

static gboolean
print_events (const Container *container, gint64 interval, GError **error)
{
  g_auto (EventsWatch) watch = EVENTS_WATCH_INIT;
  gint64 next = g_get_monotonic_time ();

  if (!events_watch (container, &watch, error))
    return FALSE;
  for (;;)
    switch (events_next (&watch, next))
      {
      case EVENT_TIMEOUT:
        /* it may have ended in between */
        if (!print (events_stats (container, NULL)))
          return TRUE;
        next += interval;
        break;
      case EVENT_OOM:
        (void) print (events_oom (container));
        break;
      case EVENT_END:
        return TRUE;
      }
}

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  g_autoptr (Container) container = NULL;
  g_autoptr (Store) store = NULL;
  gint64 interval;

  if (!read_interval (given->interval != NULL ? given->interval : INTERVAL_DEFAULT, &interval,
                      error))
    return -1;
  store = cmd_open_store (context, FALSE, error);
  container = store != NULL ? container_open (store, args[0], error) : NULL;
  if (container == NULL)
    return -1;
  if (given->stats)
    return print (events_stats (container, error)) ? 0 : -1;
  return print_events (container, interval, error) ? 0 : -1;
}

const Command cmd_events = {
  .name = "events",
  .arguments = "ID",
  .summary = "print statistics and events of a container as they come",
  .options = options,
  .options_size = sizeof (Options),
  .min_args = 1,
  .max_args = 1,
  .takes_id = TRUE,
  .run = run,
};
