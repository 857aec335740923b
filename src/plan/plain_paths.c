/* Where a path of the container comes from: the root file system, the source of an earlier bind
 * mount, or a file system whose contents are known. */
#include "config.h"

#include "plan/mounts.h"
#include "plan/plain_work.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

const char *const plain_default_devices[] = {
  "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", NULL,
};

/* What bwrap's --dev makes (bwrap(1)). */
static const struct {
  const char *name;
  mode_t mode;
} dev_entries[] = {
  { "", S_IFDIR | 0755 },
  { "null", S_IFCHR },
  { "zero", S_IFCHR },
  { "full", S_IFCHR },
  { "random", S_IFCHR },
  { "urandom", S_IFCHR },
  { "tty", S_IFCHR },
  { "console", S_IFCHR },
  { "shm", S_IFDIR | 0755 },
  { "pts", S_IFDIR | 0755 },
  { "core", S_IFLNK },
  { "fd", S_IFLNK },
  { "ptmx", S_IFLNK },
  { "stderr", S_IFLNK },
  { "stdin", S_IFLNK },
  { "stdout", S_IFLNK },
};

/* What is mounted by a type alone. */
static const struct {
  const char *type;
  PlainKind kind;
} kinds[] = {
  { "proc", PLAIN_PROC },
  { "sysfs", PLAIN_SYSFS },
  { "tmpfs", PLAIN_TMPFS },
  { "mqueue", PLAIN_MQUEUE },
  { "cgroup", PLAIN_CGROUP },
  { "cgroup2", PLAIN_CGROUP },
};

/* Where to look below a mount of a kind. */
static const PathBase bases[] = {
  [PLAIN_NOTHING] = PATH_UNKNOWN,
  [PLAIN_BIND] = PATH_SOURCE,
  [PLAIN_PROC] = PATH_PROC,
  [PLAIN_SYSFS] = PATH_SYS,
  [PLAIN_DEV] = PATH_DEV,
  [PLAIN_TMPFS] = PATH_EMPTY,
  [PLAIN_DEVPTS] = PATH_UNKNOWN,
  [PLAIN_MQUEUE] = PATH_UNKNOWN,
  [PLAIN_CGROUP] = PATH_UNKNOWN,
};

const char *
plain_below (const char *path, const char *dir)
{
  gsize length = strcmp (dir, "/") == 0 ? 0 : strlen (dir);

  if (strncmp (path, dir, length) != 0 || (path[length] != '/' && path[length] != '\0'))
    return NULL;
  return path[length] == '/' ? path + length + 1 : path + length;
}

char **
plain_targets (const OciSpec *spec)
{
  guint n = field_count (spec->mounts);
  char **targets = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);

      targets[i] = oci_path_normalize (mount->destination);
    }
  return targets;
}

/* The last of the first @n mounts that @path lies at or below; @n: none. */
static guint
covering_mount (char *const *targets, guint n, const char *path)
{
  for (guint i = n; i-- > 0;)
    if (plain_below (path, targets[i]) != NULL)
      return i;
  return n;
}

/* The pseudo-terminals come with bwrap's /dev, and only there. */
static gboolean
is_devpts (const OciSpec *spec, char *const *targets, guint index)
{
  guint below = covering_mount (targets, index, "/dev");

  return strcmp (targets[index], "/dev/pts") == 0 && below < index
         && plain_kind (spec, targets, below) == PLAIN_DEV;
}

PlainKind
plain_kind (const OciSpec *spec, char *const *targets, guint index)
{
  const OciMount *mount = g_ptr_array_index (spec->mounts, index);

  if (mount_is_bind (mount))
    return PLAIN_BIND;
  if (mount->type == NULL)
    return PLAIN_NOTHING;
  if (strcmp (mount->type, "devpts") == 0 && is_devpts (spec, targets, index))
    return PLAIN_DEVPTS;
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (mount->type, kinds[i].type) == 0)
      return kinds[i].kind == PLAIN_TMPFS && strcmp (targets[index], "/dev") == 0 ? PLAIN_DEV
                                                                                 : kinds[i].kind;
  return PLAIN_NOTHING;
}

gboolean
plain_has_namespace (const OciSpec *spec, int type)
{
  return oci_linux_namespace (spec->linux_, type) != NULL;
}

static void
look_into_dev (PathFacts *path)
{
  gsize length = strcspn (path->rest, "/");

  path->error = ENOENT;
  for (gsize i = 0; i < G_N_ELEMENTS (dev_entries); i++)
    if (strncmp (path->rest, dev_entries[i].name, length) == 0
        && dev_entries[i].name[length] == '\0')
      {
        path->mode = dev_entries[i].mode;
        if (S_ISLNK (path->mode))
          path->error = ELOOP;
        else if (path->rest[length] == '\0')
          path->error = 0;
      }
}

/* What is known without a look at the host. */
static void
look_into_known (PathFacts *path)
{
  if (path->base == PATH_PROC && g_ascii_isdigit (path->rest[0]))
    path->base = PATH_UNKNOWN;  /* the container's processes are not the host's */
  if (path->base == PATH_DEV)
    look_into_dev (path);
  else if (path->base == PATH_EMPTY || path->base == PATH_UNKNOWN)
    {
      path->mode = S_IFDIR | 01777;
      if (*path->rest != '\0')
        path->error = path->base == PATH_EMPTY ? ENOENT : ENOTSUP;
    }
}

/* A place in the container, with the first @n mounts made. */
typedef struct {
  const OciSpec *spec;
  char **targets;
  GHashTable *paths;
} Search;

