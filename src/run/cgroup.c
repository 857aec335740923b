/* The cgroups of one container; see cgroup.h. */
#include "config.h"

#include "run/cgroup.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "cgroup/devices.h"
#include "host/cgroups.h"
#include "run/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define RECORD_MAX 65536
#define MEMBERSHIP_MAX 65536

/* --- doors --- */

static void
clear_door (gpointer data)
{
  SpawnCgroup *door = data;

  fd_clear (&door->procs);
  fd_clear (&door->directory);
  g_free (door->path);
}

void
cgroup_doors_clear (CgroupDoors *doors)
{
  g_clear_pointer (&doors->doors, g_array_unref);
  g_clear_pointer (&doors->scope, systemd_scope_free);
}

static gboolean
add_door (CgroupDoors *doors, const CgroupDir *dir, GError **error)
{
  SpawnCgroup door = { .procs = openat (dir->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC),
                       .directory = -1 };
  struct statfs fs;

  if (door.procs < 0)
    return throw_errno (error, "open %s/cgroup.procs", dir->path);
  if (fstatfs (dir->fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
    door.directory = openat (dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  door.path = g_strdup (dir->path);
  if (doors->doors == NULL)
    {
      doors->doors = g_array_new (FALSE, FALSE, sizeof (SpawnCgroup));
      g_array_set_clear_func (doors->doors, clear_door);
    }
  g_array_append_val (doors->doors, door);
  return TRUE;
}

static gboolean
open_doors (const CgroupSet *set, CgroupDoors *ret_doors, GError **error)
{
  for (guint i = 0; set->dirs != NULL && i < set->dirs->len; i++)
    if (!add_door (ret_doors, cgroup_set_get (set, i), error))
      return FALSE;
  return TRUE;
}

/* Process @pid waits to go through @data, CgroupDoors: only the manager may move it there, from
 * outside of what it rules over (cgroups(7), "delegation containment"). */
static gboolean
attach (pid_t pid, gpointer data, GError **error)
{
  const CgroupDoors *doors = data;
  g_autofree char *scope = g_strconcat ("/", doors->scope->unit, NULL);

  for (guint i = 0; i < doors->doors->len; i++)
    {
      const SpawnCgroup *door = &g_array_index (doors->doors, SpawnCgroup, i);
      const char *found = door->directory >= 0 ? strstr (door->path, scope) : NULL;

      if (found != NULL)
        return systemd_scope_attach (doors->scope, found + strlen (scope), pid, error);
    }
  return TRUE;
}

gboolean
cgroup_doors_spawn (const CgroupDoors *doors, const SpawnRequest *request, pid_t *ret_pid,
                    int *ret_pidfd, GError **error)
{
  SpawnRequest through = *request;
  g_autoptr (GError) local = NULL;

  if (doors->doors != NULL)
    {
      through.cgroups = (const SpawnCgroup *) (const void *) doors->doors->data;
      through.n_cgroups = doors->doors->len;
    }
  through.admit = doors->admit;
  through.admit_data = doors->admit_data;
  if (spawn (&through, ret_pid, ret_pidfd, &local))
    return TRUE;
  if (errno != EACCES || doors->doors == NULL || doors->scope == NULL || through.admit != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  through.admit = attach;
  through.admit_data = (gpointer) doors;
  return spawn (&through, ret_pid, ret_pidfd, error);
}

/* --- making them --- */

static gboolean
save (Container *container, const CgroupRecord *record, GError **error)
{
  g_autoptr (GString) line = cgroup_record_format (record);

  return container_write (container, CONTAINER_CGROUP_FILE, line->str, line->len, error);
}

static gboolean
set_devices (const CgroupPlan *plan, const CgroupSet *set, GError **error)
{
  const CgroupTarget *target;

  if (plan->devices == NULL)
    return TRUE;
  target = g_ptr_array_index (plan->targets, (guint) plan->device_target);
  return cgroup_set_devices (cgroup_set_get (set, (guint) plan->device_target),
                             target->options == NULL, plan->devices,
                             "config.json: /linux/resources", error);
}

static gboolean
set_limits (const CgroupPlan *plan, const CgroupSet *set, gboolean late, GError **error)
{
  const CgroupLimitsRequest request = { "config.json", plan->settings, set,
                                        plan->scope != NULL && *plan->scope->subgroup != '\0' };

  return cgroups_set_limits (&request, late, error);
}

void
cgroup_making_clear (CgroupMaking *making)
{
  cgroup_set_clear (&making->set);
  cgroup_doors_clear (&making->doors);
}

/* Makes what is planned, on @record; process @pid is the first in there, 0: nobody yet. */
static gboolean
make (CgroupMaking *making, CgroupRecord *record, pid_t pid, GError **error)
{
  const CgroupPlan *plan = making->plan->cgroup;

  record->devices = (OptBool) { TRUE, plan->devices != NULL };
  return cgroups_survey (plan, record, error)
         && save (making->container, record, error)
         && cgroups_make (plan, pid, record, &making->set, error)
         && save (making->container, record, error)
         && set_limits (plan, &making->set, FALSE, error)
         && set_devices (plan, &making->set, error)
         && open_doors (&making->set, &making->doors, error);
}

/* Where in the hierarchies the container's cgroup is, now that process @pid is in the scope. */
static gboolean
place (CgroupMaking *making, pid_t pid, GError **error)
{
  CgroupPlan *plan = making->plan->cgroup;
  g_autofree char *scope = host_cgroup_of_unit (pid, plan->scope->unit, error);
  g_autofree char *wanted = NULL;
  MachineFacts places = { 0 };
  gboolean ok;

  if (scope == NULL)
    return FALSE;
  wanted = g_strconcat (scope, "/", plan->scope->subgroup, NULL);
  ok = host_cgroup_places (&places, pid, wanted, NULL, error)
       && cgroup_plan_place (plan, places.cgroups, error);
  g_clear_pointer (&places.cgroups, g_ptr_array_unref);
  return ok && (plan->targets->len > 0
                || throw (error, "systemd: %s: its cgroup cannot be written to",
                          plan->scope->unit));
}

/* Makes the scope with @pid in it, and the cgroup below. What is not on record goes by itself: it
 * has no process when this one has ended. */
static gboolean
make_scope (pid_t pid, gpointer data, GError **error)
{
  CgroupMaking *making = data;
  const CgroupScope *wanted = making->plan->cgroup->scope;
  g_autoptr (CgroupRecord) record = cgroup_record_new (error);

  if (record == NULL)
    return FALSE;
  if (making->bus == NULL)
    return throw (error, "systemd: no session bus: neither DBUS_SESSION_BUS_ADDRESS nor"
                         " XDG_RUNTIME_DIR is set");
  making->doors.admit = NULL;
  record->scope = g_new0 (SystemdScope, 1);
  record->scope->bus = g_strdup (making->bus);
  record->scope->unit = g_strdup (wanted->unit);
  if (!systemd_scope_start (record->scope, wanted->properties, pid, error))
    return FALSE;
  making->doors.scope = systemd_scope_copy (record->scope);
  return save (making->container, record, error) && place (making, pid, error)
         && make (making, record, pid, error);
}

gboolean
container_cgroup_make (CgroupMaking *making, GError **error)
{
  const CgroupPlan *plan = making->plan->cgroup;
  g_autoptr (CgroupRecord) record = NULL;

  if (plan->scope != NULL)
    {
      making->doors.admit = make_scope;
      making->doors.admit_data = making;
      return TRUE;
    }
  if (plan->targets->len == 0)
    return TRUE;
  record = cgroup_record_new (error);
  return record != NULL && make (making, record, 0, error);
}

gboolean
container_cgroup_finish (const CgroupMaking *making, pid_t pid, GError **error)
{
  const CgroupPlan *plan = making->plan->cgroup;

  if (making->set.dirs == NULL)
    return TRUE;
  return (plan->delegated == NULL || cgroups_delegate (plan, &making->set, pid, error))
         && (plan->scope == NULL
             || systemd_scope_set (making->doors.scope, plan->scope->late, error))
         && set_limits (plan, &making->set, TRUE, error);
}

gboolean
container_cgroup_load (const Container *container, CgroupRecord **ret_record, GError **error)
{
  g_autoptr (GBytes) text = NULL;
  CgroupRecord *record;
  const char *data;
  gsize length;

  if (!fd_read_present_at (container->fd, CONTAINER_CGROUP_FILE, RECORD_MAX, &text, error))
    return FALSE;
  if (text == NULL)
    {
      *ret_record = NULL;
      return TRUE;
    }
  data = g_bytes_get_data (text, &length);
  record = cgroup_record_parse (data, length, error);
  if (record == NULL)
    {
      g_prefix_error (error, CONTAINER_CGROUP_FILE ": ");
      errno = EBADMSG;
      return FALSE;
    }
  *ret_record = record;
  return TRUE;
}

/* Where in cgroup @above, which is the container's, @pid is: "/init.scope"; "" for that itself. The
 * two are seen from different roots, so as much as fits of the end of one and the beginning of the
 * other is the same. */
static char *
find_below (pid_t pid, const CgroupDir *above)
{
  g_autofree char *file = g_strdup_printf ("/proc/%d/cgroup", (int) pid);
  g_autofree char *text = fd_read_file_at (AT_FDCWD, file, MEMBERSHIP_MAX, NULL, NULL);
  char *line = text != NULL ? strstr (text, "0::/") : NULL;

  if (line == NULL || (line > text && line[-1] != '\n'))
    return g_strdup ("");
  line += strlen ("0::");
  line[strcspn (line, "\n")] = '\0';
  for (gsize end = strlen (line); end > 1; end--)
    {
      g_autofree char *head = g_strndup (line, end);

      if ((line[end] == '/' || line[end] == '\0') && g_str_has_suffix (above->path, head))
        return g_strdup (line + end);
    }
  return g_strdup ("");
}

/* Adds the door to the cgroup @below the container's own, whose path is that of exec --cgroup. */
static gboolean
add_wanted_door (const CgroupDir *dir, const char *below, CgroupDoors *doors, GError **error)
{
  g_autofree char *normal = oci_path_normalize (below);
  g_autofree char *path = g_strconcat (dir->path, strcmp (normal, "/") == 0 ? "" : normal, NULL);
  g_auto (CgroupDir) inner = CGROUP_DIR_INIT;

  return cgroup_dir_open (&inner, path, error) && add_door (doors, &inner, error);
}

/* Whether other processes than those below may be in the cgroup: with controllers handed down there
 * may be none, and where the first process went away from it none are wanted. */
static gboolean
takes_processes (const CgroupDir *dir)
{
  g_autofree char *handed_down = cgroup_dir_read (dir, "cgroup.subtree_control", NULL);
  g_autofree char *procs = cgroup_dir_read (dir, "cgroup.procs", NULL);

  return (handed_down == NULL || *handed_down == '\0') && (procs == NULL || *procs != '\0');
}

static gboolean
add_own_door (const Container *container, const CgroupEntry *entry, const CgroupDir *dir,
              CgroupDoors *doors, GError **error)
{
  g_autofree char *below = NULL;

  if (entry->options != NULL || takes_processes (dir))
    return add_door (doors, dir, error);
  below = find_below (container->init.pid, dir);
  return add_wanted_door (dir, below, doors, error);
}

/* Whether the cgroup of @entry, @dir, has one of the controllers in front of the colon of @word. */
static gboolean
is_meant (const CgroupEntry *entry, const CgroupDir *dir, const char *word)
{
  const char *colon = strchr (word, ':');
  g_autofree char *text = NULL;
  g_auto (GStrv) wanted = NULL, controllers = NULL;

  if (colon == NULL)
    return TRUE;
  text = entry->options == NULL ? cgroup_dir_read (dir, "cgroup.controllers", NULL)
                                : g_strdelimit (g_strdup (entry->options), ",", ' ');
  controllers = g_strsplit (text != NULL ? text : "", " ", -1);
  wanted = g_strsplit (word, ",", -1);
  wanted[g_strv_length (wanted) - 1][strcspn (wanted[g_strv_length (wanted) - 1], ":")] = '\0';
  for (char **one = wanted; *one != NULL; one++)
    if (**one != '\0' && g_strv_contains ((const char *const *) controllers, *one))
      return TRUE;
  return FALSE;
}

/* Opens the door to the cgroup of @entry, or to that below it which @below names. */
static gboolean
open_entry (const Container *container, const CgroupEntry *entry, const GPtrArray *below,
            CgroupDoors *doors, GError **error)
{
  g_auto (CgroupDir) dir = CGROUP_DIR_INIT;

  if (!cgroup_entry_open (entry, &dir))
    return TRUE;
  for (guint i = 0; i < field_count (below); i++)
    {
      const char *word = g_ptr_array_index (below, i), *colon = strchr (word, ':');

      if (is_meant (entry, &dir, word))
        return add_wanted_door (&dir, colon != NULL ? colon + 1 : word, doors, error);
    }
  return add_own_door (container, entry, &dir, doors, error);
}

/* Whether @word of exec --cgroup names something above. */
static gboolean
leads_up (const char *word)
{
  const char *colon = strchr (word, ':');
  g_auto (GStrv) names = g_strsplit (colon != NULL ? colon + 1 : word, "/", -1);

  return g_strv_contains ((const char *const *) names, "..");
}

/* The @index-th of the container's cgroups, first those that were made for it; NULL: no more. */
static const CgroupEntry *
nth_entry (const CgroupRecord *record, guint index)
{
  if (record == NULL)
    return NULL;
  if (index < record->entries->len)
    return g_ptr_array_index (record->entries, index);
  index -= record->entries->len;
  return index < field_count (record->joined) ? g_ptr_array_index (record->joined, index) : NULL;
}

/* Fails for a word of exec --cgroup that means no cgroup of the container. */
static gboolean
check_below (const CgroupRecord *record, const GPtrArray *below, GError **error)
{
  for (guint k = 0; k < field_count (below); k++)
    {
      const char *word = g_ptr_array_index (below, k);
      const CgroupEntry *entry;
      gboolean meant = FALSE;

      if (leads_up (word))
        return throw (error, "--cgroup: %s is not a sub cgroup path", word);
      for (guint i = 0; !meant && (entry = nth_entry (record, i)) != NULL; i++)
        {
          g_auto (CgroupDir) dir = CGROUP_DIR_INIT;

          meant = cgroup_entry_open (entry, &dir) && is_meant (entry, &dir, word);
        }
      if (!meant)
        return throw (error, "--cgroup %s: the container has no such cgroup of its own", word);
    }
  return TRUE;
}

gboolean
container_cgroup_doors (const Container *container, const GPtrArray *below,
                        CgroupDoors *ret_doors, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;
  const CgroupEntry *entry;

  if (!container_cgroup_load (container, &record, error) || !check_below (record, below, error))
    return FALSE;
  for (guint i = 0; (entry = nth_entry (record, i)) != NULL; i++)
    if (!open_entry (container, entry, below, ret_doors, error))
      return FALSE;
  if (record != NULL && record->scope != NULL)
    ret_doors->scope = systemd_scope_copy (record->scope);
  return TRUE;
}

/* Whether there is a scope to be stopped: it goes by itself when it is empty, but not everywhere,
 * not at once, and not if its cgroup was ours to remove. */
static gboolean
has_scope (const CgroupRecord *record)
{
  if (!cgroup_record_is_below_scope (record))
    return TRUE;
  for (guint i = 0; i < record->entries->len; i++)
    {
      const CgroupEntry *entry = g_ptr_array_index (record->entries, i);
      g_autofree char *end = g_strconcat ("/", record->scope->unit, NULL);
      const char *found = strstr (entry->path, end);
      g_autofree char *path = NULL;

      if (found == NULL)
        continue;
      path = g_strndup (entry->path, (gsize) (found - entry->path) + strlen (end));
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return TRUE;
    }
  return FALSE;
}

gboolean
container_cgroup_remove (const Container *container, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;
  g_autoptr (GError) local = NULL;

  if (!container_cgroup_load (container, &record, &local))
    {
      /* what means nothing is no reason to keep all the rest */
      if (errno == EBADMSG)
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (record == NULL)
    return TRUE;
  if (!cgroups_remove (record, error))
    return FALSE;
  /* it is empty: that nobody answers any more must not keep the container */
  if (record->scope != NULL && has_scope (record)
      && !systemd_scope_stop (record->scope, &local))
    log_warning ("%s", local->message);
  return TRUE;
}

GArray *
container_pids (const Container *container, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;
  autofd pidfd = -1;

  if (!container_check (container, error) || !container_pidfd (container, &pidfd, error)
      || !container_cgroup_load (container, &record, error))
    return NULL;
  if (record != NULL && cgroups_are_owned (record))
    return cgroups_pids (record, error);
  return pidfd >= 0 ? processes_list (&container->init, error)
                    : g_array_new (FALSE, FALSE, sizeof (pid_t));
}
