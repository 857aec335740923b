/* Making cgroups; see make.h.
 *
 * From the top downwards: a directory of cgroup v2 has the controllers that the one above hands
 * down, and one of the v1 cpuset hierarchy takes nobody before it has CPUs and memory. */
#include "config.h"

#include "cgroup/make.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Others who make and remove the same directories above ours. */
#define RACE_TRIES 20

/* One target on its way. */
typedef struct {
  const CgroupPlan *plan;
  const CgroupTarget *target;
  guint index;          /* of the target */
  char **names;         /* of the directories, from the mount downwards */
  pid_t pid;            /* who enters the leaf; 0: nobody yet */
  CgroupRecord *record;
  gboolean made;        /* the leaf, at an earlier try */
  int refusal;          /* errno of the last controller that could not be handed down */
} Making;

static void
free_dir (gpointer data)
{
  cgroup_dir_clear (data);
  g_free (data);
}

void
cgroup_set_clear (CgroupSet *set)
{
  g_clear_pointer (&set->dirs, g_ptr_array_unref);
}

CgroupDir *
cgroup_set_add (CgroupSet *set)
{
  CgroupDir *dir = g_new (CgroupDir, 1);

  *dir = (CgroupDir) CGROUP_DIR_INIT;
  if (set->dirs == NULL)
    set->dirs = g_ptr_array_new_with_free_func (free_dir);
  g_ptr_array_add (set->dirs, dir);
  return dir;
}

const CgroupDir *
cgroup_set_get (const CgroupSet *set, guint index)
{
  return g_ptr_array_index (set->dirs, index);
}

/* The parts of an absolute path; none for "/". */
static char **
path_names (const char *path)
{
  return g_strsplit (strcmp (path, "/") == 0 ? "" : path + 1, "/", -1);
}

/* --- what is there --- */

static gboolean
survey_target (const CgroupTarget *target, gboolean scoped, CgroupRecord *record, GError **error)
{
  g_auto (GStrv) names = path_names (target->path);
  g_autoptr (GString) path = g_string_new (target->mount);
  g_autofree char *top = NULL;
  struct stat st;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_string_append_printf (path, "/%s", names[i]);
      if (top == NULL && lstat (path->str, &st) < 0)
        {
          if (errno != ENOENT)
            return throw_errno (error, "config.json: /linux/cgroupsPath: cgroup %s", path->str);
          top = g_strdup (path->str);
        }
    }
  (void) cgroup_record_add (record, target->options, path->str, top != NULL ? top : path->str);
  /* that of a scope is there by now, and ours */
  if (top == NULL && !scoped)
    cgroup_record_disown (record, record->entries->len - 1);
  return TRUE;
}

gboolean
cgroups_survey (const CgroupPlan *plan, CgroupRecord *record, GError **error)
{
  for (guint i = 0; i < plan->targets->len; i++)
    if (!survey_target (g_ptr_array_index (plan->targets, i), plan->scope != NULL, record, error))
      return FALSE;
  return TRUE;
}

static int
find_entry (const GPtrArray *entries, const char *path)
{
  for (guint i = 0; i < entries->len; i++)
    if (strcmp (((const CgroupEntry *) g_ptr_array_index (entries, i))->path, path) == 0)
      return (int) i;
  return -1;
}

/* --- on the way down --- */

static gboolean
check_frozen (const CgroupDir *dir, GError **error)
{
  g_autofree char *state = NULL;

  if (cgroup_dir_number (dir, "cgroup.freeze", NULL, 0) == 0)
    state = cgroup_dir_read (dir, "freezer.state", NULL);
  else
    state = g_strdup ("FROZEN");
  if (state == NULL || strcmp (state, "THAWED") == 0)
    return TRUE;
  return throw (error, "cgroup %s: container's cgroup unexpectedly frozen", dir->path);
}

