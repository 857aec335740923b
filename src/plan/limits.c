/* Cgroup limits as files and what to write; see limits.h.
 *
 * A limit with one value is a row of a table; its place in the table is its place in the order. The
 * same word has another file and sometimes another meaning in cgroup v1 and v2, and which of the
 * two a controller is in can differ from one controller to the next. */
#include "config.h"

#include "plan/limits.h"

#include "base/error.h"

#include <string.h>

/* A row of the table: a number or word at @member of the object at @section. */
#define LOGARITHM_BITS 40  /* behind the point */

typedef struct {
  CgroupLimit limit;
  FieldKind kind;
  gsize section;  /* of the pointer to it in OciResources */
  gsize member;
  gboolean zero;  /* 0 is a value, though it asks for nothing; else it means absent */
  gboolean max;   /* cgroup v1 calls no limit "max" too, not -1 */
  /* what cgroup v2 takes instead of @value; NULL: nothing, or *@error is set */
  char *(*v2_value) (const CgroupLimits *limits, const char *value, GError **error);
} Row;

/* The binary logarithm of @x, which is at least 1: a library for that would be loaded each time. */
static double
logarithm (double x)
{
  double sum = 0, bit = 1;

  while (x >= 2)
    {
      x /= 2;
      sum += 1;
    }
  for (int i = 0; i < LOGARITHM_BITS; i++)
    {
      bit /= 2;
      x *= x;
      if (x >= 2)
        {
          x /= 2;
          sum += bit;
        }
    }
  return sum;
}

/* The curve of the peers through the least, the usual and the most of both: 2 is 1, 1024 is 100 and
 * 262144 is 10000. */
