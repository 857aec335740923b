/* The cgroups of one container; see cgroup.h. */
#include "config.h"

#include "run/cgroup.h"

#include "base/error.h"
#include "base/fd.h"
#include "cgroup/devices.h"
#include "run/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define RECORD_MAX 65536
#define MEMBERSHIP_MAX 65536

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
  const CgroupLimitsRequest request = { "config.json", plan->settings, set };

  return cgroups_set_limits (&request, late, error);
}

gboolean
container_cgroup_make (Container *container, const Plan *plan, CgroupSet *ret_set, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;
  g_auto (CgroupSet) set = CGROUP_SET_INIT;

  if (plan->cgroup->targets->len == 0)
    return TRUE;
  record = cgroup_record_new (error);
  if (record != NULL)
    record->devices = (OptBool) { TRUE, plan->cgroup->devices != NULL };
  if (record == NULL || !cgroups_survey (plan->cgroup, record, error)
      || !save (container, record, error))
    return FALSE;
  if (!cgroups_make (plan->cgroup, record, &set, error) || !save (container, record, error)
      || !set_limits (plan->cgroup, &set, FALSE, error)
      || !set_devices (plan->cgroup, &set, error))
    return FALSE;
  *ret_set = set;
  set = (CgroupSet) CGROUP_SET_INIT;
  return TRUE;
}

gboolean
container_cgroup_finish (const Plan *plan, const CgroupSet *set, GError **error)
{
  return set->dirs == NULL || set_limits (plan->cgroup, set, TRUE, error);
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
      return FALSE;
    }
  *ret_record = record;
  return TRUE;
}

/* --- going in --- */

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

gboolean
cgroup_doors_open (const CgroupSet *set, CgroupDoors *ret_doors, GError **error)
{
  for (guint i = 0; set->dirs != NULL && i < set->dirs->len; i++)
    if (!add_door (ret_doors, cgroup_set_get (set, i), error))
      return FALSE;
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

static gboolean
add_own_door (const Container *container, const CgroupEntry *entry, CgroupDoors *doors,
              GError **error)
{
  g_auto (CgroupDir) dir = CGROUP_DIR_INIT, inner = CGROUP_DIR_INIT;
  g_autofree char *handed_down = NULL, *below = NULL, *path = NULL;

  if (!cgroup_entry_open (entry, &dir))
    return TRUE;
  handed_down = entry->options == NULL ? cgroup_dir_read (&dir, "cgroup.subtree_control", NULL)
                                       : NULL;
  if (handed_down == NULL || *handed_down == '\0')
    return add_door (doors, &dir, error);
  below = find_below (container->init.pid, &dir);
  path = g_strconcat (dir.path, below, NULL);
  return cgroup_dir_open (&inner, path, error) && add_door (doors, &inner, error);
}

gboolean
container_cgroup_doors (const Container *container, CgroupDoors *ret_doors, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;

  if (!container_cgroup_load (container, &record, error))
    return FALSE;
  for (guint i = 0; record != NULL && i < record->entries->len; i++)
    if (!add_own_door (container, g_ptr_array_index (record->entries, i), ret_doors, error))
      return FALSE;
  return TRUE;
}

void
cgroup_doors_use (const CgroupDoors *doors, SpawnRequest *request)
{
  request->cgroups = doors->doors != NULL ? (const SpawnCgroup *) (const void *) doors->doors->data
                                          : NULL;
  request->n_cgroups = doors->doors != NULL ? doors->doors->len : 0;
}

GArray *
container_pids (const Container *container, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;
  g_autoptr (GArray) pids = NULL;
  autofd pidfd = -1;

  if (!container_check (container, error) || !container_pidfd (container, &pidfd, error)
      || !container_cgroup_load (container, &record, error))
    return NULL;
  if (record != NULL && cgroups_are_owned (record))
    pids = cgroups_pids (record, error);
  else if (pidfd >= 0)
    pids = processes_list (&container->init, error);
  else
    return throw_null (error, "container not running");
  if (pids != NULL && pids->len == 0)
    return throw_null (error, "container not running");
  return g_steal_pointer (&pids);
}
