/* Copies of the init; see initfile.h. */
#include "config.h"

#include "run/initfile.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/self.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define INIT_MAX (1 << 20)

static char *
read_init (gsize *ret_length, GError **error)
{
  g_autofree char *path = self_find_program ("bwrap-oci-init", error);

  return path != NULL ? fd_read_file_at (AT_FDCWD, path, INIT_MAX, ret_length, error) : NULL;
}

int
init_file_sealed (GError **error)
{
  gsize length;
  g_autofree char *image = read_init (&length, error);

  return image != NULL ? fd_memfd ("bwrap-oci-init", image, length, TRUE, error) : -1;
}

int
init_file_opaque (GError **error)
{
  autofd file = init_file_sealed (error);

  if (file >= 0 && fchmod (file, 0111) < 0)
    return throw_fd_errno (error, "chmod memfd");
  return fd_steal (&file);
}

/* A new file in memory that may be executed, and neither has a name nor can be given one; -1: there
 * is no place. */
static int
open_nameless (void)
{
  autofd fd = open ("/dev/shm", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0700);
  struct statvfs fs;

  if (fd < 0 || fchmod (fd, 0500) < 0 || fstatvfs (fd, &fs) < 0 || (fs.f_flag & ST_NOEXEC) != 0)
    return -1;
  return fd_steal (&fd);
}

int
init_file_plain (GError **error)
{
  gsize length;
  g_autofree char *image = read_init (&length, error);
  autofd file = -1;

  if (image == NULL)
    return -1;
  file = open_nameless ();
  if (file >= 0 && fd_write_all (file, image, length, NULL))
    return fd_steal (&file);
  return fd_memfd ("bwrap-oci-init", image, length, TRUE, error);
}