guint64
cgroup_cpu_weight (guint64 shares)
{
  double l = logarithm ((double) CLAMP (shares, 2, 262144));
  double wanted = ((l * l + 125 * l) / 612 - 7.0 / 34) * logarithm (10) - 1e-9;
  guint64 low = 1, high = 10000;

  while (low < high)
    {
      guint64 middle = (low + high) / 2;

      if (logarithm ((double) middle) < wanted)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

guint64
cgroup_io_weight (guint64 weight)
{
  weight = CLAMP (weight, 10, 1000);
  return 1 + (weight - 10) * 9999 / 990;
}

/* "max" for a number below 0; where v1 calls it so, it is that already. */
static char *
v2_number (const CgroupLimits *limits, const char *value, GError **error)
{
  (void) limits;
  (void) error;
  return g_strdup (*value == '-' ? "max" : value);
}

static char *
v2_weight (const CgroupLimits *limits, const char *value, GError **error)
{
  (void) value;
  (void) error;
  return g_strdup_printf ("%" G_GUINT64_FORMAT,
                          cgroup_cpu_weight (limits->resources->cpu->shares.value));
}

/* cgroup v2 counts swap alone, the specification memory and swap together. */
static char *
v2_swap (const CgroupLimits *limits, const char *value, GError **error)
{
  const OciMemory *memory = limits->resources->memory;
  gint64 swap = memory->swap.value, limit = memory->limit.value;

  if (limit == 0 && limits->present != NULL)
    limit = limits->present->memory_limit;
  if (*value == '-')
    return g_strdup ("max");
  if (limit <= 0)
    return throw_null (error, "%s/memory/swap: without a limit of memory it says nothing about"
                       " swap", limits->at);
  if (swap < limit)
    return throw_null (error, "%s/memory/swap: %" G_GINT64_FORMAT " is less than the limit of"
                       " memory, %" G_GINT64_FORMAT, limits->at, swap, limit);
  return g_strdup_printf ("%" G_GINT64_FORMAT, swap - limit);
}

/* cpu.max holds quota and period; without a new one the period stays as it is. */
static char *
v2_quota (const CgroupLimits *limits, const char *value, GError **error)
{
  const OciCpu *cpu = limits->resources->cpu;
  g_autofree char *quota = v2_number (limits, value, error);

  if (cpu->period.value == 0 && limits->present != NULL && limits->present->cpu_period != NULL)
    return g_strconcat (quota, " ", limits->present->cpu_period, NULL);
  if (cpu->period.value == 0)
    return g_steal_pointer (&quota);
  return g_strdup_printf ("%s %" G_GUINT64_FORMAT, quota, cpu->period.value);
}

/* A period that comes without a quota. */
static char *
v2_period (const CgroupLimits *limits, const char *value, GError **error)
{
  const CgroupPresent *present = limits->present;

  (void) error;
  if (limits->resources->cpu->quota.value != 0)
    return NULL;
  return g_strdup_printf ("%s %s", present != NULL && present->cpu_quota != NULL
                                     ? present->cpu_quota : "max", value);
}

#define PART(section, type, member_) \
  offsetof (OciResources, section), offsetof (type, member_)
#define MEMORY(member) PART (memory, OciMemory, member)
#define CPU(member) PART (cpu, OciCpu, member)

static const Row memory_rows[] = {
  { { "memory", "/memory/limit", "memory.limit_in_bytes", "memory.max", .flags = CGROUP_RETRY },
    FIELD_KIND_INT64, MEMORY (limit), .v2_value = v2_number },
  { { "memory", "/memory/swap", "memory.memsw.limit_in_bytes", "memory.swap.max",
      .flags = CGROUP_RETRY },
    FIELD_KIND_INT64, MEMORY (swap), .v2_value = v2_swap },
  { { "memory", "/memory/reservation", "memory.soft_limit_in_bytes", "memory.low" },
    FIELD_KIND_INT64, MEMORY (reservation), .v2_value = v2_number },
  { { "memory", "/memory/kernel", "memory.kmem.limit_in_bytes", .flags = CGROUP_READ_BACK },
    FIELD_KIND_INT64, MEMORY (kernel) },
  { { "memory", "/memory/kernelTCP", "memory.kmem.tcp.limit_in_bytes",
      .flags = CGROUP_READ_BACK },
    FIELD_KIND_INT64, MEMORY (kernel_tcp) },
  { { "memory", "/memory/swappiness", "memory.swappiness" },
    FIELD_KIND_UINT64, MEMORY (swappiness), .zero = TRUE },
  { { "memory", "/memory/disableOOMKiller", "memory.oom_control" },
    FIELD_KIND_BOOL, MEMORY (disable_oom_killer) },
};

static const Row cpu_rows[] = {
  { { "cpu", "/cpu/idle", "cpu.idle", "cpu.idle" }, FIELD_KIND_INT64, CPU (idle), .zero = TRUE },
  { { "cpu", "/cpu/shares", "cpu.shares", "cpu.weight" }, FIELD_KIND_UINT64, CPU (shares),
    .v2_value = v2_weight },
  { { "cpu", "/cpu/realtimePeriod", "cpu.rt_period_us", .flags = CGROUP_RETRY },
    FIELD_KIND_UINT64, CPU (realtime_period) },
  { { "cpu", "/cpu/realtimeRuntime", "cpu.rt_runtime_us" },
    FIELD_KIND_INT64, CPU (realtime_runtime) },
  { { "cpu", "/cpu/burst", "cpu.cfs_burst_us", "cpu.max.burst", .flags = CGROUP_RETRY },
    FIELD_KIND_UINT64, CPU (burst), .zero = TRUE },
  { { "cpu", "/cpu/period", "cpu.cfs_period_us", "cpu.max", .flags = CGROUP_RETRY },
    FIELD_KIND_UINT64, CPU (period), .v2_value = v2_period },
  { { "cpu", "/cpu/quota", "cpu.cfs_quota_us", "cpu.max" },
    FIELD_KIND_INT64, CPU (quota), .v2_value = v2_quota },
  { { "cpuset", "/cpu/cpus", "cpuset.cpus", "cpuset.cpus",
      .flags = CGROUP_EFFECTIVE }, FIELD_KIND_STRING, CPU (cpus) },
  { { "cpuset", "/cpu/mems", "cpuset.mems", "cpuset.mems",
      .flags = CGROUP_EFFECTIVE }, FIELD_KIND_STRING, CPU (mems) },
};

static const Row pids_rows[] = {
  { { "pids", "/pids/limit", "pids.max", "pids.max", .flags = CGROUP_LATE }, FIELD_KIND_INT64,
    PART (pids, OciPids, limit), .max = TRUE, .v2_value = v2_number },
};

/* Whether a hierarchy has @controller, by its name in cgroup v2; "" is cgroup v2 itself. */
static gboolean
has_controller (const CgroupFacts *facts, const char *controller)
{
  if (*controller == '\0')
    return facts->options == NULL;
  if (facts->options != NULL && strcmp (controller, "io") == 0)
    controller = "blkio";
  return facts->controllers != NULL
         && g_strv_contains ((const char *const *) facts->controllers, controller);
}

/* The index of the hierarchy with @controller, or -1. */
static int
find_hierarchy (const GPtrArray *hierarchies, const char *controller)
{
  for (guint i = 0; i < field_count (hierarchies); i++)
    if (has_controller (g_ptr_array_index (hierarchies, i), controller))
      return (int) i;
  return -1;
}

static void
free_setting (gpointer data)
{
  CgroupSetting *setting = data;

  g_free (setting->file);
  g_free (setting->value);
  g_free (setting->other_file);
  g_free (setting->other_value);
  g_free (setting->pointer);
  g_free (setting);
}

/* Whether it is for want of any hierarchy of the only version that has such a limit. */
static gboolean
wants_other_version (const GPtrArray *hierarchies, const CgroupLimit *limit)
{
  guint of_v2 = find_hierarchy (hierarchies, "") >= 0 ? 1 : 0;

  if (limit->v1_file == NULL)
    return of_v2 == 0;
  return limit->v2_file == NULL && field_count (hierarchies) == of_v2;
}

gboolean
cgroup_limits_add (CgroupLimits *limits, const CgroupLimit *limit, const CgroupValue *value,
                   GError **error)
{
  int index = find_hierarchy (limits->hierarchies, limit->controller);
  const CgroupFacts *facts = index >= 0 ? g_ptr_array_index (limits->hierarchies, index) : NULL;
  gboolean v2 = facts != NULL && facts->options == NULL;
  const char *file = v2 ? limit->v2_file : limit->v1_file;
  const char *other = v2 ? limit->v2_other : limit->v1_other;
  const char *text = v2 && value->v2 != NULL ? value->v2 : value->v1;
  CgroupSetting *setting;

  if (facts == NULL || file == NULL)
    {
      if (!value->asked)
        return TRUE;
      if (facts != NULL || wants_other_version (limits->hierarchies, limit))
        return throw (error, "%s%s: only cgroup %s has such a limit", limits->at, limit->pointer,
                      limit->v1_file != NULL ? "v1" : "v2");
      return throw (error, "%s%s: there is no %s controller", limits->at, limit->pointer,
                    limit->controller);
    }
  setting = g_new0 (CgroupSetting, 1);
  setting->hierarchy = (guint) index;
  setting->controller = limit->controller;
  setting->flags = limit->flags;
  setting->asked = value->asked;
  setting->file = g_strdup (file);
  setting->value = g_strdup (text);
  setting->other_file = g_strdup (other);
  setting->other_value = g_strdup (v2 && value->v2_other != NULL ? value->v2_other : text);
  setting->pointer = g_strconcat (limits->at, limit->pointer, NULL);
  g_ptr_array_add (limits->settings, setting);
  return TRUE;
}

/* The text of a row's member; NULL: it is absent. */
static char *
row_text (const Row *row, const OciResources *resources, gboolean *ret_asked)
{
  const char *object = *(const char *const *) (const void *) ((const char *) resources
                                                              + row->section);
  const void *member = object != NULL ? object + row->member : NULL;
  const OptInt64 *number = member;
  const OptUint64 *natural = member;
  const char *const *string = member;

  *ret_asked = TRUE;
  if (object == NULL)
    return NULL;
  switch (row->kind)
    {
    case FIELD_KIND_INT64:
      *ret_asked = number->value != 0 && number->value != -1;
      if (!number->set || (number->value == 0 && !row->zero))
        return NULL;
      return row->max && number->value < 0 ? g_strdup ("max")
                                           : g_strdup_printf ("%" G_GINT64_FORMAT, number->value);
    case FIELD_KIND_UINT64:
      *ret_asked = natural->value != 0 || row->limit.v2_file == NULL;
      if (!natural->set || (natural->value == 0 && !row->zero))
        return NULL;
      return g_strdup_printf ("%" G_GUINT64_FORMAT, natural->value);
    case FIELD_KIND_STRING:
      return *string != NULL && **string != '\0' ? g_strdup (*string) : NULL;
    case FIELD_KIND_BOOL:
      return ((const OptBool *) member)->value ? g_strdup ("1") : NULL;
    default:
      g_return_val_if_reached (NULL);
    }
}

static gboolean
add_row (CgroupLimits *limits, const Row *row, GError **error)
{
  int index = find_hierarchy (limits->hierarchies, row->limit.controller);
  const CgroupFacts *facts = index >= 0 ? g_ptr_array_index (limits->hierarchies, index) : NULL;
  CgroupValue value = { 0 };
  g_autofree char *text = row_text (row, limits->resources, &value.asked);
  g_autofree char *v2_text = NULL;

  if (text == NULL)
    return TRUE;
  if (facts != NULL && facts->options == NULL && row->v2_value != NULL)
    {
      g_autoptr (GError) local = NULL;

      v2_text = row->v2_value (limits, text, &local);
      if (local != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      if (v2_text == NULL)
        return TRUE;
    }
  value.v1 = text;
  value.v2 = v2_text;
  return cgroup_limits_add (limits, &row->limit, &value, error);
}

static gboolean
add_rows (CgroupLimits *limits, const Row *rows, gsize n_rows, GError **error)
{
  for (gsize i = 0; i < n_rows; i++)
    if (!add_row (limits, &rows[i], error))
      return FALSE;
  return TRUE;
}

/* What is in use may be more than a limit that shall only hold if it fits. The words are the
 * peers'. */
static gboolean
check_usage (const CgroupLimits *limits, GError **error)
{
  const CgroupPresent *present = limits->present;
  const OciMemory *memory = limits->resources->memory;
  const struct {
    const char *name, *what;
    gint64 wanted;
  } checks[] = {
    { "swap", "memory+swap", memory != NULL ? memory->swap.value : 0 },
    { "limit", "memory", memory != NULL ? memory->limit.value : 0 },
  };

  if (present == NULL || memory == NULL || !memory->check_before_update.value)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (checks); i++)
    if (checks[i].wanted > 0 && (guint64) checks[i].wanted < present->memory_usage)
      return throw (error, "%s/memory/%s: rejecting %s limit %" G_GINT64_FORMAT " < usage %"
                    G_GUINT64_FORMAT, limits->at, checks[i].name, checks[i].what,
                    checks[i].wanted, present->memory_usage);
  return TRUE;
}

/* No limit of memory means none of swap either, unless one was given. */
static gboolean
add_swap_of_unlimited (CgroupLimits *limits, GError **error)
{
  static const CgroupLimit swap = {
    "memory", "/memory/limit", "memory.memsw.limit_in_bytes", "memory.swap.max",
    .flags = CGROUP_MAY_MISS,
  };
  const OciMemory *memory = limits->resources->memory;
  const CgroupValue value = { .v1 = "-1", .v2 = "max" };

  if (memory == NULL || memory->limit.value != -1 || memory->swap.value != 0)
    return TRUE;
  return cgroup_limits_add (limits, &swap, &value, error);
}

static gboolean
is_weight (const CgroupSetting *setting)
{
  static const char *const files[] = { "cpu.weight", "cpu.weight.nice", "cpu.shares", NULL };

  return g_strv_contains (files, setting->file);
}

/* Takes out, and returns, what cpu.idle shall be at the end; NULL: nothing is said of it. */
static CgroupSetting *
steal_idle (GPtrArray *settings)
{
  CgroupSetting *idle = NULL;

  for (guint i = settings->len; i-- > 0;)
    {
      CgroupSetting *setting = g_ptr_array_index (settings, i);

      if (strcmp (setting->file, "cpu.idle") != 0)
        continue;
      (void) g_ptr_array_steal_index (settings, i);
      if (idle == NULL)
        idle = setting;
      else
        free_setting (setting);
    }
  return idle;
}

/* Removes the weights, and returns whether there were any; or only looks for them. */
static gboolean
find_weights (GPtrArray *settings, gboolean remove)
{
  gboolean found = FALSE;

  for (guint i = settings->len; i-- > 0;)
    if (is_weight (g_ptr_array_index (settings, i)))
      {
        found = TRUE;
        if (remove)
          g_ptr_array_remove_index (settings, i);
      }
  return found;
}

/* The kernel refuses a weight to an idle cgroup and forgets the one it had, and one that becomes
 * idle no longer has the usual one (sched_group_set_idle ()). To systemd idle is a weight. So who
 * asks for both gets an idle cgroup, who asks for a weight no idle one, and a cgroup that is no
 * longer idle has its usual weight by name. */
static gboolean
settle_idle (CgroupLimits *limits, GError **error)
{
  static const CgroupLimit not_idle = { "cpu", "/cpu/shares", "cpu.idle", "cpu.idle" };
  static const CgroupLimit usual_weight = { "cpu", "/cpu/idle", "cpu.shares", "cpu.weight" };
  static const CgroupValue zero = { .v1 = "0" }, usual = { .v1 = "1024", .v2 = "100" };
  gboolean was_idle = limits->present != NULL && limits->present->cpu_idle;
  CgroupSetting *idle = steal_idle (limits->settings);
  gboolean stays = idle != NULL && strcmp (idle->value, "0") != 0;
  gboolean weighted = find_weights (limits->settings, stays);

  if (idle == NULL && was_idle && weighted)
    {
      if (!cgroup_limits_add (limits, &not_idle, &zero, error))
        return FALSE;
      idle = steal_idle (limits->settings);
    }
  if (idle != NULL)
    g_ptr_array_insert (limits->settings, 0, idle);
  return idle == NULL || stays || !was_idle || weighted
         || cgroup_limits_add (limits, &usual_weight, &usual, error);
}

GPtrArray *
cgroup_settings_new (const OciResources *resources, const char *at, const GPtrArray *hierarchies,
                     const CgroupPresent *present, GError **error)
{
  g_autoptr (GPtrArray) settings = g_ptr_array_new_with_free_func (free_setting);
  CgroupLimits limits = { resources, at, hierarchies, present, settings };

  if (!check_usage (&limits, error)
      || !add_swap_of_unlimited (&limits, error)
      || !add_rows (&limits, memory_rows, G_N_ELEMENTS (memory_rows), error)
      || !add_rows (&limits, cpu_rows, G_N_ELEMENTS (cpu_rows), error)
      || !add_rows (&limits, pids_rows, G_N_ELEMENTS (pids_rows), error)
      || !cgroup_limits_add_lists (&limits, error)
      || !settle_idle (&limits, error))
    return NULL;
  return g_steal_pointer (&settings);
}
