/* Resource limits in a unit; see unit.h.
 *
 * They are what the runtime would write to files of cgroup v2, in systemd's words, so that both say
 * the same and the manager knows of them. What systemd has no word for is left to the runtime: it
 * sets all of them in a cgroup below the unit's, to the letter. */
#include "config.h"

#include "plan/unit.h"

#include "base/error.h"
#include "plan/limits.h"

#include <string.h>

/* The unit's cgroup holds the runtime too: so much it needs to start a container. */
#define MEMORY_LEAST (G_GUINT64_CONSTANT (16) * 1024 * 1024)
#define TASKS_LEAST 16

#define PERIOD_DEFAULT_US 100000

/* A file of one number, or "max". */
static const struct {
  const char *file;
  const char *setting;
  guint64 least;
} numbers[] = {
  { "memory.max", "MemoryMax", MEMORY_LEAST },
  { "memory.high", "MemoryHigh", MEMORY_LEAST },
  { "memory.low", "MemoryLow", 0 },
  { "memory.min", "MemoryMin", 0 },
  { "memory.swap.max", "MemorySwapMax", 0 },
  { "pids.max", "TasksMax", TASKS_LEAST },
  { "cpu.weight", "CPUWeight", 0 },
};

/* A file of a list as "0-3,7". */
static const struct {
  const char *file;
  const char *setting;
} lists[] = {
  { "cpuset.cpus", "AllowedCPUs" },
  { "cpuset.mems", "AllowedMemoryNodes" },
};

/* A key of io.max. */
static const struct {
  const char *key;
  const char *setting;
} rates[] = {
  { "rbps", "IOReadBandwidthMax" },
  { "wbps", "IOWriteBandwidthMax" },
  { "riops", "IOReadIOPSMax" },
  { "wiops", "IOWriteIOPSMax" },
};

/* Whether @text is all of characters from @allowed, so that it can stand in a unit. */
static gboolean
consists_of (const char *text, const char *allowed)
{
  return *text != '\0' && text[strspn (text, allowed)] == '\0';
}

static gboolean
read_number (const char *text, guint64 *ret_number)
{
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, ret_number, NULL);
}

static void
append_number (GString *unit, const char *file, const char *value)
{
  guint64 number;

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (strcmp (numbers[i].file, file) != 0)
      continue;
    else if (strcmp (value, "max") == 0)
      g_string_append_printf (unit, "%s=infinity\n", numbers[i].setting);
    else if (read_number (value, &number))
      g_string_append_printf (unit, "%s=%" G_GUINT64_FORMAT "\n", numbers[i].setting,
                              MAX (number, numbers[i].least));
}

static void
append_list (GString *unit, const char *file, const char *value)
{
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    if (strcmp (lists[i].file, file) == 0 && consists_of (value, "0123456789-, "))
      g_string_append_printf (unit, "%s=%s\n", lists[i].setting, value);
}

/* "QUOTA [PERIOD]" in microseconds as a part of one CPU, rounded up to what systemd can say. */
static void
append_cpu_max (GString *unit, const char *value)
{
  g_auto (GStrv) words = g_strsplit (value, " ", 2);
  guint64 quota, period = PERIOD_DEFAULT_US, part;

  if (words[0] == NULL || !read_number (words[0], &quota)
      || (words[1] != NULL && !read_number (words[1], &period))
      || period == 0 || quota > G_MAXUINT64 / 10000 - period)
    return;
  part = MAX ((quota * 10000 + period - 1) / period, 1);
  g_string_append_printf (unit, "CPUQuota=%" G_GUINT64_FORMAT, part / 100);
  if (part % 100 != 0)
    g_string_append_printf (unit, ".%02u", (guint) (part % 100));
  g_string_append (unit, "%\n");
  if (period != PERIOD_DEFAULT_US)
    g_string_append_printf (unit, "CPUQuotaPeriodSec=%" G_GUINT64_FORMAT "us\n", period);
}

/* "WEIGHT" or "MAJOR:MINOR WEIGHT". */
static void
append_io_weight (GString *unit, const char *value)
{
  if (!consists_of (value, "0123456789: "))
    return;
  if (strchr (value, ':') != NULL)
    g_string_append_printf (unit, "IODeviceWeight=/dev/block/%s\n", value);
  else
    g_string_append_printf (unit, "IOWeight=%s\n", value);
}

/* "MAJOR:MINOR KEY=RATE ..." */
static void
append_io_max (GString *unit, const char *value)
{
  g_auto (GStrv) words = g_strsplit (value, " ", -1);
  guint64 rate;

  if (words[0] == NULL || !consists_of (words[0], "0123456789:"))
    return;
  for (char **word = words + 1; *word != NULL; word++)
    for (gsize i = 0; i < G_N_ELEMENTS (rates); i++)
      {
        gsize length = strlen (rates[i].key);

        if (g_str_has_prefix (*word, rates[i].key) && (*word)[length] == '='
            && read_number (*word + length + 1, &rate))
          g_string_append_printf (unit, "%s=/dev/block/%s %" G_GUINT64_FORMAT "\n",
                                  rates[i].setting, words[0], rate);
      }
}

static void
append_setting (GString *unit, const char *file, const char *value)
{
  append_number (unit, file, value);
  append_list (unit, file, value);
  if (strcmp (file, "cpu.max") == 0)
    append_cpu_max (unit, value);
  else if (strcmp (file, "cpu.idle") == 0 && strcmp (value, "1") == 0)
    g_string_append (unit, "CPUWeight=idle\n");
  else if (strcmp (file, "io.weight") == 0)
    append_io_weight (unit, value);
  else if (strcmp (file, "io.max") == 0)
    append_io_max (unit, value);
}

gboolean
unit_append_limits (GString *unit, const OciSpec *spec, GError **error)
{
  static const char *const controllers[] = { "cpu", "cpuset", "hugetlb", "io", "memory", "misc",
                                             "pids", "rdma", NULL };
  const OciResources *resources = spec->linux_->resources;
  CgroupFacts v2 = { .controllers = (char **) controllers };
  g_autoptr (GPtrArray) hierarchies = g_ptr_array_new ();
  g_autoptr (GPtrArray) settings = NULL;

  if (resources == NULL)
    return TRUE;
  g_ptr_array_add (hierarchies, &v2);
  settings = cgroup_settings_new (resources, "/linux/resources", hierarchies, NULL, error);
  if (settings == NULL)
    {
      g_prefix_error (error, "config.json: ");
      return FALSE;
    }
  for (guint i = 0; i < settings->len; i++)
    {
      const CgroupSetting *setting = g_ptr_array_index (settings, i);

      /* a scheduler's own file has the one of all schedulers beside it */
      if (setting->asked && setting->other_file != NULL)
        append_setting (unit, setting->other_file, setting->other_value);
      else if (setting->asked)
        append_setting (unit, setting->file, setting->value);
    }
  return TRUE;
}
