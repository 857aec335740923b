/* tmpcopyup: what the directory holds is copied up into the tmpfs that will hide it.
 *
 * The tree is hostile: nothing is opened that is not a directory or a regular file,
 * links are copied as links, device nodes and sockets are left out, and the depth is
 * bounded. */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>

#define DEPTH_MAX 128

/* So much of a file is copied between two looks at the clock. */
#define PIECE (1 << 26)

struct entry {
  uint64_t inode;
  int64_t offset;
  uint16_t size;
  uint8_t type;
  char name[];
};

static void copy_directory (struct init *init, int from, int to, int depth);

/* Says once that it takes longer than a second. */
static void
look_at_clock (struct init *init)
{
  struct timespec now;

  if (init->begun.tv_sec == 0 || clock_gettime (CLOCK_MONOTONIC, &now) < 0
      || now.tv_sec < init->begun.tv_sec + 1 + (now.tv_nsec < init->begun.tv_nsec))
    return;
  init->begun.tv_sec = 0;
  report_busy (init, "copying up", op_string (init->current, 0));
}

/* Owner, mode and times; an owner that has no id here stays root. */
static void
copy_attributes (struct init *init, int dir, const char *name, const struct stat *st)
{
  struct timespec times[2] = { st->st_atim, st->st_mtim };

  if (fchownat (dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EINVAL)
    fail (init, "copy up: chown", name);
  if (!S_ISLNK (st->st_mode) && fchmodat (dir, name, st->st_mode & 07777, 0) < 0)
    fail (init, "copy up: chmod", name);
  if (utimensat (dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
    fail (init, "copy up: utimens", name);
}

static void
copy_file (struct init *init, int from_dir, int to_dir, const char *name)
{
  int from = openat (from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  int to;
  struct stat st;
  ssize_t n;

  if (from < 0 || fstat (from, &st) < 0)
    fail (init, "copy up: open", name);
  if (S_ISREG (st.st_mode))
    {
      to = openat (to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      if (to < 0)
        fail (init, "copy up: create", name);
      while ((n = sendfile (to, from, NULL, PIECE)) != 0)
        if (n < 0 && errno != EINTR)
          fail (init, "copy up: copy", name);
        else
          look_at_clock (init);
      (void) close (to);
    }
  (void) close (from);
}

static void
copy_entry (struct init *init, int from, int to, const char *name, int depth)
{
  char content[PATH_MAX];
  struct stat st;
  ssize_t n;
  int a, b;

  look_at_clock (init);
  if (fstatat (from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    fail (init, "copy up: stat", name);
  switch (st.st_mode & S_IFMT)
    {
    case S_IFDIR:
      a = openat (from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (a < 0 || mkdirat (to, name, 0700) < 0)
        fail (init, "copy up: make directory", name);
      b = openat (to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (b < 0)
        fail (init, "copy up: open", name);
      copy_directory (init, a, b, depth + 1);
      (void) close (a);
      (void) close (b);
      break;
    case S_IFLNK:
      n = readlinkat (from, name, content, sizeof content - 1);
      if (n < 0)
        fail (init, "copy up: readlink", name);
      content[n] = '\0';
      if (symlinkat (content, to, name) < 0)
        fail (init, "copy up: symlink", name);
      break;
    case S_IFREG:
      copy_file (init, from, to, name);
      break;
    case S_IFIFO:
      if (mkfifoat (to, name, 0600) < 0)
        fail (init, "copy up: make fifo", name);
      break;
    default:
      return;
    }
  copy_attributes (init, to, name, &st);
}

static void
copy_directory (struct init *init, int from, int to, int depth)
{
  char buffer[4096] __attribute__ ((aligned (8)));
  long n;

  if (depth > DEPTH_MAX)
    {
      errno = ELOOP;
      fail (init, "copy up", "nested too deep");
    }
  while ((n = syscall (SYS_getdents64, from, buffer, sizeof buffer)) > 0)
    for (long at = 0; at < n;)
      {
        const struct entry *entry = (const void *) (buffer + at);

        if (strcmp (entry->name, ".") != 0 && strcmp (entry->name, "..") != 0)
          copy_entry (init, from, to, entry->name, depth);
        at += entry->size;
      }
  if (n < 0)
    fail (init, "copy up: read directory", "");
}

void
copy_up (struct init *init, int from, int to)
{
  int source = openat (from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int target = openat (to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (source < 0 || target < 0 || clock_gettime (CLOCK_MONOTONIC, &init->begun) < 0)
    fail (init, "copy up: open", "");
  copy_directory (init, source, target, 0);
  (void) close (source);
  (void) close (target);
}

/* Whether one of the options of OP_MOUNT begins with @prefix. */
static bool
has_option (const struct op *op, const char *prefix)
{
  for (unsigned int i = 2; i < op->header->n_strings; i++)
    if (strncmp (op_string (op, i), prefix, strlen (prefix)) == 0)
      return true;
  return false;
}

void
copy_owner (struct init *init, const struct op *op, int from, int to)
{
  struct stat st;

  if (fstat (from, &st) < 0)
    fail (init, "copy up: stat", "");
  if (fchownat (to, "", has_option (op, "uid=") ? (uid_t) -1 : st.st_uid,
                has_option (op, "gid=") ? (gid_t) -1 : st.st_gid, AT_EMPTY_PATH) < 0
      && errno != EINVAL)
    fail (init, "copy up: chown", "");
}
