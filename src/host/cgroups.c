/* Which cgroup hierarchies there are; see cgroups.h. */
#include "config.h"

#include "host/cgroups.h"

#include "base/fd.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define MOUNTINFO_SIZE_MAX ((gsize) 16 * 1024 * 1024)

/* The optional fields of a mountinfo line end with this, type, source and superblock options
 * follow. */
#define OPTIONAL_END " - "

/* Options of a v1 hierarchy's superblock that are not what it is asked for by. */
static const char *const not_controllers[] = {
  "rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods", NULL,
};

/* Returns the controllers and the name of a hierarchy, "cpu,cpuacct" or "name=systemd", out of the
 * @options of its superblock. Transfer: full. */
static char *
hierarchy_options (const char *options)
{
  g_auto (GStrv) words = g_strsplit (options, ",", -1);
  g_autoptr (GString) found = g_string_new (NULL);

  for (char **word = words; *word != NULL; word++)
    {
      if (**word == '\0' || g_strv_contains (not_controllers, *word)
          || g_str_has_prefix (*word, "release_agent="))
        continue;
      if (found->len > 0)
        g_string_append_c (found, ',');
      g_string_append (found, *word);
    }
  return g_string_free (g_steal_pointer (&found), FALSE);
}

/* Notes the mount that @line describes: a v1 hierarchy in @hierarchies, each once. */
static void
read_line (const char *line, GPtrArray *hierarchies, gboolean *unified)
{
  const char *tail = strstr (line, OPTIONAL_END);
  g_auto (GStrv) words = NULL;
  g_autofree char *options = NULL;

  if (tail == NULL)
    return;
  words = g_strsplit (tail + strlen (OPTIONAL_END), " ", 3);
  if (g_strv_length (words) != 3)
    return;
  if (strcmp (words[0], "cgroup2") == 0)
    *unified = TRUE;
  if (strcmp (words[0], "cgroup") != 0)
    return;
  options = hierarchy_options (words[2]);
  if (*options != '\0'
      && !g_ptr_array_find_with_equal_func (hierarchies, options, g_str_equal, NULL))
    g_ptr_array_add (hierarchies, g_steal_pointer (&options));
}

void
cgroups_parse (const char *text, MachineFacts *facts)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GPtrArray) hierarchies = g_ptr_array_new_with_free_func (g_free);
  gboolean unified = FALSE;

  for (char **line = lines; *line != NULL; line++)
    read_line (*line, hierarchies, &unified);
  if (hierarchies->len > 0)
    facts->cgroup_mode = unified ? CGROUP_HYBRID : CGROUP_V1;
  else
    facts->cgroup_mode = unified ? CGROUP_V2 : CGROUP_NONE;

  g_ptr_array_add (hierarchies, NULL);
  g_strfreev (facts->cgroup_v1);
  facts->cgroup_v1 = (char **) g_ptr_array_free (g_steal_pointer (&hierarchies), FALSE);
}

gboolean
host_cgroup_probe (MachineFacts *facts, GError **error)
{
  g_autofree char *text = NULL;
  struct statfs fs;

  /* the usual case, told by one call */
  if (statfs ("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
    {
      cgroups_parse ("", facts);
      facts->cgroup_mode = CGROUP_V2;
      return TRUE;
    }
  text = fd_read_file_at (AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_SIZE_MAX, NULL, error);
  if (text == NULL)
    return FALSE;
  cgroups_parse (text, facts);
  return TRUE;
}
