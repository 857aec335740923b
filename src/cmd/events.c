/* bwrap-oci events */
#include "config.h"

#include "base/error.h"
#include "cmd/table.h"
#include "run/events.h"

#include <stdio.h>
#include <string.h>

#define INTERVAL_DEFAULT "5s"

/* Values beyond that are no limits: cgroup v1 says so with the largest that it knows. */
#define LIMIT_MAX ((guint64) G_MAXINT64 / 2)

typedef struct {
  gboolean stats;
  const char *interval;
  const char *format;
} Options;

static const Option options[] = {
  OPTION_FLAG (Options, stats, 0, "stats", "only the statistics, and once"),
  OPTION_STRING (Options, interval, 0, "interval", "TIME",
                 "between statistics, as 500ms or 1m (5s)"),
  OPTION_STRING (Options, format, 'f', "format", "FORMAT", "\"json\" or \"table\""),
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

  if (!g_ascii_isdigit (*text) || unit == NULL || number == 0 || number > 1000000)
    return throw (error, "events: --interval: expected a time as 5s, got \"%s\"", text);
  *ret_usec = (gint64) number * unit->value;
  return TRUE;
}

/* --- for people ---------------------------------------------------------------------------- */

/* The columns stand still, since lines come one by one. */
#define TABLE_FORMAT "%-8s%-12s%-12s%-12s%-12s%-12s%s"

/* "12.5 MiB"; what g_format_size() puts in between is not of one byte. */
static char *
size_text (guint64 bytes)
{
  static const char *const size_units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
  double size = (double) bytes;
  gsize unit = 0;

  if (bytes > LIMIT_MAX)
    return g_strdup ("-");
  for (; size >= 1024 && unit < G_N_ELEMENTS (size_units) - 1; unit++)
    size /= 1024;
  return g_strdup_printf (unit == 0 ? "%.0f %s" : "%.1f %s", size, size_units[unit]);
}

/* The sum over all devices of what was done by @op. */
static char *
io_text (const GPtrArray *list, const char *op)
{
  guint64 sum = 0;

  for (guint i = 0; i < list->len; i++)
    {
      const CgroupIo *io = g_ptr_array_index (list, i);

      if (g_ascii_strcasecmp (io->op, op) == 0)
        sum += io->value;
    }
  return size_text (sum);
}

static void
print_table_header (gboolean coloured)
{
  g_autofree char *line = g_strdup_printf (TABLE_FORMAT, "EVENT", "CPU", "MEMORY", "LIMIT",
                                           "READ", "WRITTEN", "PIDS");

  table_print_header (line, coloured);
}

static void
print_table_line (const CgroupStats *stats)
{
  g_autofree char *cpu = g_strdup_printf ("%.3f s", (double) stats->cpu_total / 1e9);
  g_autofree char *memory = size_text (stats->memory.usage);
  g_autofree char *limit = size_text (stats->memory.limit > 0 ? stats->memory.limit : G_MAXUINT64);
  g_autofree char *read = io_text (stats->io_bytes, "read");
  g_autofree char *written = io_text (stats->io_bytes, "write");
  g_autofree char *pids = g_strdup_printf ("%" G_GUINT64_FORMAT, stats->pids_current);
  g_autofree char *of = stats->pids_limit > 0 ? g_strdup_printf (" of %" G_GUINT64_FORMAT,
                                                                 stats->pids_limit) : NULL;

  (void) printf (TABLE_FORMAT "%s\n", "stats", cpu, memory, limit, read, written, pids,
                 of != NULL ? of : "");
}

/* --- printing ------------------------------------------------------------------------------ */

/* Where events go. */
typedef struct {
  Container *container;
  gboolean table;
  gboolean coloured;
  gboolean begun;
} Output;

/* The table's header, before its first line. */
static void
begin (Output *output)
{
  if (output->table && !output->begun)
    print_table_header (output->coloured);
  output->begun = TRUE;
}

static void
print_line (GString *line)
{
  (void) fputs (line->str, stdout);
  g_string_free (line, TRUE);
}

/* Prints the statistics at once; FALSE if there are none. */
static gboolean
print_stats (Output *output, GError **error)
{
  g_autoptr (CgroupStats) stats = events_stats (output->container, error);

  if (stats == NULL)
    return FALSE;
  begin (output);
  if (output->table)
    print_table_line (stats);
  else
    print_line (events_format_stats (output->container, stats));
  (void) fflush (stdout);
  return TRUE;
}

static void
print_oom (Output *output)
{
  begin (output);
  if (output->table)
    (void) puts ("oom");
  else
    print_line (events_format_oom (output->container));
  (void) fflush (stdout);
}

static gboolean
print_events (Output *output, gint64 interval, GError **error)
{
  g_auto (EventsWatch) watch = EVENTS_WATCH_INIT;
  gint64 next = g_get_monotonic_time ();

  if (!events_watch (output->container, &watch, error))
    return FALSE;
  for (;;)
    switch (events_next (&watch, next))
      {
      case EVENT_TIMEOUT:
        /* it may have ended in between */
        if (!print_stats (output, NULL))
          return TRUE;
        next += interval;
        break;
      case EVENT_OOM:
        print_oom (output);
        break;
      case EVENT_END:
        return TRUE;
      }
}

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  Output output = { .table = g_strcmp0 (given->format, "table") == 0,
                    .coloured = table_is_coloured (context) };
  g_autoptr (Container) container = NULL;
  g_autoptr (Store) store = NULL;
  gint64 interval;

  if (given->format != NULL && !output.table && strcmp (given->format, "json") != 0)
    return throw_fd (error, "invalid format \"%s\": expected table or json", given->format);
  if (!read_interval (given->interval != NULL ? given->interval : INTERVAL_DEFAULT, &interval,
                      error))
    return -1;
  store = cmd_open_store (context, FALSE, error);
  container = store != NULL ? container_open (store, args[0], error) : NULL;
  if (container == NULL)
    return -1;
  output.container = container;
  if (given->stats)
    return print_stats (&output, error) ? 0 : -1;
  return print_events (&output, interval, error) ? 0 : -1;
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
