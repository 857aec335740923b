/* bwrap-oci update
 *
 * The options become the same document that --resources reads, so that there is one way. */
#include "config.h"

#include "base/error.h"
#include "base/fd.h"
#include "cmd/cmd.h"
#include "json/emit.h"
#include "run/update.h"

#include <string.h>
#include <unistd.h>

typedef struct {
  const char *resources;
  const char *memory, *memory_swap, *memory_reservation;
  const char *cpu_share, *cpu_quota, *cpu_period, *cpu_burst, *cpu_idle;
  const char *cpu_rt_period, *cpu_rt_runtime;
  const char *cpuset_cpus, *cpuset_mems;
  const char *pids_limit, *blkio_weight;
  const char *l3_cache_schema, *mem_bw_schema;
} Options;

static const Option options[] = {
  OPTION_STRING (Options, resources, 'r', "resources", "FILE",
                 "linux.resources as JSON (-: standard input)"),
  OPTION_STRING (Options, memory, 0, "memory", "BYTES", "limit of memory, as 100M; -1: none"),
  OPTION_STRING (Options, memory_swap, 0, "memory-swap", "BYTES", "limit of memory and swap"),
  OPTION_STRING (Options, memory_reservation, 0, "memory-reservation", "BYTES",
                 "memory that is left to it when there is little"),
  OPTION_STRING (Options, cpu_share, 0, "cpu-share", "N", "weight, 2 to 262144"),
  OPTION_STRING (Options, cpu_quota, 0, "cpu-quota", "USEC", "CPU time in a period; -1: no limit"),
  OPTION_STRING (Options, cpu_period, 0, "cpu-period", "USEC", "the period"),
  OPTION_STRING (Options, cpu_burst, 0, "cpu-burst", "USEC", "what may be saved for a burst"),
  OPTION_STRING (Options, cpu_idle, 0, "cpu-idle", "N", "1: only when nobody else wants the CPU"),
  OPTION_STRING (Options, cpu_rt_period, 0, "cpu-rt-period", "USEC",
                 "period of real-time processes (cgroup v1)"),
  OPTION_STRING (Options, cpu_rt_runtime, 0, "cpu-rt-runtime", "USEC",
                 "CPU time of real-time processes (cgroup v1)"),
  OPTION_STRING (Options, cpuset_cpus, 0, "cpuset-cpus", "LIST", "CPUs, as 0-3,7"),
  OPTION_STRING (Options, cpuset_mems, 0, "cpuset-mems", "LIST", "memory nodes"),
  OPTION_STRING (Options, pids_limit, 0, "pids-limit", "N", "number of processes; -1: no limit"),
  OPTION_STRING (Options, blkio_weight, 0, "blkio-weight", "N", "weight of I/O, 10 to 1000"),
  OPTION_STRING (Options, l3_cache_schema, 0, "l3-cache-schema", "TEXT", "not supported"),
  OPTION_STRING (Options, mem_bw_schema, 0, "mem-bw-schema", "TEXT", "not supported"),
  OPTION_IGNORED ("kernel-memory", "BYTES", "accepted, without effect"),
  OPTION_IGNORED ("kernel-memory-tcp", "BYTES", "accepted, without effect"),
  OPTION_END
};

/* Where the value of an option belongs in the document; those of a section stand together. */
static const struct {
  gsize option;
  const char *section;
  const char *key;
  enum { SIZE, NUMBER, WORD } kind;
} places[] = {
  { offsetof (Options, memory), "memory", "limit", SIZE },
  { offsetof (Options, memory_swap), "memory", "swap", SIZE },
  { offsetof (Options, memory_reservation), "memory", "reservation", SIZE },
  { offsetof (Options, cpu_share), "cpu", "shares", NUMBER },
  { offsetof (Options, cpu_quota), "cpu", "quota", NUMBER },
  { offsetof (Options, cpu_period), "cpu", "period", NUMBER },
  { offsetof (Options, cpu_burst), "cpu", "burst", NUMBER },
  { offsetof (Options, cpu_idle), "cpu", "idle", NUMBER },
  { offsetof (Options, cpu_rt_period), "cpu", "realtimePeriod", NUMBER },
  { offsetof (Options, cpu_rt_runtime), "cpu", "realtimeRuntime", NUMBER },
  { offsetof (Options, cpuset_cpus), "cpu", "cpus", WORD },
  { offsetof (Options, cpuset_mems), "cpu", "mems", WORD },
  { offsetof (Options, pids_limit), "pids", "limit", NUMBER },
  { offsetof (Options, blkio_weight), "blockIO", "weight", NUMBER },
};

