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

static int
open_source (const SourceFacts *source)
{
  if (source == NULL)
    return -1;
  if (source->fd >= 0)
    return fcntl (source->fd, F_DUPFD_CLOEXEC, 3);
  return source->real_path != NULL ? open (source->real_path, O_PATH | O_CLOEXEC) : -1;
}

/* Opens what @path is below; -1: that is nowhere on the host. */
static int
open_base (const BundleFacts *bundle, const PathFacts *path)
{
  switch (path->base)
    {
    case PATH_ROOT:
      return open_source (bundle->root);
    case PATH_SOURCE:
      return open_source (g_ptr_array_index (bundle->mounts, path->index));
    case PATH_PROC:
      return open ("/proc", O_PATH | O_CLOEXEC);
    case PATH_SYS:
      return open ("/sys", O_PATH | O_CLOEXEC);
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
  GHashTableIter iter;
  gpointer value;

  facts->paths = plain_paths (spec);
  g_hash_table_iter_init (&iter, facts->paths);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      autofd base = open_base (facts, value);

      if (base >= 0)
        look (value, base);
    }
}
