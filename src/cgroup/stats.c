/* The statistics of cgroups; see stats.h.
 *
 * A number is where a file of its name is: first as cgroup v1 has it, then as v2 does. */
#include "config.h"

#include "cgroup/stats.h"

#include "cgroup/control.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NSEC_PER_USEC 1000
#define MAY_BE_MAX G_MAXUINT64

/* A number in @file: all of it, or behind the word @key. */
typedef struct {
  const char *file;
  const char *key;
} Source;

typedef enum {
  UNIT_ONE,
  UNIT_USEC,   /* microseconds, wanted as nanoseconds */
  UNIT_TICKS,  /* clock ticks, the same */
} Unit;

static const struct {
  gsize member;
  struct {
    Source source;
    Unit unit;
  } v1, v2;
  guint64 otherwise;  /* where it is no number, as "max" */
} numbers[] = {
#define MEMBER(m) offsetof (CgroupStats, m)
  { MEMBER (cpu_total), { { "cpuacct.usage" } }, { { "cpu.stat", "usage_usec" }, UNIT_USEC } },
  { MEMBER (cpu_user), { { "cpuacct.stat", "user" }, UNIT_TICKS },
    { { "cpu.stat", "user_usec" }, UNIT_USEC } },
  { MEMBER (cpu_kernel), { { "cpuacct.stat", "system" }, UNIT_TICKS },
    { { "cpu.stat", "system_usec" }, UNIT_USEC } },
  { MEMBER (periods), { { "cpu.stat", "nr_periods" } }, { { NULL } } },
  { MEMBER (throttled_periods), { { "cpu.stat", "nr_throttled" } }, { { NULL } } },
  { MEMBER (throttled_time), { { "cpu.stat", "throttled_time" } },
    { { "cpu.stat", "throttled_usec" }, UNIT_USEC } },
  { MEMBER (memory.limit), { { "memory.limit_in_bytes" } }, { { "memory.max" } }, MAY_BE_MAX },
  { MEMBER (memory.usage), { { "memory.usage_in_bytes" } }, { { "memory.current" } } },
  { MEMBER (memory.max), { { "memory.max_usage_in_bytes" } }, { { "memory.peak" } } },
  { MEMBER (memory.failcnt), { { "memory.failcnt" } }, { { "memory.events", "max" } } },
  { MEMBER (swap.limit), { { "memory.memsw.limit_in_bytes" } }, { { "memory.swap.max" } },
    MAY_BE_MAX },
  { MEMBER (swap.usage), { { "memory.memsw.usage_in_bytes" } }, { { "memory.swap.current" } } },
  { MEMBER (swap.max), { { "memory.memsw.max_usage_in_bytes" } }, { { "memory.swap.peak" } } },
  { MEMBER (swap.failcnt), { { "memory.memsw.failcnt" } }, { { "memory.swap.events", "max" } } },
  { MEMBER (kernel.limit), { { "memory.kmem.limit_in_bytes" } }, { { NULL } }, MAY_BE_MAX },
  { MEMBER (kernel.usage), { { "memory.kmem.usage_in_bytes" } },
    { { "memory.stat", "kernel" } } },
  { MEMBER (kernel.max), { { "memory.kmem.max_usage_in_bytes" } }, { { NULL } } },
  { MEMBER (kernel.failcnt), { { "memory.kmem.failcnt" } }, { { NULL } } },
  { MEMBER (kernel_tcp.limit), { { "memory.kmem.tcp.limit_in_bytes" } }, { { NULL } },
    MAY_BE_MAX },
  { MEMBER (kernel_tcp.usage), { { "memory.kmem.tcp.usage_in_bytes" } },
    { { "memory.stat", "sock" } } },
  { MEMBER (cache), { { "memory.stat", "cache" } }, { { "memory.stat", "file" } } },
  { MEMBER (pids_current), { { "pids.current" } }, { { NULL } } },
  { MEMBER (pids_limit), { { "pids.max" } }, { { NULL } } },
};

static guint64
to_unit (guint64 value, Unit unit)
{
  switch (unit)
    {
    case UNIT_USEC:
      return value * NSEC_PER_USEC;
    case UNIT_TICKS:
      return value * (G_GUINT64_CONSTANT (1000000000) / (guint64) sysconf (_SC_CLK_TCK));
    case UNIT_ONE:
    default:
      return value;
    }
}

/* Whether @source is in @dir; then *@ret_value is its number, or @otherwise. */
static gboolean
read_source (const CgroupDir *dir, const Source *source, guint64 otherwise, guint64 *ret_value)
{
  const guint64 none = G_MAXUINT64 - 1;
  guint64 value;

  if (source->file == NULL || !cgroup_dir_has (dir, source->file))
    return FALSE;
  value = cgroup_dir_number (dir, source->file, source->key, none);
  if (value == none && source->key != NULL)
    return FALSE;
  *ret_value = value == none ? otherwise : value;
  return TRUE;
}

