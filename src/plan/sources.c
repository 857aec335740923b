/* Bind sources: how bwrap brings them in.
 *
 * Each by itself, unless they are many: for every bind bwrap reads the whole table of mounts, so
 * five hundred of them would take a quarter of a second. Then directories above them are bound
 * instead, the lowest ones that are few, and the init takes the sources from below those; it makes
 * sure that they are what was looked at. */
#include "config.h"

#include "plan/builder.h"
#include "plan/mounts.h"
#include "plan/overlay.h"

#include <string.h>

/* More directories than that are not bound for them. */
#define GROUPS_MAX 16

static const SourceFacts *
source_of (const PlanContext *context, guint index)
{
  return g_ptr_array_index (context->facts->bundle.mounts, index);
}

/* @at is the JSON pointer of where it is named. */
static gboolean
check_source (const PlanContext *context, guint index, const char *at, GError **error)
{
  const SourceFacts *source = source_of (context, index);

  if (source == NULL)
    return plan_refuse (error, at, "missing: a bind mount needs one");
  if (source->error != 0)
    return plan_refuse (error, at, "open %s: %s", source->path, g_strerror (source->error));
  return plan_check_search (context->plan, source, at, error);
}

/* Whether bwrap has to bring in what is to be bound. */
static gboolean
is_staged (const PlanContext *context, const SourceFacts *source)
{
  return source != NULL && source->link == NULL && !plan_is_out_of_reach (context, source);
}

/* The length of the first @depth components of the absolute @path, or of all of it. */
static gsize
head_length (const char *path, guint depth)
{
  const char *end = path;

  for (guint i = 0; i < depth && *end == '/'; i++)
    end += 1 + strcspn (end + 1, "/");
  return (gsize) (end - path);
}

/* The directories of @depth components above the sources, numbered, or NULL if they are too many.
 * What lies higher stands for itself. */
static GHashTable *
group_at (const PlanContext *context, guint depth)
{
  g_autoptr (GHashTable) groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < context->facts->bundle.mounts->len; i++)
    {
      const SourceFacts *source = source_of (context, i);
      guint next = g_hash_table_size (groups);
      char *head;

      if (!is_staged (context, source) || source->real_path == NULL)
        continue;
      head = g_strndup (source->real_path, head_length (source->real_path, depth));
      if (g_hash_table_contains (groups, head))
        g_free (head);
      else if (next == GROUPS_MAX)
        {
          g_free (head);
          return NULL;
        }
      else
        g_hash_table_insert (groups, head, GUINT_TO_POINTER (next));
    }
  return g_steal_pointer (&groups);
}

static guint
deepest (const PlanContext *context)
{
  guint deepest = 0;

  for (guint i = 0; i < context->facts->bundle.mounts->len; i++)
    {
      const SourceFacts *source = source_of (context, i);
      guint depth = 0;

      const char *p = is_staged (context, source) ? source->real_path : NULL;

      for (; p != NULL && *p != '\0'; p++)
        depth += *p == '/';
      deepest = MAX (deepest, depth);
    }
  return deepest;
}

/* The lowest directories that are few, all of *@ret_depth components at most; NULL: even the
 * highest are too many, or there are no sources to be found by path. */
static GHashTable *
group_sources (const PlanContext *context, guint *ret_depth)
{
  g_autoptr (GHashTable) best = NULL;
  guint end = deepest (context);

  for (guint depth = 1; depth <= end; depth++)
    {
      GHashTable *groups = group_at (context, depth);

      if (groups == NULL)
        break;
      g_clear_pointer (&best, g_hash_table_unref);
      best = groups;
      *ret_depth = depth;
    }
  return g_steal_pointer (&best);
}

/* By descriptor where bwrap takes one: then it is the very thing that was looked at. */
static char *
stage_one (PlanContext *context, guint index)
{
  const SourceFacts *source = source_of (context, index);
  char *target = g_strdup_printf ("/s/%u", index);

  /* of many sources no descriptors are kept */
  if ((context->facts->machine.bwrap.options & BWRAP_BIND_FD) != 0 && source->real_path == NULL)
    {
      plan_word (context->plan, "--bind-fd");
      plan_word_slot (context->plan, SLOT_SOURCE, index);
    }
  else
    {
      plan_word (context->plan, "--bind");
      plan_word (context->plan, source->path);
    }
  plan_word (context->plan, target);
  return target;
}

