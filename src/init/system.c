/* What is set in the new namespaces beside mounts: names, sysctls, limits, the files of
 * /dev that are no mounts, and the socket for notifications. */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define KEYRING_OWNERS_MAX 64

void
do_new_session (struct init *init, const struct op *op)
{
  (void) op;
  /* EPERM: we lead a group already, so we have a session of our own */
  if (setsid () < 0 && errno != EPERM)
    fail (init, "setsid", "");
}

void
do_undumpable (struct init *init, const struct op *op)
{
  (void) op;
  if (prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
    fail (init, "PR_SET_DUMPABLE", "");
}

void
do_become_root (struct init *init, const struct op *op)
{
  (void) op;
  if (syscall (SYS_setresgid, 0, 0, 0) < 0 || syscall (SYS_setresuid, 0, 0, 0) < 0)
    fail (init, INIT_RESTRICTED, "");
}

/* Whether @name in @dir is a link that says @content; errno: something else is there. */
static bool
is_link (int dir, const char *name, const char *content)
{
  char seen[PATH_MAX];
  ssize_t length = readlinkat (dir, name, seen, sizeof seen);

  errno = EEXIST;
  return length >= 0 && (size_t) length == strlen (content)
         && memcmp (seen, content, (size_t) length) == 0;
}

void
do_symlink (struct init *init, const struct op *op)
{
  bool same = (op->header->flags & OP_FLAG_SAME) != 0;
  const char *path = op_string (op, 0), *content = op_string (op, 1);
  char name[NAME_MAX + 1];
  int dir = walk_parent (init->root, path, name);

  if (dir < 0)
    fail (init, "make directory", path);
  /* what the image or a mount put there wins, as with the peers, but over a link of the caller's */
  if (symlinkat (content, dir, name) < 0
      && (errno != EEXIST || (same && !is_link (dir, name, content))))
    fail (init, "symlink", path);
  (void) close (dir);
}

/* Writes @text to @path in one piece, as the files of /proc want it. */
static int
write_file (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  ssize_t n;
  int saved;

  if (fd < 0)
    return -1;
  do
    n = write (fd, text, strlen (text));
  while (n < 0 && errno == EINTR);
  saved = errno;
  (void) close (fd);
  errno = saved;
  return n < 0 ? -1 : 0;
}

void
do_sysctl (struct init *init, const struct op *op)
{
  char path[PATH_MAX];

  /* the staged procfs: nothing of the image can lie on it */
  if (snprintf (path, sizeof path, "/s/proc/sys/%s", op_string (op, 0)) >= (int) sizeof path)
    {
      errno = ENAMETOOLONG;
      fail (init, "sysctl", op_string (op, 0));
    }
  if (write_file (path, op_string (op, 1)) < 0)
    fail (init, "write sysctl", op_string (op, 0));
}

/* The same for a file of our own process. Where we are not to be looked at, it may belong to an id
 * that is nobody in here. */
static int
write_own_file (const char *path, const char *text)
{
  int written = write_file (path, text), saved;

  if (written == 0 || errno != EACCES || prctl (PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
    return written;
  written = write_file (path, text);
  saved = errno;
  (void) prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  errno = saved;
  return written;
}

void
do_oom_score_adj (struct init *init, const struct op *op)
{
  const char *path = op->header->flags & OP_FLAG_PLAIN ? "/proc/self/oom_score_adj"
                                                        : "/s/proc/self/oom_score_adj";

  if (write_own_file (path, op_string (op, 0)) < 0)
    fail (init, "write oom_score_adj", op_string (op, 0));
}

void
do_hostname (struct init *init, const struct op *op)
{
  const char *name = op_string (op, 0);

  if (syscall (SYS_sethostname, name, strlen (name)) < 0)
    fail (init, "sethostname", name);
}

void
do_domainname (struct init *init, const struct op *op)
{
  const char *name = op_string (op, 0);

  if (syscall (SYS_setdomainname, name, strlen (name)) < 0)
    fail (init, "setdomainname", name);
}

/* The keys that one user may own are few (keyrings(7), /proc/sys/kernel/keys/maxkeys), and all
 * containers of a caller are one user's: where they are used up, another id of the container's own
 * ranges becomes the owner. What counts is who has the keyring, not who owns it. */
static long
join_keyring_as_other (const char *name)
{
  long result = -1;

  errno = EDQUOT;
  for (uid_t id = 1; result < 0 && errno == EDQUOT && id <= KEYRING_OWNERS_MAX; id++)
    if (syscall (SYS_setresuid, id, -1, -1) == 0)
      result = syscall (SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
    else
      errno = ENOENT;
  if (syscall (SYS_setresuid, geteuid (), -1, -1) < 0)
    return -1;
  if (result < 0)
    errno = EDQUOT;
  return result;
}

void
do_keyring (struct init *init, const struct op *op)
{
  const char *name = op_string (op, 0);
  long result = syscall (SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);

  if (result < 0 && errno == EDQUOT)
    result = join_keyring_as_other (name);
  /* a kernel without keys, or a sandbox around us that forbids them, has none to leak */
  if (result < 0 && errno != ENOSYS && errno != EPERM)
    fail (init, "join session keyring", name);
}

void
do_rlimit (struct init *init, const struct op *op)
{
  struct rlimit limit = { .rlim_cur = op->numbers[1], .rlim_max = op->numbers[2] };

  if (setrlimit ((int) op->numbers[0], &limit) < 0)
    fail (init, "setrlimit", "");
}

/* The socket is the only thing in a file system of its own, which is read-only from then on. */
void
do_notify (struct init *init, const struct op *op)
{
  struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const char *path = op_string (op, 0);
  int dir = walk_open (init->root, path, OP_FLAG_DIRECTORY);

  if (dir < 0 || fchdir (dir) < 0)
    fail (init, "open", path);
  (void) snprintf (address.sun_path, sizeof address.sun_path, "%s", op_string (op, 1));
  init->notify = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (init->notify < 0 || bind (init->notify, (struct sockaddr *) &address, sizeof address) < 0)
    fail (init, "bind a socket in", path);
  if (sys_mount_setattr (dir, AT_EMPTY_PATH, &attr) < 0)
    fail (init, "mount_setattr", path);
  if (chdir ("/") < 0)
    fail (init, "chdir", "/");
  (void) close (dir);
}

void
do_scheduler (struct init *init, const struct op *op)
{
  const uint64_t *n = op->numbers;
  /* struct sched_attr as it was first (sched_setattr(2)) */
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attr = {
    .size = sizeof attr,
    .policy = (uint32_t) n[SCHEDULER_POLICY],
    .flags = n[SCHEDULER_FLAGS],
    .nice = (int32_t) n[SCHEDULER_NICE],
    .priority = (uint32_t) n[SCHEDULER_PRIORITY],
    .runtime = n[SCHEDULER_RUNTIME],
    .deadline = n[SCHEDULER_DEADLINE],
    .period = n[SCHEDULER_PERIOD],
  };

  if (syscall (SYS_sched_setattr, 0, &attr, 0) < 0)
    fail (init, "sched_setattr", "");
}

void
do_io_priority (struct init *init, const struct op *op)
{
  if (syscall (SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, (int) op->numbers[0]) < 0)
    fail (init, "ioprio_set", "");
}

void
do_personality (struct init *init, const struct op *op)
{
  if (syscall (SYS_personality, op->numbers[0]) < 0)
    fail (init, "personality", "");
}

void
do_memory_policy (struct init *init, const struct op *op)
{
  unsigned long bits = (op->header->n_numbers - 1ul) * 64;

  /* the kernel looks at one bit less than it is told (set_mempolicy(2), BUGS) */
  if (syscall (SYS_set_mempolicy, (int) op->numbers[0], op->numbers + 1, bits + 1) < 0)
    fail (init, "set_mempolicy", "");
}

void
do_affinity (struct init *init, const struct op *op)
{
  const uint64_t *mask = op->numbers;
  size_t length = op->header->n_numbers * sizeof (uint64_t);
  uint64_t all[8192 / 64];  /* the kernel's most */

  if (length == 0)
    {
      memset (all, 0xff, sizeof all);
      mask = all;
      length = sizeof all;
    }
  if (syscall (SYS_sched_setaffinity, 0, length, mask) < 0)
    fail (init, "sched_setaffinity", "");
}
