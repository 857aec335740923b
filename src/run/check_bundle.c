/* What only the root file system tells. The image is hostile: it is looked at by descriptor,
 * nothing in it is followed out of it, and nothing of it is opened but directories. */
#include "config.h"

#include "run/check.h"

#include "base/fd.h"
#include "spec/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* So many are named, and so deep and far is looked. */
#define NAMED_MAX 8
#define DEPTH_MAX 32
#define ENTRIES_MAX 1000000

/* --- the program --------------------------------------------------------------------------- */

/* The errno of looking at @path as the container would; EACCES where it is no program. A folder
 * that we may not search may have it. */
static int
look_for (int root, const char *path)
{
  const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
                                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
  autofd fd = (int) syscall (SYS_openat2, root, path, &how, sizeof how);
  struct stat st;

  if (fd < 0)
    return errno == EACCES ? 0 : errno;
  if (fstat (fd, &st) < 0)
    return errno;
  return S_ISREG (st.st_mode) && (st.st_mode & 0111) != 0 ? 0 : EACCES;
}

/* Whether a mount may bring what is at @path. */
static gboolean
may_be_mounted (const OciSpec *spec, const char *path)
{
  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);
      g_autofree char *target = oci_path_normalize (mount->destination);
      gsize length = strcmp (target, "/") == 0 ? 0 : strlen (target);

      if (strncmp (path, target, length) == 0 && (path[length] == '/' || path[length] == '\0'))
        return TRUE;
    }
  return FALSE;
}

/* Whether the program may be at @path; @ret_error says why not. */
static gboolean
may_be_at (const Plan *plan, int root, const char *path, int *ret_error)
{
  g_autofree char *joined = *path != '/' ? g_build_filename (plan->spec->process->cwd, path, NULL)
                                         : g_strdup (path);
  g_autofree char *normal = oci_path_normalize (joined);

  *ret_error = look_for (root, normal);
  return *ret_error == 0 || may_be_mounted (plan->spec, normal);
}

static const char *
search_path (char **env)
{
  for (; env != NULL && *env != NULL; env++)
    if (g_str_has_prefix (*env, "PATH="))
      return *env + strlen ("PATH=");
  return "";
}

static void
check_program (const Plan *plan, int root, GPtrArray *properties)
{
  const OciProcess *process = plan->spec->process;
  g_auto (GStrv) folders = NULL;
  g_autofree char *what = NULL;
  int error = 0;

  if (process == NULL)
    return;
  if (strchr (process->args[0], '/') != NULL)
    {
      if (may_be_at (plan, root, process->args[0], &error))
        return;
      what = g_strdup_printf ("%s: %s", process->args[0], g_strerror (error));
      check_add (properties, CHECK_REFUSED, "/process/args/0", what);
      return;
    }
  folders = g_strsplit (search_path (process->env), ":", -1);
  for (char **folder = folders; *folder != NULL; folder++)
    {
      g_autofree char *path = g_build_filename (**folder != '\0' ? *folder : ".",
                                                process->args[0], NULL);

      if (may_be_at (plan, root, path, &error))
        return;
    }
  what = g_strdup_printf ("\"%s\": executable file not found in $PATH", process->args[0]);
  check_add (properties, CHECK_REFUSED, "/process/args/0", what);
}

/* --- files with the set-user-ID bit -------------------------------------------------------- */

typedef struct {
  const Plan *plan;
  GPtrArray *host;
  dev_t device;
  guint found;
  guint looked;
} Scan;

/* The id out here that is 0 inside, or -1. */
static gint64
id_of_root (const GArray *map)
{
  for (guint i = 0; map != NULL && i < map->len; i++)
    {
      const IdMapLine *line = &g_array_index (map, IdMapLine, i);

      if (line->inside == 0)
        return line->outside;
    }
  return -1;
}

/* Both ids must exist inside, else the kernel ignores the bits (execve(2)). */
static void
judge (Scan *scan, const char *path, const struct stat *st)
{
  const Plan *plan = scan->plan;
  gboolean uid = plan_id_is_inside (plan->uid_map, st->st_uid);
  gboolean gid = plan_id_is_inside (plan->gid_map, st->st_gid);
  g_autofree char *message = NULL;

  if ((uid && gid) || scan->found++ >= NAMED_MAX)
    return;
  message = g_strdup_printf ("%s is set-%s-ID, but its %s %u is not mapped: the bit has no effect"
                             " (chown %" G_GINT64_FORMAT ":%" G_GINT64_FORMAT " %s && chmod %04o"
                             " %s)", path, st->st_mode & S_ISUID ? "user" : "group",
                             uid ? "group" : "owner", uid ? st->st_gid : st->st_uid,
                             id_of_root (plan->uid_map), id_of_root (plan->gid_map), path,
                             st->st_mode & 07777, path);
  host_problems_add (scan->host, FALSE, message);
}

static void scan_directory (Scan *scan, int fd, const char *path, guint depth);

static void
scan_entry (Scan *scan, int dir, const char *name, const char *path, guint depth)
{
  g_autofree char *below = g_build_filename (path, name, NULL);
  struct stat st;
  int fd;

  if (fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != scan->device)
    return;
  if (S_ISREG (st.st_mode) && (st.st_mode & (S_ISUID | S_ISGID)) != 0 && (st.st_mode & 0111) != 0)
    judge (scan, below, &st);
  if (!S_ISDIR (st.st_mode) || depth == DEPTH_MAX)
    return;
  fd = openat (dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0)
    scan_directory (scan, fd, below, depth + 1);
}

/* Takes @fd. */
static void
scan_directory (Scan *scan, int fd, const char *path, guint depth)
{
  DIR *dir = fdopendir (fd);
  const struct dirent *entry;

  if (dir == NULL)
    {
      fd_clear (&fd);
      return;
    }
  while (scan->looked < ENTRIES_MAX && (entry = readdir (dir)) != NULL)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      {
        scan->looked++;
        scan_entry (scan, dirfd (dir), entry->d_name, path, depth);
      }
  (void) closedir (dir);
}

static void
check_set_user_id (const Plan *plan, const SourceFacts *root, GPtrArray *host)
{
  Scan scan = { .plan = plan, .host = host, .device = root->device };
  int fd;

  if (plan->uid_map == NULL)
    return;
  fd = openat (root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0)
    scan_directory (&scan, fd, root->path, 0);
  if (scan.found > NAMED_MAX)
    {
      g_autofree char *message = g_strdup_printf ("%u more files are set-user-ID without effect",
                                                  scan.found - NAMED_MAX);

      host_problems_add (host, FALSE, message);
    }
}

void
check_root (const Plan *plan, const HostFacts *facts, GPtrArray *host, GPtrArray *properties)
{
  const SourceFacts *root = facts->bundle.root;

  if (root->fd < 0 || root->error != 0)
    return;
  check_program (plan, root->fd, properties);
  check_set_user_id (plan, root, host);
}