/* Binds the directories, in the order of their numbers. */
static void
stage_groups (PlanContext *context, GHashTable *groups)
{
  const char *paths[GROUPS_MAX] = { NULL };
  GHashTableIter iter;
  gpointer path, number;

  g_hash_table_iter_init (&iter, groups);
  while (g_hash_table_iter_next (&iter, &path, &number))
    paths[GPOINTER_TO_UINT (number)] = path;
  for (guint i = 0; i < g_hash_table_size (groups); i++)
    {
      g_autofree char *target = g_strdup_printf ("/s/of-%u", i);

      plan_word (context->plan, "--bind");
      plan_word (context->plan, paths[i]);
      plan_word (context->plan, target);
    }
}

/* Where in its group a source is. */
static char *
place_in_group (const SourceFacts *source, GHashTable *groups, guint depth)
{
  gsize length = head_length (source->real_path, depth);
  g_autofree char *head = g_strndup (source->real_path, length);
  guint number = GPOINTER_TO_UINT (g_hash_table_lookup (groups, head));

  return g_strdup_printf ("/s/of-%u%s", number, source->real_path + length);
}

/* How many folders the @index-th mount names, if it is an overlay. */
static guint
count_folders (const PlanContext *context, guint index)
{
  const OciMount *mount = g_ptr_array_index (context->spec->mounts, index);
  g_auto (MountOptions) options = { 0 };
  g_autoptr (GPtrArray) folders = NULL;

  /* wrong options are told where the mount is planned */
  if (!mount_is_overlay (mount) || !mount_options_read (mount, "", &options, NULL))
    return 0;
  folders = overlay_folders (options.data);
  return folders->len;
}

guint
plan_first_folder (const PlanContext *context, guint index)
{
  guint number = field_count (context->spec->mounts);

  for (guint i = 0; i < index; i++)
    number += count_folders (context, i);
  return number;
}

/* The folders that overlays name, each by itself. */
static gboolean
stage_overlays (PlanContext *context, GError **error)
{
  guint next = field_count (context->spec->mounts);

  for (guint i = 0; i < field_count (context->spec->mounts); i++)
    {
      g_autofree char *mount = oci_mount_pointer (context->spec->mounts, i);
      g_autofree char *at = g_strconcat (mount, "/options", NULL);

      for (guint count = count_folders (context, i); count > 0; count--)
        {
          if (!plan_go_on (context, check_source (context, next, at, error), error))
            return FALSE;
          g_free (stage_one (context, next++));
        }
    }
  if (context->plan->words->len + 8 > BWRAP_ARGUMENTS_MAX)
    return plan_refuse (error, "/mounts", "%u folders of overlays are more than bwrap takes"
                        " (%d arguments)", next - field_count (context->spec->mounts),
                        BWRAP_ARGUMENTS_MAX);
  return TRUE;
}

gboolean
plan_sources (PlanContext *context, GError **error)
{
  const GPtrArray *mounts = context->spec->mounts;
  g_autoptr (GHashTable) groups = NULL;
  guint depth = 0, count = 0;

  for (guint i = 0; i < field_count (mounts); i++)
    if (mount_is_bind (g_ptr_array_index (mounts, i)))
      {
        g_autofree char *mount = oci_mount_pointer (mounts, i);
        g_autofree char *at = g_strconcat (mount, "/source", NULL);

        const SourceFacts *source = source_of (context, i);

        if (source != NULL && source->error == 0 && !is_staged (context, source))
          continue;
        if (!plan_go_on (context, check_source (context, i, at, error), error))
          return FALSE;
        count++;
      }
  /* the same limit wherever the sources lie */
  if (context->plan->words->len + 3 * count + 8 > BWRAP_ARGUMENTS_MAX)
    return plan_refuse (error, "/mounts", "%u bind mounts are more than bwrap takes (%d arguments)",
                        count, BWRAP_ARGUMENTS_MAX);

  groups = group_sources (context, &depth);
  if (groups != NULL)
    stage_groups (context, groups);
  for (guint i = 0; i < field_count (mounts); i++)
    {
      const SourceFacts *source = source_of (context, i);
      char *staged = NULL;

      if (is_staged (context, source) && groups != NULL && source->real_path != NULL)
        staged = place_in_group (source, groups, depth);
      else if (is_staged (context, source))
        staged = stage_one (context, i);
      g_ptr_array_add (context->staged, staged);
    }
  return stage_overlays (context, error);
}