/* The numbers that are in @dir and that were nowhere yet. */
static void
read_numbers (const CgroupDir *dir, CgroupStats *stats, gboolean *found)
{
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      guint64 *member = (guint64 *) (void *) ((char *) stats + numbers[i].member), value;

      if (found[i])
        continue;
      found[i] = TRUE;
      if (read_source (dir, &numbers[i].v1.source, numbers[i].otherwise, &value))
        *member = to_unit (value, numbers[i].v1.unit);
      else if (read_source (dir, &numbers[i].v2.source, numbers[i].otherwise, &value))
        *member = to_unit (value, numbers[i].v2.unit);
      else
        found[i] = FALSE;
    }
}

/* --- lists --- */

static void
free_number (gpointer data)
{
  CgroupNumber *number = data;

  g_free (number->name);
  g_free (number);
}

static void
free_io (gpointer data)
{
  CgroupIo *io = data;

  g_free (io->op);
  g_free (io);
}

static void
free_hugepages (gpointer data)
{
  CgroupHugepages *hugepages = data;

  g_free (hugepages->size);
  g_free (hugepages);
}

/* The lines of @file; NULL-terminated, none if it is not there. */
static char **
read_lines (const CgroupDir *dir, const char *file)
{
  g_autofree char *text = cgroup_dir_has (dir, file) ? cgroup_dir_read (dir, file, NULL) : NULL;

  return g_strsplit (text != NULL ? text : "", "\n", -1);
}

static void
read_memory_raw (const CgroupDir *dir, CgroupStats *stats)
{
  g_auto (GStrv) lines = read_lines (dir, "memory.stat");

  for (char **line = lines; *line != NULL && **line != '\0'; line++)
    {
      gsize length = strcspn (*line, " ");
      CgroupNumber *number = g_new0 (CgroupNumber, 1);

      number->name = g_strndup (*line, length);
      number->value = g_ascii_strtoull (*line + length, NULL, 10);
      g_ptr_array_add (stats->memory_raw, number);
    }
}

static void
read_percpu (const CgroupDir *dir, CgroupStats *stats)
{
  g_auto (GStrv) lines = read_lines (dir, "cpuacct.usage_percpu");
  g_auto (GStrv) words = g_strsplit (lines[0] != NULL ? lines[0] : "", " ", -1);

  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      {
        guint64 time = g_ascii_strtoull (*word, NULL, 10);

        g_array_append_val (stats->cpu_percpu, time);
      }
}

static void
add_io (GPtrArray *list, const char *device, const char *op, const char *value)
{
  CgroupIo io = { 0 };

  if (sscanf (device, "%u:%u", &io.major, &io.minor) != 2)
    return;
  io.op = g_strdup (op);
  io.value = g_ascii_strtoull (value, NULL, 10);
  g_ptr_array_add (list, g_memdup2 (&io, sizeof io));
}

/* Lines "8:0 Read 4096". */
static void
read_io_v1 (const CgroupDir *dir, const char *file, GPtrArray *list)
{
  g_auto (GStrv) lines = read_lines (dir, file);

  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, " ", -1);

      if (g_strv_length (words) == 3)
        add_io (list, words[0], words[1], words[2]);
    }
}

/* Lines "8:0 rbytes=4096 wbytes=0 rios=1 ...". */
static void
read_io_v2 (const CgroupDir *dir, CgroupStats *stats)
{
  static const struct {
    const char *key;
    const char *op;
    gsize list;
  } keys[] = {
    { "rbytes=", "Read", offsetof (CgroupStats, io_bytes) },
    { "wbytes=", "Write", offsetof (CgroupStats, io_bytes) },
    { "dbytes=", "Discard", offsetof (CgroupStats, io_bytes) },
    { "rios=", "Read", offsetof (CgroupStats, io_operations) },
    { "wios=", "Write", offsetof (CgroupStats, io_operations) },
    { "dios=", "Discard", offsetof (CgroupStats, io_operations) },
  };
  g_auto (GStrv) lines = read_lines (dir, "io.stat");

  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, " ", -1);

      for (guint i = 1; words[0] != NULL && words[i] != NULL; i++)
        for (gsize k = 0; k < G_N_ELEMENTS (keys); k++)
          if (g_str_has_prefix (words[i], keys[k].key))
            add_io (*(GPtrArray **) (void *) ((char *) stats + keys[k].list), words[0], keys[k].op,
                    words[i] + strlen (keys[k].key));
    }
}

/* hugetlb.2MB.usage_in_bytes of cgroup v1, hugetlb.2MB.current of v2. */
static void
read_hugepages_of (const CgroupDir *dir, const char *size, gboolean v2, CgroupStats *stats)
{
  CgroupHugepages *hugepages = g_new0 (CgroupHugepages, 1);
  g_autofree char *usage = g_strdup_printf (v2 ? "hugetlb.%s.current" : "hugetlb.%s.usage_in_bytes",
                                            size);
  g_autofree char *max = g_strdup_printf ("hugetlb.%s.max_usage_in_bytes", size);
  g_autofree char *failcnt = g_strdup_printf (v2 ? "hugetlb.%s.events" : "hugetlb.%s.failcnt",
                                              size);

  hugepages->size = g_strdup (size);
  hugepages->usage.usage = cgroup_dir_number (dir, usage, NULL, 0);
  hugepages->usage.max = v2 ? 0 : cgroup_dir_number (dir, max, NULL, 0);
  hugepages->usage.failcnt = cgroup_dir_number (dir, failcnt, v2 ? "max" : NULL, 0);
  g_ptr_array_add (stats->hugepages, hugepages);
}

