/* Paths below the root file system, which is hostile: its links may point anywhere.
 *
 * The kernel resolves every path with RESOLVE_IN_ROOT (openat2(2)), so a link leads
 * where it would lead after the pivot and never to the host. What is missing is made
 * one component at a time on descriptors, exclusively, without following anything. */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 40    /* as the kernel's own limit (path_resolution(7)) */
#define ROUNDS_MAX 256  /* each makes what is missing up to a link or a ".." */

int
walk_open (int root, const char *path, unsigned int flags)
{
  struct open_how how = {
    .flags = O_PATH | O_CLOEXEC,
    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  };
  int fd;

  if (flags & OP_FLAG_NO_SYMLINKS)
    how.resolve |= RESOLVE_NO_SYMLINKS;
  /* EAGAIN: something was renamed meanwhile and the kernel could not be sure */
  do
    fd = sys_openat2 (root, path, &how);
  while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  return fd;
}

/* The end of the component that starts at @p. */
static const char *
component_end (const char *p)
{
  while (*p != '\0' && *p != '/')
    p++;
  return p;
}

/* Fills @ends with where each component of @path ends; ends[0] is before the first. Returns how
 * many components there are, at most PATH_MAX / 2. */
static unsigned int
find_ends (const char *path, unsigned short *ends)
{
  unsigned int count = 0;
  const char *p = path;

  ends[0] = 0;
  for (;;)
    {
      p += strspn (p, "/");
      if (*p == '\0')
        return count;
      p = component_end (p);
      ends[++count] = (unsigned short) (p - path);
    }
}

/* Opens the longest beginning of @path, which is not there as a whole, that is. *@rest is where the
 * first missing component starts. Behind what is missing everything is, so it is found by halving:
 * a link of the image may have two thousand components. Mostly it is the last that is missing. */
static int
open_existing (int root, const char *path, unsigned int flags, const char **rest)
{
  char head[PATH_MAX];
  unsigned short ends[PATH_MAX / 2 + 1];
  unsigned int count = find_ends (path, ends), low = 0, high = count > 0 ? count - 1 : 0;
  int dir = -1;

  for (unsigned int middle = high; low < high; middle = (low + high + 1) / 2)
    {
      int next;

      memcpy (head, path, ends[middle]);
      head[ends[middle]] = '\0';
      next = walk_open (root, head, flags);
      if (next < 0 && errno == ENOENT)
        {
          high = middle - 1;
          continue;
        }
      if (dir >= 0)
        (void) close (dir);
      if (next < 0)
        return -1;
      dir = next;
      low = middle;
    }
  *rest = path + ends[low] + strspn (path + ends[low], "/");
  return dir >= 0 ? dir : walk_open (root, "/", flags);
}

/* Replaces the link @name of @path, whose rest begins at @rest, by its content:
 * @path becomes HEAD/CONTENT/TAIL, or CONTENT/TAIL if the link is absolute. */
static int
splice_link (char *path, const char *rest, const char *content, size_t length)
{
  char spliced[PATH_MAX];
  const char *tail = component_end (rest);
  size_t head = content[0] == '/' ? 0 : (size_t) (rest - path);
  size_t tail_length = strlen (tail) + 1;

  if (head + length + tail_length > sizeof spliced)
    {
      errno = ENAMETOOLONG;
      return -1;
    }
  memcpy (spliced, path, head);
  memcpy (spliced + head, content, length);
  memcpy (spliced + head + length, tail, tail_length);
  memcpy (path, spliced, head + length + tail_length);
  return 1;
}

/* Copies the component at @rest to @name (NAME_MAX + 1 bytes). */
static int
copy_component (const char *rest, char *name)
{
  size_t length = (size_t) (component_end (rest) - rest);

  if (length > NAME_MAX)
    {
      errno = ENAMETOOLONG;
      return -1;
    }
  memcpy (name, rest, length);
  name[length] = '\0';
  return 0;
}