/* Whether a limit cannot do without @controller. */
static gboolean
is_needed (const Making *making, const char *controller)
{
  for (guint i = 0; i < making->plan->settings->len; i++)
    {
      const CgroupSetting *setting = g_ptr_array_index (making->plan->settings, i);

      if (setting->hierarchy == making->index && setting->asked
          && strcmp (setting->controller, controller) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Whether there are processes in @dir that keep it from handing controllers down. The topmost
 * cgroup of all may have any. A single one is enough: "cpu" and "pids" could still be handed down,
 * but then nobody could enter the cgroups below (cgroups(7), thread mode). */
static gboolean
is_in_the_way (const CgroupDir *dir)
{
  g_autofree char *procs = NULL;

  if (!cgroup_dir_has (dir, "cgroup.type"))
    return FALSE;
  procs = cgroup_dir_read (dir, "cgroup.procs", NULL);
  return procs != NULL && *procs != '\0';
}

static gboolean
is_own (const CgroupTarget *target, const CgroupDir *dir)
{
  g_autofree char *own = NULL;

  if (target->own == NULL)
    return FALSE;
  own = g_strconcat (target->mount, strcmp (target->own, "/") == 0 ? "" : target->own, NULL);
  return strcmp (own, dir->path) == 0;
}

/* Those of @target's controllers that @dir has and does not yet hand down. */
static GPtrArray *
missing_controllers (const CgroupTarget *target, const CgroupDir *dir)
{
  GPtrArray *missing = g_ptr_array_new ();

  for (char **controller = target->controllers; controller != NULL && *controller != NULL;
       controller++)
    if (**controller != '\0' && !cgroup_dir_has_word (dir, "cgroup.subtree_control", *controller)
        && cgroup_dir_has_word (dir, "cgroup.controllers", *controller))
      g_ptr_array_add (missing, *controller);
  return missing;
}

/* Hands the controllers down from @dir, as far as it goes; the caller's own processes make room if
 * a limit wants it. */
static void
hand_down (Making *making, const CgroupDir *dir)
{
  g_autoptr (GPtrArray) missing = missing_controllers (making->target, dir);
  gboolean needed = making->plan->hands_down;

  for (guint i = 0; i < missing->len; i++)
    needed |= is_needed (making, g_ptr_array_index (missing, i));
  if (missing->len > 0 && is_in_the_way (dir)
      && !(needed && is_own (making->target, dir) && cgroup_move_aside (dir, NULL)))
    {
      making->refusal = EBUSY;
      return;
    }
  for (guint i = 0; i < missing->len; i++)
    {
      g_autofree char *word = g_strconcat ("+", g_ptr_array_index (missing, i), NULL);

      if (!cgroup_dir_write (dir, "cgroup.subtree_control", word, NULL))
        making->refusal = errno;
    }
}

/* A new cpuset has no CPUs and no memory. */
static gboolean
inherit_cpuset (const CgroupDir *parent, const CgroupDir *dir, GError **error)
{
  static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *own = cgroup_dir_read (dir, files[i], error);
      g_autofree char *above = NULL;

      if (own == NULL)
        return FALSE;
      if (*own != '\0')
        continue;
      above = cgroup_dir_read (parent, files[i], error);
      if (above == NULL || !cgroup_dir_write (dir, files[i], above, error))
        return FALSE;
    }
  return TRUE;
}

/* Makes the leaf, which is on record; if somebody else was faster it is not ours. */
static gboolean
make_leaf (Making *making, const CgroupDir *parent, const char *name, int entry, GError **error)
{
  if (mkdirat (parent->fd, name, 0755) == 0)
    making->made = TRUE;
  else if (errno != EEXIST)
    return throw_errno (error, "make cgroup %s/%s", parent->path, name);
  else if (!making->made && making->plan->scope == NULL)
    cgroup_record_disown (making->record, (guint) entry);
  return TRUE;
}

/* The process enters the leaf before @parent hands controllers down: it may be what is in the
 * way. */
static gboolean
enter_leaf (const Making *making, const CgroupDir *dir, GError **error)
{
  char number[16];

  (void) snprintf (number, sizeof number, "%d", (int) making->pid);
  return making->pid == 0 || cgroup_dir_write (dir, "cgroup.procs", number, error);
}

/* From @parent to the directory @depth of names. */
static gboolean
step_down (Making *making, const CgroupDir *parent, guint depth, CgroupDir *dir, GError **error)
{
  const char *name = making->names[depth], *options = making->target->options;
  g_autofree char *path = g_strconcat (parent->path, "/", name, NULL);
  gboolean leaf = making->names[depth + 1] == NULL;
  int entry = leaf ? find_entry (making->record->entries, path) : -1;

  if (entry >= 0 && !make_leaf (making, parent, name, entry, error))
    return FALSE;
  if (!cgroup_dir_open_below (dir, parent, name, !leaf, error) || !check_frozen (dir, error))
    return FALSE;
  if (options != NULL && strstr (options, "cpuset") != NULL && !inherit_cpuset (parent, dir, error))
    return FALSE;
  if (leaf && !enter_leaf (making, dir, error))
    return FALSE;
  if (options == NULL)
    hand_down (making, parent);
  return TRUE;
}

/* Fills the inode of the entry of @dir, if it is on record. */
static gboolean
complete_entry (CgroupRecord *record, const CgroupDir *dir, GError **error)
{
  int made = find_entry (record->entries, dir->path);
  int joined = find_entry (record->joined, dir->path);
  CgroupEntry *entry = NULL;
  struct stat st;

  if (made >= 0)
    entry = g_ptr_array_index (record->entries, (guint) made);
  else if (joined >= 0)
    entry = g_ptr_array_index (record->joined, (guint) joined);
  if (entry == NULL)
    return TRUE;
  if (fstat (dir->fd, &st) < 0)
    return throw_errno (error, "cgroup %s", dir->path);
  entry->inode = (OptUint64) { TRUE, st.st_ino };
  return TRUE;
}

static gboolean
walk_down (Making *making, CgroupDir *dir, GError **error)
{
  if (!cgroup_dir_open (dir, making->target->mount, error))
    return FALSE;
  for (guint i = 0; making->names[i] != NULL; i++)
    {
      g_auto (CgroupDir) parent = *dir;

      *dir = (CgroupDir) CGROUP_DIR_INIT;
      if (!step_down (making, &parent, i, dir, error))
        return FALSE;
    }
  return complete_entry (making->record, dir, error);
}

/* Whether the limits find the controllers that they need. */
static gboolean
check_controllers (const Making *making, const CgroupDir *dir, GError **error)
{
  for (guint i = 0; i < making->plan->settings->len; i++)
    {
      const CgroupSetting *setting = g_ptr_array_index (making->plan->settings, i);

      if (setting->hierarchy != making->index || !setting->asked || *setting->controller == '\0'
          || cgroup_dir_has_word (dir, "cgroup.controllers", setting->controller))
        continue;
      errno = making->refusal != 0 ? making->refusal : ENOENT;
      return throw_errno (error, "config.json: %s: cgroup %s cannot have the %s controller",
                          setting->pointer, dir->path, setting->controller);
    }
  return TRUE;
}

static gboolean
make_target (Making *making, CgroupDir *dir, GError **error)
{
  g_autoptr (GError) local = NULL;

  for (int tries = 0; tries < RACE_TRIES; tries++)
    {
      g_clear_error (&local);
      cgroup_dir_clear (dir);
      if (walk_down (making, dir, &local))
        return making->target->options != NULL || check_controllers (making, dir, error);
      if (errno != ENOENT)
        break;
    }
  g_propagate_prefixed_error (error, g_steal_pointer (&local), "config.json: /linux/cgroupsPath: ");
  return FALSE;
}

gboolean
cgroups_make (const CgroupPlan *plan, pid_t pid, CgroupRecord *record, CgroupSet *ret_set,
              GError **error)
{
  for (guint i = 0; i < plan->targets->len; i++)
    {
      const CgroupTarget *target = g_ptr_array_index (plan->targets, i);
      g_auto (GStrv) names = path_names (target->path);
      Making making = { .plan = plan, .target = target, .index = i, .names = names,
                        .pid = pid, .record = record };
      CgroupDir *dir = cgroup_set_add (ret_set);

      if (!make_target (&making, dir, error))
        return FALSE;
      if (target->options == NULL && plan->owner >= 0
          && !cgroup_give_away (dir, (uid_t) plan->owner, error))
        return FALSE;
    }
  return TRUE;
}

/* --- limits --- */

/* Whether the kernel has really taken the limit. */
static gboolean
check_effect (const CgroupDir *dir, const CgroupSetting *setting, GError **error)
{
  guint64 wanted = g_ascii_strtoull (setting->value, NULL, 10);
  guint64 now = cgroup_dir_number (dir, setting->file, NULL, G_MAXUINT64);

  /* it counts in pages */
  if (!setting->asked || now <= wanted + 65536)
    return TRUE;
  return throw (error, "%s/%s: this kernel takes it without effect", dir->path, setting->file);
}

static gboolean
check_list (const CgroupDir *dir, const CgroupSetting *setting, GError **error)
{
  g_autofree char *file = g_strconcat (setting->file, ".effective", NULL);
  g_autofree char *now = cgroup_dir_has (dir, file) ? cgroup_dir_read (dir, file, NULL) : NULL;

  return now == NULL || cgroup_list_is_within (now, setting->value)
         || throw (error, "%s/%s: the cgroups above have none of %s", dir->path, setting->file,
                   setting->value);
}

static gboolean
set_in (const CgroupDir *dir, const CgroupSetting *setting, GError **error)
{
  if (!cgroup_dir_has (dir, setting->file))
    {
      if (setting->other_file != NULL && cgroup_dir_has (dir, setting->other_file))
        return cgroup_dir_write (dir, setting->other_file, setting->other_value, error);
      if (setting->flags & CGROUP_MAY_MISS)
        return TRUE;
    }
  if (!cgroup_dir_write (dir, setting->file, setting->value, error))
    return FALSE;
  return (!(setting->flags & CGROUP_READ_BACK) || check_effect (dir, setting, error))
         && (!(setting->flags & CGROUP_EFFECTIVE) || check_list (dir, setting, error));
}

/* In the cgroup above as well: where a limit is narrowed the lower one may have to be first. */
static gboolean
set_limit (const CgroupLimitsRequest *request, const CgroupSetting *setting, GError **error)
{
  const CgroupDir *dir = cgroup_set_get (request->set, setting->hierarchy);
  g_autofree char *path = NULL;
  g_auto (CgroupDir) above = CGROUP_DIR_INIT;

  if (!request->above)
    return set_in (dir, setting, error);
  path = g_path_get_dirname (dir->path);
  if (!cgroup_dir_open (&above, path, error))
    return FALSE;
  if (set_in (&above, setting, NULL))
    return set_in (dir, setting, error);
  return set_in (dir, setting, error) && set_in (&above, setting, error);
}

gboolean
cgroups_check_limits (const CgroupLimitsRequest *request, GError **error)
{
  for (guint i = 0; i < request->settings->len; i++)
    {
      const CgroupSetting *setting = g_ptr_array_index (request->settings, i);
      const CgroupDir *dir = cgroup_set_get (request->set, setting->hierarchy);

      if ((setting->flags & CGROUP_MAY_MISS) || cgroup_dir_has (dir, setting->file)
          || (setting->other_file != NULL && cgroup_dir_has (dir, setting->other_file)))
        continue;
      errno = ENOENT;
      return throw_errno (error, "%s: %s: open %s/%s", request->document, setting->pointer,
                          dir->path, setting->file);
    }
  return TRUE;
}

gboolean
cgroups_set_limits (const CgroupLimitsRequest *request, gboolean late, GError **error)
{
  g_autoptr (GPtrArray) again = g_ptr_array_new ();

  for (guint pass = 0; pass < 2; pass++)
    {
      const GPtrArray *settings = pass == 0 ? request->settings : again;

      for (guint i = 0; i < settings->len; i++)
        {
          CgroupSetting *setting = g_ptr_array_index (settings, i);
          gboolean retry = pass == 0 && (setting->flags & CGROUP_RETRY);

          if (((setting->flags & CGROUP_LATE) != 0) != late
              || set_limit (request, setting, retry ? NULL : error))
            continue;
          if (!retry)
            {
              g_prefix_error (error, "%s: %s: ", request->document, setting->pointer);
              return FALSE;
            }
          g_ptr_array_add (again, setting);
        }
    }
  return TRUE;
}
