/* The scope that systemd makes for a container (systemd.scope(5)): its name and its properties
 * (org.freedesktop.systemd1(5)).
 *
 * The container's cgroup is one below that of the scope, where systemd has no say, and the limits
 * are set in its files as anywhere else: systemd takes a property without a word where it lacks the
 * controller. The same limits as properties are for the scope: weights and protection count among
 * its siblings, a reload keeps them, and who asks systemd is told of them. */
#include "config.h"

#include "plan/builder.h"

#include <string.h>

#define CGROUPS_PATH "/linux/cgroupsPath"
#define SUBGROUP_ANNOTATION "run.oci.systemd.subgroup"
#define PROPERTY_PREFIX "org.systemd.property."

/* What is not said about a scope. */
#define DEFAULT_PREFIX "bwrap-oci"
#define DEFAULT_SUBGROUP "container"

/* Until the container is made there are bwrap's processes beside its first one. */
#define TASKS_SPARE 32

/* systemd rounds a quota to hundredths of a CPU; the cgroups below must not have more. */
#define QUOTA_STEP 10000
#define QUOTA_PERIOD 100000
#define USEC_PER_SEC 1000000

static void
free_property (gpointer data)
{
  ScopeProperty *property = data;

  g_free (property->name);
  g_free (property->value);
  g_free (property);
}

/* Adds a property, unless @value, which may be floating, is NULL. */
static void
add_property (GPtrArray *properties, const char *name, GVariant *value)
{
  ScopeProperty *property;
  g_autoptr (GVariant) owned = value != NULL ? g_variant_ref_sink (value) : NULL;

  if (owned == NULL)
    return;
  property = g_new0 (ScopeProperty, 1);
  property->name = g_strdup (name);
  property->value = g_variant_print (owned, TRUE);
  g_ptr_array_add (properties, property);
}

void
scope_free (CgroupScope *scope)
{
  if (scope == NULL)
    return;
  g_free (scope->unit);
  g_free (scope->slice);
  g_free (scope->subgroup);
  g_clear_pointer (&scope->properties, g_ptr_array_unref);
  g_clear_pointer (&scope->late, g_ptr_array_unref);
  g_free (scope);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CgroupScope, scope_free)

/* --- limits --- */

/* A number of bytes or the like; without limit it is the largest. NULL: the file takes more than
 * a property does. */
static GVariant *
read_number (const char *text)
{
  guint64 number = G_MAXUINT64;

  if (*text != '-' && strcmp (text, "max") != 0
      && !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &number, NULL))
    return NULL;
  return g_variant_new_uint64 (number);
}

/* 0 is how systemd calls an idle cgroup. */
static GVariant *
read_idle (const char *text)
{
  return strcmp (text, "1") == 0 ? g_variant_new_uint64 (0) : NULL;
}

static GVariant *
read_mask (const char *text)
{
  g_autoptr (GArray) mask = cgroup_list_mask (text);

  return mask != NULL ? g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, mask->data, mask->len, 1)
                      : NULL;
}

static const struct {
  const char *file;
  const char *property;
  GVariant *(*read) (const char *text);
  gboolean v2_only;  /* systemd does nothing with it on v1 */
} rows[] = {
  { "memory.max", "MemoryMax", read_number },
  { "memory.limit_in_bytes", "MemoryMax", read_number },
  { "memory.high", "MemoryHigh", read_number },
  { "memory.low", "MemoryLow", read_number },
  { "memory.min", "MemoryMin", read_number },
  { "memory.swap.max", "MemorySwapMax", read_number },
  { "pids.max", "TasksMax", read_number },
  { "cpu.weight", "CPUWeight", read_number },
  { "cpu.shares", "CPUShares", read_number },
  { "cpu.idle", "CPUWeight", read_idle, TRUE },
  { "cpuset.cpus", "AllowedCPUs", read_mask, TRUE },
  { "cpuset.mems", "AllowedMemoryNodes", read_mask, TRUE },
  { "io.weight", "IOWeight", read_number },
  { "blkio.weight", "BlockIOWeight", read_number },
};

/* What is written to @file at the end; NULL: nothing is. */
static const char *
find_value (const GPtrArray *settings, const char *file)
{
  for (guint i = settings->len; i-- > 0;)
    {
      const CgroupSetting *setting = g_ptr_array_index (settings, i);

      if (strcmp (setting->file, file) == 0)
        return setting->value;
    }
  return NULL;
}