/* Makes the directory or empty file @name, exclusively. */
static int
make_exclusively (int dir, const char *name, bool directory)
{
  int fd;

  if (directory)
    return mkdirat (dir, name, 0755);
  fd = openat (dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
  return fd < 0 ? -1 : close (fd);
}

/* Makes the first missing component, whose name goes to @name (returns 0); a dangling link in its
 * place is spliced into @path instead (returns 1). */
static int
make_component (int dir, char *path, const char *rest, unsigned int flags, char *name)
{
  char content[PATH_MAX];
  const char *end = component_end (rest);
  bool last = end[strspn (end, "/")] == '\0';
  ssize_t n;

  if (copy_component (rest, name) < 0)
    return -1;
  if (make_exclusively (dir, name, !last || (flags & OP_FLAG_DIRECTORY)) == 0)
    return 0;
  if (errno != EEXIST)
    return -1;

  n = readlinkat (dir, name, content, sizeof content);
  if (n < 0)
    return errno == EINVAL || errno == ENOENT ? 0 : -1;  /* the next round looks again */
  if (n == 0 || n == sizeof content)
    {
      errno = ENAMETOOLONG;
      return -1;
    }
  return (flags & OP_FLAG_NO_SYMLINKS) ? (errno = ELOOP, -1)
                                       : splice_link (path, rest, content, (size_t) n);
}

/* Makes what is missing from @rest on: to the end (then @made), to a dot, which is the kernel's to
 * resolve, or to a dangling link. Returns how many links were spliced into @path. */
static int
make_missing (int dir, char *path, const char *rest, unsigned int flags, bool *made)
{
  char name[NAME_MAX + 1];
  int at = dir, links;

  while ((links = make_component (at, path, rest, flags, name)) == 0)
    {
      int next;

      rest = component_end (rest);
      rest += strspn (rest, "/");
      *made = *rest == '\0';
      if (*rest == '\0' || *rest == '.')
        break;
      /* what is no directory after all is for the next round */
      next = openat (at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (next < 0)
        break;
      if (at != dir)
        (void) close (at);
      at = next;
    }
  if (at != dir)
    {
      int saved = errno;

      (void) close (at);
      errno = saved;
    }
  return links;
}

int
walk_make (int root, const char *path, unsigned int flags, bool *made)
{
  char work[PATH_MAX];
  size_t length = strlen (path);
  bool ignored;

  if (made == NULL)
    made = &ignored;
  *made = false;
  if (length >= sizeof work)
    {
      errno = ENAMETOOLONG;
      return -1;
    }
  memcpy (work, path, length + 1);

  for (int round = 0, links = 0; round < ROUNDS_MAX && links <= LINKS_MAX; round++)
    {
      const char *rest = work;
      int found = walk_open (root, work, flags), dir, result, saved;

      if (found >= 0 || errno != ENOENT)
        return found;
      dir = open_existing (root, work, flags, &rest);
      if (dir < 0)
        return -1;
      result = make_missing (dir, work, rest, flags, made);
      saved = errno;
      (void) close (dir);
      if (result < 0)
        {
          errno = saved;
          return -1;
        }
      links += result;
    }
  errno = ELOOP;
  return -1;
}

int
walk_parent (int root, const char *path, char *name)
{
  char head[PATH_MAX];
  size_t length = strlen (path);
  const char *slash, *last;

  while (length > 0 && path[length - 1] == '/')
    length--;
  if (length >= sizeof head)
    {
      errno = ENAMETOOLONG;
      return -1;
    }
  memcpy (head, path, length);
  head[length] = '\0';
  slash = strrchr (head, '/');
  last = slash != NULL ? slash + 1 : head;
  if (strlen (last) > NAME_MAX)
    {
      errno = ENAMETOOLONG;
      return -1;
    }
  memcpy (name, last, strlen (last) + 1);
  if (*name == '\0' || strcmp (name, ".") == 0 || strcmp (name, "..") == 0)
    {
      errno = EINVAL;
      return -1;
    }
  head[slash != NULL ? slash - head : 0] = '\0';
  return walk_make (root, *head != '\0' ? head : "/", OP_FLAG_DIRECTORY, NULL);
}