static void
ask (const Search *search, const char *pointer, const char *path, guint n)
{
  g_autofree char *normal = oci_path_normalize (path);
  guint below = covering_mount (search->targets, n, normal);
  PathFacts *facts = g_new0 (PathFacts, 1);

  facts->base = below < n ? bases[plain_kind (search->spec, search->targets, below)] : PATH_ROOT;
  facts->index = below < n ? below : PATH_NONE;
  facts->rest = g_strdup (plain_below (normal, below < n ? search->targets[below] : "/"));
  look_into_known (facts);
  g_hash_table_insert (search->paths, g_strdup (pointer), facts);
}

static void
ask_all (const Search *search, const char *chapter, char *const *paths)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    {
      g_autofree char *pointer = g_strdup_printf ("/linux/%s/%u", chapter, i);

      ask (search, pointer, paths[i], field_count (search->spec->mounts));
    }
}

static void
free_path (gpointer data)
{
  PathFacts *path = data;

  g_free (path->rest);
  g_free (path);
}

GHashTable *
plain_paths (const OciSpec *spec)
{
  GHashTable *paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_path);
  g_auto (GStrv) targets = plain_targets (spec);
  const Search search = { .spec = spec, .targets = targets, .paths = paths };
  guint n = field_count (spec->mounts);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *pointer = g_strdup_printf ("/mounts/%u", i);

      ask (&search, pointer, targets[i], i);
    }
  for (guint i = 0; i < field_count (spec->linux_->devices); i++)
    {
      const OciDevice *device = g_ptr_array_index (spec->linux_->devices, i);
      g_autofree char *pointer = g_strdup_printf ("/linux/devices/%u", i);

      ask (&search, pointer, device->path, n);
    }
  for (guint i = 0; plain_default_devices[i] != NULL; i++)
    ask (&search, plain_default_devices[i], plain_default_devices[i], n);
  ask_all (&search, "readonlyPaths", spec->linux_->readonly_paths);
  ask_all (&search, "maskedPaths", spec->linux_->masked_paths);
  if (spec->process != NULL)
    ask (&search, "/process/cwd", spec->process->cwd, n);
  return paths;
}

const PathFacts *
plain_path (const PlainWork *work, const char *pointer)
{
  return g_hash_table_lookup (work->facts->bundle.paths, pointer);
}

char *
plain_path_on_host (const PlainWork *work, const PathFacts *path)
{
  const SourceFacts *source = work->facts->bundle.root;
  const char *base = "/";

  if (path->base == PATH_SOURCE)
    source = g_ptr_array_index (work->facts->bundle.mounts, path->index);
  if (path->base == PATH_ROOT || path->base == PATH_SOURCE)
    base = source->path;
  else if (path->base == PATH_PROC)
    base = "/proc";
  else if (path->base == PATH_SYS)
    base = "/sys";
  return *path->rest != '\0' ? g_build_filename (base, path->rest, NULL) : g_strdup (base);
}

gboolean
plain_is_known (const PlainWork *work, const PathFacts *path)
{
  return path->error != ENOTSUP
         && (path->index == PATH_NONE || !g_array_index (work->left_out, gboolean, path->index));
}

static void
free_point (gpointer data)
{
  PlainPoint *point = data;

  g_free (point->pointer);
  g_free (point->target);
  g_free (point);
}

GPtrArray *
plain_points_new (void)
{
  return g_ptr_array_new_with_free_func (free_point);
}

void
plain_point (const PlainWork *work, const PlainPoint *point)
{
  PlainPoint *copy;

  if (work->points == NULL)
    return;
  copy = g_new (PlainPoint, 1);
  *copy = *point;
  copy->pointer = g_strdup (point->pointer);
  copy->target = g_strdup (point->target);
  g_ptr_array_add (work->points, copy);
}

/* Whether a mount point that is missing can be made. */
static gboolean
can_be_made (const PlainWork *work, const PathFacts *path)
{
  const OciMount *mount;
  gboolean writable = TRUE;

  if (path->base == PATH_ROOT || path->base == PATH_EMPTY || path->base == PATH_DEV)
    return TRUE;
  if (path->base != PATH_SOURCE)
    return FALSE;
  mount = g_ptr_array_index (work->spec->mounts, path->index);
  for (char **option = mount->options; option != NULL && *option != NULL; option++)
    if (strcmp (*option, "ro") == 0 || strcmp (*option, "rro") == 0)
      writable = FALSE;
    else if (strcmp (*option, "rw") == 0)
      writable = TRUE;
  return writable;
}

gboolean
plain_check_target (const PlainWork *work, const PathFacts *facts, const char *pointer,
                    const char *path)
{
  /* bwrap's own names, where the host hangs while it works */
  if (plain_below (path, "/oldroot") != NULL || plain_below (path, "/newroot") != NULL)
    plain_lose (work->plain, pointer, "nothing is put on %s: bwrap works there itself", path);
  else if (facts->error == ELOOP)
    plain_lose (work->plain, pointer, "nothing is put on %s: there is a link in it, which bwrap"
                " may follow out of the container", path);
  else if (!plain_is_known (work, facts))
    plain_lose (work->plain, pointer, "nothing is put on %s: what it lies in is not known", path);
  else if (work->points != NULL && facts->error == ENOENT && !can_be_made (work, facts))
    plain_lose (work->plain, pointer, "nothing is put on %s: it is not there, and cannot be made in"
                " what it lies in", path);
  else if (facts->error != 0 && facts->error != ENOENT)
    plain_lose (work->plain, pointer, "nothing is put on %s: %s", path,
                g_strerror (facts->error));
  else
    return TRUE;
  return FALSE;
}