/* The quota is a share of all time here. @text is that of cpu.max: "max", "20000", "20000 100000";
 * or that of cpu.cfs_quota_us, whose period has a file of its own. */
static void
add_quota (GPtrArray *properties, const char *text, const GPtrArray *settings)
{
  const char *space = strchr (text, ' ');
  const char *other = find_value (settings, "cpu.cfs_period_us");
  guint64 period = space != NULL ? g_ascii_strtoull (space + 1, NULL, 10)
                   : other != NULL ? g_ascii_strtoull (other, NULL, 10) : QUOTA_PERIOD;
  guint64 quota = g_ascii_strtoull (text, NULL, 10), share = G_MAXUINT64;

  if (g_ascii_isdigit (*text) && period > 0 && quota <= G_MAXUINT64 / USEC_PER_SEC - 1)
    share = (quota * USEC_PER_SEC / period + QUOTA_STEP - 1) / QUOTA_STEP * QUOTA_STEP;
  add_property (properties, "CPUQuotaPerSecUSec", g_variant_new_uint64 (share));
  if (period > 0 && (space != NULL || other != NULL))
    add_property (properties, "CPUQuotaPeriodUSec", g_variant_new_uint64 (period));
}

static gboolean
is_late (const CgroupSetting *setting)
{
  return (setting->flags & CGROUP_LATE) != 0 && g_ascii_isdigit (*setting->value)
         && g_ascii_strtoull (setting->value, NULL, 10) < TASKS_SPARE;
}

/* io.bfq.weight has another scale than what systemd takes. */
static void
add_setting (GPtrArray *properties, const CgroupSetting *setting, gboolean v2)
{
  gboolean other = setting->other_file != NULL;
  const char *file = other ? setting->other_file : setting->file;
  const char *value = other ? setting->other_value : setting->value;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (strcmp (rows[i].file, file) == 0 && (v2 || !rows[i].v2_only))
      add_property (properties, rows[i].property, rows[i].read (value));
}

GPtrArray *
scope_properties_new (const GPtrArray *settings, const GPtrArray *hierarchies, gboolean late)
{
  GPtrArray *properties = g_ptr_array_new_with_free_func (free_property);

  for (guint i = 0; i < settings->len; i++)
    {
      const CgroupSetting *setting = g_ptr_array_index (settings, i);
      const CgroupFacts *facts = g_ptr_array_index (hierarchies, setting->hierarchy);

      if (is_late (setting) != late)
        continue;
      if (strcmp (setting->file, "cpu.max") == 0 || strcmp (setting->file, "cpu.cfs_quota_us") == 0)
        add_quota (properties, setting->value, settings);
      else
        add_setting (properties, setting, facts->options == NULL);
    }
  return properties;
}

/* --- annotations --- */

/* What the caller's annotations must leave to us. */
static const char *const own_properties[] = { "Delegate", "PIDs", "Slice", NULL };

/* A time in seconds, of whatever type, in microseconds; NULL: it is no number. */
static GVariant *
to_usec (GVariant *seconds)
{
  g_autofree char *text = g_variant_print (seconds, FALSE);
  char *end;
  double usec = g_ascii_strtod (text, &end) * USEC_PER_SEC;

  /* "nan" is neither */
  if (!g_variant_type_is_basic (g_variant_get_type (seconds)) || *end != '\0'
      || !(usec >= 0 && usec < (double) G_MAXUINT64))
    return NULL;
  return g_variant_new_uint64 ((guint64) usec);
}

/* "org.systemd.property.NAME": its value is text of GVariant; a name that ends in Sec is a time in
 * seconds, which systemd knows by the same name with USec. */
