/* Mounts below a source; see below.h. */
#include "config.h"

#include "host/below.h"

#include "base/fd.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>

#define MOUNTINFO_SIZE_MAX ((gsize) 16 * 1024 * 1024)

static void
free_below (gpointer data)
{
  mount_below_free (data);
}

static MountBelow *
mount_new (const char *path, guint64 flags)
{
  MountBelow *mount = g_new0 (MountBelow, 1);

  mount->path = g_strdup (path);
  mount->flags = flags;
  return mount;
}

/* The flags among the comma-separated @options of a mount. */
static guint64
read_flags (const char *options)
{
  g_auto (GStrv) words = g_strsplit (options, ",", -1);
  guint64 flags = 0;

  if (g_strv_contains ((const char *const *) words, "nosuid"))
    flags |= MOUNT_ATTR_NOSUID;
  if (g_strv_contains ((const char *const *) words, "nodev"))
    flags |= MOUNT_ATTR_NODEV;
  return flags;
}

GPtrArray *
mounts_parse (const char *mountinfo)
{
  enum { ID, PARENT, DEVICE, ROOT, MOUNT, OPTIONS, REST, N_FIELDS };
  g_auto (GStrv) lines = g_strsplit (mountinfo, "\n", -1);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GPtrArray *mounts = g_ptr_array_new_with_free_func (free_below);

  /* of several at one place the last one is seen */
  for (guint i = g_strv_length (lines); i-- > 0;)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], " ", N_FIELDS);
      g_autofree char *path = NULL;
      guint64 flags;

      if (g_strv_length (fields) != N_FIELDS)
        continue;
      /* a space in a path is \040 */
      path = g_strcompress (fields[MOUNT]);
      flags = read_flags (fields[OPTIONS]);
      if (!g_hash_table_contains (seen, path) && flags != 0)
        g_ptr_array_add (mounts, mount_new (path, flags));
      g_hash_table_add (seen, g_steal_pointer (&path));
    }
  return mounts;
}

GPtrArray *
mounts_read (void)
{
  g_autofree char *text = fd_read_file_at (AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_SIZE_MAX,
                                           NULL, NULL);

  return mounts_parse (text != NULL ? text : "");
}

GPtrArray *
mounts_below (const GPtrArray *mounts, const char *path)
{
  gsize length = strcmp (path, "/") != 0 ? strlen (path) : 0;
  GPtrArray *below = g_ptr_array_new_with_free_func (free_below);

  for (guint i = 0; i < mounts->len; i++)
    {
      const MountBelow *mount = g_ptr_array_index (mounts, i);

      if (strncmp (mount->path, path, length) == 0 && mount->path[length] == '/'
          && mount->path[length + 1] != '\0')
        g_ptr_array_add (below, mount_new (mount->path + length, mount->flags));
    }
  return below;
}