/* Reads a number, or a size with a unit of powers of 1024: "512k", "1GB", "1.5g". */
static gboolean
read_number (const char *text, gboolean size, gint64 *ret_number)
{
  static const char units[] = "kmgtp";
  gsize digits = strspn (text + (*text == '-'), "0123456789") + (*text == '-');
  g_autofree char *number = g_strndup (text, digits);
  const char *rest = text + digits, *unit;
  gint64 value, factor = 1;
  double fraction = 0;

  if (size && *rest == '.' && g_ascii_isdigit (rest[1]))
    {
      gsize length = 1 + strspn (rest + 1, "0123456789");
      g_autofree char *part = g_strndup (rest, length);

      fraction = g_ascii_strtod (part, NULL);
      rest += length;
    }
  unit = size && *rest != '\0' ? strchr (units, g_ascii_tolower (*rest)) : NULL;
  if (unit != NULL)
    {
      factor <<= 10 * (unit - units + 1);
      rest++;
    }
  if (size && (*rest == 'i' || *rest == 'I'))
    rest++;
  if (size && (*rest == 'b' || *rest == 'B'))
    rest++;
  if (*rest != '\0'
      || !g_ascii_string_to_signed (number, 10, fraction > 0 ? 0 : -1, G_MAXINT64 / factor - 1,
                                    &value, NULL))
    return FALSE;
  *ret_number = value < 0 ? value : value * factor + (gint64) (fraction * (double) factor);
  return TRUE;
}

/* The document that says what the options say. */
static char *
document (const Options *given, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *section = NULL;
  JsonEmit emit;

  json_emit_init (&emit, text);
  json_emit_object (&emit, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      const char *value = *(const char *const *) (const void *) ((const char *) given
                                                                 + places[i].option);
      gint64 number;

      if (value == NULL)
        continue;
      if (section != places[i].section && section != NULL)
        json_emit_object_end (&emit);
      if (section != places[i].section)
        json_emit_object (&emit, places[i].section);
      section = places[i].section;
      if (places[i].kind == WORD)
        json_emit_string (&emit, places[i].key, value);
      else if (read_number (value, places[i].kind == SIZE, &number))
        json_emit_int (&emit, places[i].key, number);
      else
        return throw_null (error, "%s %s: expected a %s, got \"%s\"", section, places[i].key,
                           places[i].kind == SIZE ? "size as 100M" : "number", value);
    }
  if (section != NULL)
    json_emit_object_end (&emit);
  json_emit_object_end (&emit);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
read_resources (const char *name, gsize *ret_length, GError **error)
{
  char *text = NULL;

  if (strcmp (name, "-") != 0)
    return fd_read_argument (name, JSON_TEXT_MAX_LENGTH, ret_length, error);
  if (!fd_read_all (STDIN_FILENO, JSON_TEXT_MAX_LENGTH, &text, ret_length, error))
    g_prefix_error (error, "standard input: ");
  return text;
}

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  const char *name = given->resources != NULL ? given->resources : "options";
  g_autofree char *text = NULL;
  g_autoptr (OciResources) resources = NULL;
  g_autoptr (Container) container = NULL;
  g_autoptr (Store) store = NULL;
  gsize length;

  if (given->l3_cache_schema != NULL || given->mem_bw_schema != NULL)
    return throw_fd (error, "update: resctrl is not supported");
  text = given->resources != NULL ? read_resources (name, &length, error)
                                  : document (given, error);
  if (text == NULL)
    return -1;
  if (given->resources == NULL)
    length = strlen (text);
  resources = oci_resources_parse (text, length, name, NULL, error);
  store = resources != NULL ? cmd_open_store (context, FALSE, error) : NULL;
  if (store == NULL)
    return -1;
  container = container_open_locked (store, args[0], error);
  return container != NULL && container_update (container, resources, name, error) ? 0 : -1;
}

const Command cmd_update = {
  .name = "update",
  .arguments = "ID",
  .summary = "change the limits of a container",
  .options = options,
  .options_size = sizeof (Options),
  .min_args = 1,
  .max_args = 1,
  .takes_id = TRUE,
  .run = run,
};