static gboolean
add_annotation (GPtrArray *properties, const OciPair *pair, GError **error)
{
  const char *name = pair->key + strlen (PROPERTY_PREFIX);
  gboolean seconds = g_str_has_suffix (name, "Sec") && !g_str_has_suffix (name, "USec");
  g_autofree char *pointer = g_strconcat ("/annotations/", pair->key, NULL);
  g_autofree char *in_usec = NULL;
  g_autoptr (GVariant) value = NULL;
  GVariant *usec;

  if (strlen (name) < 3 || strspn (name, G_CSET_A_2_Z G_CSET_a_2_z) != strlen (name))
    return plan_refuse (error, pointer, "\"%s\" is not the name of a property", name);
  if (g_strv_contains (own_properties, name))
    return plan_refuse (error, pointer, "that is for bwrap-oci to say");
  value = g_variant_parse (NULL, pair->value, NULL, NULL, NULL);
  if (value == NULL)
    return plan_refuse (error, pointer, "expected a value as GVariant has them, got \"%s\"",
                        pair->value);
  if (!seconds)
    {
      add_property (properties, name, value);
      return TRUE;
    }
  usec = to_usec (value);
  if (usec == NULL)
    return plan_refuse (error, pointer, "expected a number of seconds, got \"%s\"", pair->value);
  in_usec = g_strdup_printf ("%.*sUSec", (int) (strlen (name) - strlen ("Sec")), name);
  add_property (properties, in_usec, usec);
  return TRUE;
}

static gboolean
add_annotations (GPtrArray *properties, const OciSpec *spec, GError **error)
{
  for (guint i = 0; i < field_count (spec->annotations); i++)
    {
      const OciPair *pair = g_ptr_array_index (spec->annotations, i);

      if (g_str_has_prefix (pair->key, PROPERTY_PREFIX)
          && !add_annotation (properties, pair, error))
        return FALSE;
    }
  return TRUE;
}

/* --- the scope --- */

/* Takes slice:prefix:name apart; "" and NULL are all left to us. */
static gboolean
read_path (CgroupScope *scope, PlanContext *context, GError **error)
{
  const MachineFacts *machine = &context->facts->machine;
  const char *path = context->spec->linux_->cgroups_path;
  gboolean none = path == NULL || *path == '\0';
  g_autofree char *usual = g_strconcat ("::", context->options->id, NULL);
  g_auto (GStrv) parts = NULL;

  if (!none && !cgroup_is_slice_path (path))
    return plan_refuse (error, CGROUPS_PATH, "expected cgroupsPath to be of format"
                        " \"slice:prefix:name\" for systemd cgroups, got \"%s\" instead", path);
  parts = g_strsplit (none ? usual : path, ":", 3);
  if ((!none && strchr (path, '/') != NULL) || *parts[2] == '\0'
      || g_str_has_suffix (parts[2], ".slice"))
    return plan_refuse (error, CGROUPS_PATH, "\"%s\" does not name a scope", path);
  scope->unit = g_strdup_printf ("%s-%s.scope", *parts[1] != '\0' ? parts[1] : DEFAULT_PREFIX,
                                 parts[2]);
  scope->slice = g_strdup (*parts[0] != '\0' ? parts[0]
                           : plan_privileged (machine) && machine->initial_user_ns
                               ? "system.slice" : "user.slice");
  return TRUE;
}

CgroupScope *
plan_scope (PlanContext *context, GError **error)
{
  const char *subgroup = oci_spec_annotation (context->spec, SUBGROUP_ANNOTATION);
  g_autoptr (CgroupScope) scope = g_new0 (CgroupScope, 1);
  GPtrArray *properties = g_ptr_array_new_with_free_func (free_property);

  scope->properties = properties;
  scope->late = g_ptr_array_new ();
  scope->subgroup = g_strdup (subgroup != NULL ? subgroup : DEFAULT_SUBGROUP);
  if (!read_path (scope, context, error))
    return NULL;
  if (*scope->subgroup != '\0' && !cgroup_is_name (scope->subgroup))
    {
      plan_refuse (error, "/annotations/" SUBGROUP_ANNOTATION, "\"%s\" is not the name of a cgroup",
                   scope->subgroup);
      return NULL;
    }
  add_property (properties, "Description",
                g_variant_new_take_string (g_strdup_printf ("bwrap-oci container %s",
                                                            context->options->id)));
  add_property (properties, "Slice", g_variant_new_string (scope->slice));
  add_property (properties, "Delegate", g_variant_new_boolean (TRUE));
  /* else a scope that failed keeps its name */
  add_property (properties, "CollectMode", g_variant_new_string ("inactive-or-failed"));
  if (!add_annotations (properties, context->spec, error))
    return NULL;
  return g_steal_pointer (&scope);
}
