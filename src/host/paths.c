/* Paths of the container on the host; see paths.h. The image is hostile, and a path that leads
 * through a link is of no use here: openat2(2) says so, without going anywhere. */
#include "config.h"

#include "host/paths.h"

#include "base/fd.h"
#include "plan/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where to look; those that are not open are -1. */
typedef struct {
  const BundleFacts *bundle;
  int proc;
  int sys;
} Bases;

/* The directory that @path is below; -1: nowhere on the host. */
static int
base_of (const Bases *bases, const PathFacts *path)
{
  const SourceFacts *source;

  switch (path->base)
    {
    case PATH_ROOT:
      return bases->bundle->root->fd;
    case PATH_SOURCE:
      source = g_ptr_array_index (bases->bundle->mounts, path->index);
      return source != NULL ? source->fd : -1;
    case PATH_PROC:
      return bases->proc;
    case PATH_SYS:
      return bases->sys;
    case PATH_DEV:
    case PATH_EMPTY:
    case PATH_UNKNOWN:
      break;
    }
  return -1;
}

/* Without a link in any part, the last one included. */
static void
look (PathFacts *path, int base)
{
  struct open_how how = {
    .flags = O_PATH | O_CLOEXEC,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  autofd fd = -1;
  struct stat st;

  if (*path->rest != '\0')
    {
      fd = (int) syscall (SYS_openat2, base, path->rest, &how, sizeof how);
      if (fd < 0)
        {
          path->error = errno;
          return;
        }
      base = fd;
    }
  if (fstat (base, &st) < 0)
    path->error = errno;
  else
    path->mode = st.st_mode;
}

void
host_paths_probe (const OciSpec *spec, BundleFacts *facts)
{
  autofd proc = open ("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  autofd sys = open ("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
  const Bases bases = { .bundle = facts, .proc = proc, .sys = sys };
  GHashTableIter iter;
  gpointer value;

  facts->paths = plain_paths (spec);
  g_hash_table_iter_init (&iter, facts->paths);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      int base = base_of (&bases, value);

      if (base >= 0)
        look (value, base);
    }
}