static void
read_hugepages (const CgroupDir *dir, CgroupStats *stats)
{
  static const char prefix[] = "hugetlb.";
  static const char *const ends[] = { ".usage_in_bytes", ".current" };
  int fd = openat (dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd >= 0 ? fdopendir (fd) : NULL;
  const struct dirent *entry;

  while (stream != NULL && (entry = readdir (stream)) != NULL)
    for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
      {
        g_autofree char *size = NULL;

        if (!g_str_has_prefix (entry->d_name, prefix) || !g_str_has_suffix (entry->d_name, ends[i]))
          continue;
        size = g_strndup (entry->d_name + strlen (prefix),
                          strlen (entry->d_name) - strlen (prefix) - strlen (ends[i]));
        /* the pages that are reserved have files of their own */
        if (strchr (size, '.') == NULL)
          read_hugepages_of (dir, size, i == 1, stats);
      }
  if (stream != NULL)
    (void) closedir (stream);
}

/* --- pressure --- */

/* A line "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" behind its first word. */
static gboolean
read_stall (const char *line, CgroupStall *stall)
{
  const struct {
    const char *key;
    guint64 *value;
  } words[] = {
    { " avg10=", &stall->avg10 },
    { " avg60=", &stall->avg60 },
    { " avg300=", &stall->avg300 },
    { " total=", &stall->total },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      const char *word = strstr (line, words[i].key);
      char *end;

      if (word == NULL)
        return FALSE;
      *words[i].value = g_ascii_strtoull (word + strlen (words[i].key), &end, 10);
      /* always two digits behind the point */
      if (*end == '.')
        *words[i].value = *words[i].value * 100 + g_ascii_strtoull (end + 1, NULL, 10);
    }
  return TRUE;
}

static void
read_pressure (const CgroupDir *dir, const char *file, CgroupPressure *pressure)
{
  g_auto (GStrv) lines = read_lines (dir, file);

  for (char **line = lines; *line != NULL; line++)
    if ((g_str_has_prefix (*line, "some ") && read_stall (*line, &pressure->some))
        || (g_str_has_prefix (*line, "full ") && read_stall (*line, &pressure->full)))
      pressure->known = TRUE;
}

/* --- all --- */

static void
read_cgroup (const CgroupDir *dir, CgroupStats *stats, gboolean *found)
{
  read_numbers (dir, stats, found);
  read_memory_raw (dir, stats);
  read_percpu (dir, stats);
  read_io_v1 (dir, "blkio.throttle.io_service_bytes_recursive", stats->io_bytes);
  read_io_v1 (dir, "blkio.throttle.io_serviced_recursive", stats->io_operations);
  read_io_v2 (dir, stats);
  read_hugepages (dir, stats);
  read_pressure (dir, "cpu.pressure", &stats->cpu_pressure);
  read_pressure (dir, "memory.pressure", &stats->memory_pressure);
  read_pressure (dir, "io.pressure", &stats->io_pressure);
  /* here swap is counted alone */
  if (cgroup_dir_has (dir, "memory.swap.current"))
    {
      stats->swap.usage += stats->memory.usage;
      stats->swap.max += stats->memory.max;
      if (stats->swap.limit != G_MAXUINT64 && stats->memory.limit != G_MAXUINT64)
        stats->swap.limit += stats->memory.limit;
    }
}

CgroupStats *
cgroup_stats_new (const CgroupRecord *record)
{
  CgroupStats *stats = g_new0 (CgroupStats, 1);
  gboolean found[G_N_ELEMENTS (numbers)] = { FALSE };

  stats->cpu_percpu = g_array_new (FALSE, FALSE, sizeof (guint64));
  stats->memory_raw = g_ptr_array_new_with_free_func (free_number);
  stats->io_bytes = g_ptr_array_new_with_free_func (free_io);
  stats->io_operations = g_ptr_array_new_with_free_func (free_io);
  stats->hugepages = g_ptr_array_new_with_free_func (free_hugepages);
  for (guint i = 0; i < record->entries->len; i++)
    {
      g_auto (CgroupDir) dir = CGROUP_DIR_INIT;

      if (cgroup_entry_open (g_ptr_array_index (record->entries, i), &dir))
        read_cgroup (&dir, stats, found);
    }
  return stats;
}

void
cgroup_stats_free (CgroupStats *stats)
{
  if (stats == NULL)
    return;
  g_array_unref (stats->cpu_percpu);
  g_ptr_array_unref (stats->memory_raw);
  g_ptr_array_unref (stats->io_bytes);
  g_ptr_array_unref (stats->io_operations);
  g_ptr_array_unref (stats->hugepages);
  g_free (stats);
}
