/* What this machine can do; see machine.h. */
#include "config.h"

#include "host/machine.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "host/bwrap.h"
#include "host/subid.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <sys/resource.h>
#include <unistd.h>

/* 340 lines of three numbers fit (user_namespaces(7)). */
#define ID_MAP_SIZE_MAX ((gsize) 64 * 1024)

static const struct {
  unsigned int number;
  HostCapabilities bit;
} capabilities[] = {
  { CAP_SYS_ADMIN, HOST_CAP_SYS_ADMIN },
  { CAP_SETUID, HOST_CAP_SETUID },
  { CAP_SETGID, HOST_CAP_SETGID },
  { CAP_SYS_RESOURCE, HOST_CAP_SYS_RESOURCE },
  { CAP_SETFCAP, HOST_CAP_SETFCAP },
  { CAP_SYS_PTRACE, HOST_CAP_SYS_PTRACE },
};

/* Types of namespaces in the names of their limits (namespaces(7)). */
static const struct {
  int type;
  const char *word;
} namespace_limits[] = {
  { CLONE_NEWUSER, "user" },
  { CLONE_NEWNS, "mnt" },
  { CLONE_NEWPID, "pid" },
  { CLONE_NEWNET, "net" },
  { CLONE_NEWIPC, "ipc" },
  { CLONE_NEWUTS, "uts" },
  { CLONE_NEWCGROUP, "cgroup" },
};

/* Reads uid_map or gid_map (user_namespaces(7)). */
static gboolean
read_id_map (const char *path, GArray **ret_map, GError **error)
{
  g_autoptr (GArray) map = g_array_new (FALSE, FALSE, sizeof (IdRange));
  g_autofree char *text = NULL;

  text = fd_read_file_at (AT_FDCWD, path, ID_MAP_SIZE_MAX, NULL, error);
  if (text == NULL)
    return FALSE;
  for (const char *line = text; line != NULL && *line != '\0';)
    {
      unsigned inside, outside, count;

      if (sscanf (line, "%u %u %u", &inside, &outside, &count) != 3)
        return throw (error, "%s: unexpected format", path);
      g_array_append_val (map, ((IdRange) { inside, outside, count }));
      line = strchr (line, '\n');
      if (line != NULL)
        line++;
    }
  *ret_map = g_steal_pointer (&map);
  return TRUE;
}

/* Whether @map is the identity on all ids. */
static gboolean
is_identity (const GArray *map)
{
  const IdRange *range = &g_array_index (map, IdRange, 0);

  return map->len == 1 && range->inside == 0 && range->first == 0 && range->count == G_MAXUINT32;
}

static HostCapabilities
effective_capabilities (void)
{
  HostCapabilities found = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (capabilities); i++)
    if (proc_has_capability (capabilities[i].number))
      found |= capabilities[i].bit;
  return found;
}

/* The highest capability that the kernel knows: for a higher one PR_CAPBSET_READ (prctl(2)) is
 * EINVAL. Six calls are a tenth of the time that /proc/sys/kernel/cap_last_cap takes. */
static guint
last_capability (void)
{
  guint low = 0, high = 63;

  while (low < high)
    {
      guint middle = (low + high + 1) / 2;

      if (prctl (PR_CAPBSET_READ, (unsigned long) middle, 0, 0, 0) >= 0)
        low = middle;
      else
        high = middle - 1;
    }
  return low;
}

static void
read_kernel_release (MachineFacts *facts)
{
  struct utsname name;
  unsigned major = 0, minor = 0;

  if (uname (&name) == 0 && sscanf (name.release, "%u.%u", &major, &minor) == 2)
    {
      facts->major = major;
      facts->minor = minor;
    }
}

/* newuidmap is set-user-ID root in some distributions, has file capabilities in others; either is
 * without effect in a process with no_new_privs (execve(2)). */
static void
find_map_tool (MapTool *tool, const char *path, gboolean no_new_privs)
{
  struct stat st;

  if (stat (path, &st) < 0 || !S_ISREG (st.st_mode))
    return;
  tool->path = g_strdup (path);
  tool->able = ((st.st_mode & S_ISUID) != 0 || getxattr (path, "security.capability", NULL, 0) > 0)
               && !no_new_privs;
}

gboolean
host_ids_probe (MachineFacts *facts, GError **error)
{
  const HostCapabilities set_ids = HOST_CAP_SETUID | HOST_CAP_SETGID;

  facts->uid = geteuid ();
  facts->gid = getegid ();
  facts->capabilities = effective_capabilities ();
  if (!read_id_map ("/proc/self/uid_map", &facts->uid_map, error)
      || !read_id_map ("/proc/self/gid_map", &facts->gid_map, error))
    return FALSE;
  facts->initial_user_ns = is_identity (facts->uid_map) && is_identity (facts->gid_map);
  facts->sub_uids = g_array_new (FALSE, FALSE, sizeof (IdRange));
  facts->sub_gids = g_array_new (FALSE, FALSE, sizeof (IdRange));
  /* who may set ids writes maps without help, and any id may be in them */
  if ((facts->capabilities & set_ids) != set_ids)
    {
      facts->no_new_privs = prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
      find_map_tool (&facts->newuidmap, NEWUIDMAP_PATH, facts->no_new_privs);
      find_map_tool (&facts->newgidmap, NEWGIDMAP_PATH, facts->no_new_privs);
      host_subid_probe (facts, USERS_DIRECTORY);
    }
  return TRUE;
}

gboolean
host_machine_probe (MachineFacts *facts, const HostProbeOptions *options, GError **error)
{
  facts->last_capability = last_capability ();
  read_kernel_release (facts);
  if (!host_ids_probe (facts, error))
    return FALSE;
  facts->max_user_namespaces = -1;
  host_bwrap_probe (&facts->bwrap, options->bwrap != NULL ? options->bwrap : BWRAP_PATH,
                    options->root_fd);
  return TRUE;
}

/* Reads a number from @path; returns -1 if it is not there. */
static gint64
read_number (const char *path)
{
  g_autofree char *text = NULL;
  guint64 value;

  text = fd_read_file_at (AT_FDCWD, path, 64, NULL, NULL);
  if (text == NULL
      || !g_ascii_string_to_unsigned (g_strchomp (text), 10, 0, G_MAXINT64, &value, NULL))
    return -1;
  return (gint64) value;
}

void
host_machine_probe_problems (MachineFacts *facts)
{
  facts->max_user_namespaces = read_number ("/proc/sys/user/max_user_namespaces");
  facts->userns_clone_off = read_number ("/proc/sys/kernel/unprivileged_userns_clone") == 0;
  facts->apparmor_restricts
      = read_number ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1;
}

static const char *
limit_word (int type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (namespace_limits); i++)
    if (namespace_limits[i].type == type)
      return namespace_limits[i].word;
  return NULL;
}

gint64
host_namespace_limit (int type)
{
  const char *word = limit_word (type);
  g_autofree char *path = NULL;

  if (word == NULL)
    return -1;
  path = g_strdup_printf ("/proc/sys/user/max_%s_namespaces", word);
  return read_number (path);
}

char *
host_namespace_limit_name (int type)
{
  return g_strdup_printf ("user.max_%s_namespaces", limit_word (type));
}

void
host_limits_probe (MachineFacts *facts)
{
  facts->hard_limits = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (int type = 0; type < RLIM_NLIMITS; type++)
    {
      struct rlimit limit = { 0 };
      guint64 hard = getrlimit ((__rlimit_resource_t) type, &limit) == 0 ? limit.rlim_max
                                                                         : G_MAXUINT64;

      g_array_append_val (facts->hard_limits, hard);
    }
}
