/* File descriptors; see fd.h. */
#include "config.h"

#include "base/fd.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void
fd_clear (int *fd)
{
  int saved = errno;

  if (*fd >= 0)
    (void) close (*fd);
  *fd = -1;
  errno = saved;
}

int
fd_steal (int *fd)
{
  int stolen = *fd;

  *fd = -1;
  return stolen;
}

gboolean
fd_ensure_standard (GError **error)
{
  int fd = -1;

  /* the lowest free number is taken each time: stop at the first above 2 */
  for (;;)
    {
      fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
      if (fd < 0)
        return throw_errno (error, "open /dev/null");
      if (fd > STDERR_FILENO)
        break;
      if (fcntl (fd, F_SETFD, 0) < 0)
        return throw_errno (error, "fcntl /dev/null");
    }
  fd_clear (&fd);
  return TRUE;
}

unsigned int
fd_count_from (unsigned int first)
{
  unsigned int count = 0;

  while (fcntl ((int) (first + count), F_GETFD) >= 0)
    count++;
  return count;
}

GArray *
fd_list_from (int first, GError **error)
{
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  DIR *dir = opendir ("/proc/self/fd");

  if (dir == NULL)
    return throw_null_errno (error, "open /proc/self/fd");
  for (struct dirent *entry = readdir (dir); entry != NULL; entry = readdir (dir))
    {
      int fd = (int) g_ascii_strtoll (entry->d_name, NULL, 10);

      if (g_ascii_isdigit (entry->d_name[0]) && fd >= first && fd != dirfd (dir))
        g_array_append_val (fds, fd);
    }
  (void) closedir (dir);
  return g_steal_pointer (&fds);
}

gboolean
fd_cloexec_from (unsigned int first, GError **error)
{
  if (syscall (SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
    return throw_errno (error, "close_range");
  return TRUE;
}

gboolean
fd_wait (int fd, int timeout_ms)
{
  gint64 end = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  for (;;)
    {
      int left = -1, n;

      if (timeout_ms >= 0)
        left = (int) MAX (0, (end - g_get_monotonic_time ()) / 1000);
      n = poll (&poll_fd, 1, left);
      if (n > 0)
        return TRUE;
      if (n == 0 || errno != EINTR)
        return FALSE;
    }
}

gboolean
fd_write_all (int fd, const void *data, gsize length, GError **error)
{
  const char *next = data;

  while (length > 0)
    {
      ssize_t n = write (fd, next, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return throw_errno (error, "write");
      next += n;
      length -= (gsize) n;
    }
  return TRUE;
}

/* Reads to the end; @size is what is to be expected, 0 if nothing is known: just so much, where
 * there was room for more, is all. Transfer: full. */
static char *
read_all (int fd, gsize size, gsize limit, gsize *ret_length, GError **error)
{
  gsize room = MIN (size > 0 ? size + 1 : 4096, limit + 1), length = 0;
  g_autofree char *data = g_malloc (room + 1);

  for (;;)
    {
      ssize_t n = read (fd, data + length, room - length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return throw_null_errno (error, "read");
      if (n == 0)
        break;
      length += (gsize) n;
      if (length > limit)
        {
          errno = EBADMSG;
          return throw_null (error, "too large: more than %" G_GSIZE_FORMAT " bytes", limit);
        }
      if (length == size)
        break;
      if (length == room)
        {
          room = MIN (room * 2, limit + 1);
          data = g_realloc (data, room + 1);
        }
    }
  data[length] = '\0';
  if (ret_length != NULL)
    *ret_length = length;
  return g_steal_pointer (&data);
}

/* The size of what @st describes, as far as it says something: files of /proc have none. */
static gsize
expected_size (const struct stat *st)
{
  return S_ISREG (st->st_mode) && st->st_size > 0 ? (gsize) st->st_size : 0;
}

gboolean
fd_read_all (int fd, gsize limit, char **ret_data, gsize *ret_length, GError **error)
{
  struct stat st;
  char *data = read_all (fd, fstat (fd, &st) == 0 ? expected_size (&st) : 0, limit, ret_length,
                         error);

  if (data == NULL)
    return FALSE;
  *ret_data = data;
  return TRUE;
}

/* Reads the regular file @fd; @path is for messages. Transfer: full. */
static char *
read_regular (int fd, const char *path, gsize limit, gsize *ret_length, GError **error)
{
  struct stat st;
  char *data;

  if (fstat (fd, &st) < 0)
    return throw_null_errno (error, "stat %s", path);
  if (!S_ISREG (st.st_mode))
    {
      errno = EBADMSG;
      return throw_null (error, "%s: not a regular file", path);
    }
  data = read_all (fd, expected_size (&st), limit, ret_length, error);
  if (data == NULL)
    g_prefix_error (error, "%s: ", path);
  return data;
}

char *
fd_read_file_at (int dir_fd, const char *path, gsize limit, gsize *ret_length, GError **error)
{
  autofd fd = openat (dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    return throw_null_errno (error, "open %s", path);
  return read_regular (fd, path, limit, ret_length, error);
}

char *
fd_read_argument (const char *path, gsize limit, gsize *ret_length, GError **error)
{
  autofd fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  char *data = NULL;

  if (fd < 0)
    return throw_null_errno (error, "open %s", path);
  if (!fd_read_all (fd, limit, &data, ret_length, error))
    g_prefix_error (error, "%s: ", path);
  return data;
}

gboolean
fd_read_present_at (int dir_fd, const char *path, gsize limit, GBytes **ret_data, GError **error)
{
  autofd fd = openat (dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  char *data;
  gsize length;

  if (fd < 0 && errno == ENOENT)
    {
      *ret_data = NULL;
      return TRUE;
    }
  if (fd < 0)
    return throw_errno (error, "open %s", path);
  data = read_regular (fd, path, limit, &length, error);
  if (data == NULL)
    return FALSE;
  *ret_data = g_bytes_new_take (data, length);
  return TRUE;
}

gboolean
fd_read_record (const char *path, char *ret_text, gsize size, GError **error)
{
  autofd fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  ssize_t n;

  if (fd < 0)
    return throw_errno (error, "open %s", path);
  do
    n = read (fd, ret_text, size - 1);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return throw_errno (error, "read %s", path);
  ret_text[n] = '\0';
  return TRUE;
}

int
fd_memfd (const char *name, const void *data, gsize length, gboolean sealed, GError **error)
{
  autofd fd = memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

  if (fd < 0)
    return throw_fd_errno (error, "memfd_create");
  if (!fd_write_all (fd, data, length, error))
    return -1;
  if (lseek (fd, 0, SEEK_SET) < 0)
    return throw_fd_errno (error, "lseek");
  if (sealed
      && fcntl (fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
    return throw_fd_errno (error, "seal memfd");
  return fd_steal (&fd);
}

int
fd_reopen_readonly (int fd, GError **error)
{
  char path[64];
  autofd copy = -1;

  (void) snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  copy = open (path, O_RDONLY | O_CLOEXEC);
  if (copy < 0)
    return throw_fd_errno (error, "open %s", path);
  return fd_steal (&copy);
}
