/* Placing mounts below the root file system.
 *
 * A mount is made detached (open_tree, fsmount), gets its attributes, and then goes
 * from descriptor to descriptor onto its target: no path is ever given to mount(2).
 * Afterwards the target is resolved once more and must show that very mount; if
 * someone renames things meanwhile, nothing runs. */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef AT_NO_AUTOMOUNT
#define AT_NO_AUTOMOUNT 0x800
#endif

#define STATX_MNT_ID_MASK 0x1000u  /* STATX_MNT_ID */
#define STATX_MNT_ID_WORD 18       /* stx_mnt_id lies at byte 144 of struct statx */
#define STATX_ATTRIBUTES_WORD 1    /* stx_attributes, at byte 8 */
#define STATX_KNOWN_WORD 7         /* stx_attributes_mask, at byte 56 */
#define STATX_MOUNT_ROOT 0x2000u   /* STATX_ATTR_MOUNT_ROOT */
#define OLD_ROOT_DETACH 2          /* MNT_DETACH */
#define ASIDE "/x"                 /* in bwrap's own root */

/* Whether a mount begins at @fd; a kernel that cannot tell does not count. */
static bool
is_mount_root (int fd)
{
  uint64_t words[32] = { 0 };

  return syscall (SYS_statx, fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, 0, words) < 0
         || (words[STATX_KNOWN_WORD] & ~words[STATX_ATTRIBUTES_WORD] & STATX_MOUNT_ROOT) == 0;
}

/* The id of the mount that @fd is on; 0 with errno on failure. */
static uint64_t
mount_id (int fd)
{
  uint64_t words[32] = { 0 };

  if (syscall (SYS_statx, fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID_MASK, words) < 0)
    return 0;
  return words[STATX_MNT_ID_WORD];
}

int
change (int mount, unsigned int flags, uint64_t set, uint64_t clear, uint64_t propagation)
{
  struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };

  if (set == 0 && clear == 0 && propagation == 0)
    return 0;
  /* the access-time bits are one value: it is replaced as a whole */
  if (set & MOUNT_ATTR__ATIME)
    attr.attr_clr |= MOUNT_ATTR__ATIME;
  return sys_mount_setattr (mount, AT_EMPTY_PATH | flags, &attr);
}

/* The kernel says only EINVAL when a directory goes onto a file, or the reverse. */
static _Noreturn void
fail_place (struct init *init, int mount, int at, const char *target)
{
  struct stat source, there;
  int saved = errno;

  if (fstat (mount, &source) == 0 && fstat (at, &there) == 0
      && S_ISDIR (source.st_mode) != S_ISDIR (there.st_mode))
    saved = S_ISDIR (source.st_mode) ? ENOTDIR : EISDIR;
  errno = saved;
  fail (init, "move_mount", target);
}

/* What may lie over files below /proc is chosen by name, and no link of the image goes round that
 * (CVE-2019-16884). To hide more of them is no harm. */
static void
refuse_proc (struct init *init, int at, const char *target)
{
  uint32_t code = init->current->header->code;
  struct statfs fs;

  if (fstatfs (at, &fs) < 0)
    fail (init, "fstatfs", target);
  if (fs.f_type == PROC_SUPER_MAGIC && code != OP_MASK && code != OP_READONLY
      && strncmp (target, "/proc", strlen ("/proc")) != 0)
    {
      errno = 0;
      fail (init, "a link of the image leads into a procfs", target);
    }
}

/* Attaches @mount at @at, which it closes: what @target was found to be. */
static void
place_at (struct init *init, int mount, int at, const char *target, unsigned int flags)
{
  uint64_t found, placed;
  int seen;

  refuse_proc (init, at, target);
  if (sys_move_mount (mount, at) < 0)
    fail_place (init, mount, at, target);
  (void) close (at);

  seen = walk_open (init->root, target, flags);
  if (seen < 0)
    fail (init, "open mount point again", target);
  found = mount_id (seen);
  placed = mount_id (mount);
  if (found == 0 || placed == 0)
    fail (init, "statx", target);
  if (found != placed)
    {
      errno = 0;
      fail (init, "the mount point was replaced meanwhile", target);
    }
  (void) close (seen);
}

/* walk_make() of a mount point, which is there afterwards. */
static int
make_point (struct init *init, const char *target, unsigned int flags, bool *made)
{
  int at = walk_make (init->root, target, flags, made);

  if (at < 0 && (flags & OP_FLAG_NO_SYMLINKS) && (errno == ELOOP || errno == ENOTDIR))
    {
      errno = 0;
      fail (init, "it must be mounted on ordinary directory", target);
    }
  if (at < 0)
    fail (init, "make mount point", target);
  return at;
}

void
place (struct init *init, int mount, const char *target, unsigned int flags)
{
  place_at (init, mount, make_point (init, target, flags, NULL), target, flags);
}

/* Undoes \nnn in a path of mountinfo, in place. */
static void
unescape (char *text)
{
  char *to = text;

  for (; *text != '\0'; text++)
    {
      if (text[0] == '\\' && text[1] != '\0' && text[2] != '\0' && text[3] != '\0')
        {
          *to++ = (char) ((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
          text += 3;
        }
      else
        *to++ = *text;
    }
  *to = '\0';
}

/* What the mount at @below, a path below the staged tree, keeps of BIND_SOFT_CLEAR. */
static uint64_t
kept_flags (const struct op *op, const char *below)
{
  unsigned int count = op->header->n_numbers - BIND_NUMBERS;
  unsigned int first = op->header->n_strings - count;

  for (unsigned int i = 0; i < count && count <= op->header->n_strings; i++)
    if (strcmp (op_string (op, first + i), below) == 0)
      return op->numbers[BIND_NUMBERS + i];
  return 0;
}

/* Clears the bits of @clear one by one on the mount at @path, as far as they are not
 * locked: a locked one was set on the host and so belongs to the source. */
static void
soft_clear_one (const char *path, uint64_t clear)
{
  int fd = open (path, O_PATH | O_CLOEXEC | O_NOFOLLOW);

  for (uint64_t bit = 1; fd >= 0 && bit != 0 && bit <= clear; bit <<= 1)
    if (clear & bit)
      (void) change (fd, 0, 0, bit, 0);
  if (fd >= 0)
    (void) close (fd);
}

/* soft_clear_one() for every mount at or below @staged, one of our own short names. */
static void
soft_clear_each (struct init *init, const struct op *op, const char *staged)
{
  uint64_t clear = op->numbers[BIND_SOFT_CLEAR];
  int fd = open ("/s/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  size_t prefix = strlen (staged), held = 0;
  char line[2 * PATH_MAX + 256];
  ssize_t n;

  if (fd < 0)
    fail (init, "open mountinfo", staged);
  while ((n = read (fd, line + held, sizeof line - 1 - held)) > 0 || held > 0)
    {
      char *end, *path = line;

      held += n > 0 ? (size_t) n : 0;
      line[held] = '\0';
      end = memchr (line, '\n', held);
      if (end == NULL && n > 0 && held < sizeof line - 1)
        continue;
      if (end == NULL)
        break;
      *end = '\0';
      /* the mount point is the fifth field (proc(5)) */
      for (int field = 0; field < 4 && path != NULL; field++)
        path = strchr (path, ' ') != NULL ? strchr (path, ' ') + 1 : NULL;
      if (path != NULL)
        {
          path[strcspn (path, " ")] = '\0';
          unescape (path);
          if (strncmp (path, staged, prefix) == 0 && (path[prefix] == '/' || path[prefix] == '\0'))
            soft_clear_one (path, clear & ~kept_flags (op, path + prefix));
        }
      held -= (size_t) (end + 1 - line);
      memmove (line, end + 1, held);
    }
  (void) close (fd);
}

/* Attaches the clone @mount where its mounts can be found by name. */
static void
attach_aside (struct init *init, int mount)
{
  int at;

  if (mkdir (ASIDE, 0700) < 0 && errno != EEXIST)
    fail (init, "mkdir", ASIDE);
  at = open (ASIDE, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0 || sys_move_mount (mount, at) < 0)
    fail (init, "move_mount", ASIDE);
  (void) close (at);
}

/* Takes back what bwrap has added to the flags of @mount, and of what is below it: at once, or
 * one by one where some are locked or to be kept. @name is where it is, NULL: detached. */
static void
soft_clear (struct init *init, const struct op *op, int mount, const char *name)
{
  unsigned int recursive = op->header->flags & OP_FLAG_RECURSIVE ? AT_RECURSIVE : 0;

  if (op->header->n_numbers == BIND_NUMBERS)
    {
      if (change (mount, recursive, 0, op->numbers[BIND_SOFT_CLEAR], 0) == 0)
        return;
      if (errno != EPERM)
        fail (init, "mount_setattr", "");
    }
  if (name == NULL)
    attach_aside (init, mount);
  soft_clear_each (init, op, name != NULL ? name : ASIDE);
}

/* Clones the staged tree. */
static int
clone_source (struct init *init, const struct op *op, const char *staged)
{
  unsigned int recursive = op->header->flags & OP_FLAG_RECURSIVE ? AT_RECURSIVE : 0;
  struct stat st;
  int mount = sys_open_tree (AT_FDCWD, staged,
                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive
                             | AT_SYMLINK_NOFOLLOW);

  if (mount < 0 && errno == EINVAL && !recursive)
    {
      /* mount_namespaces(7): what another user namespace has mounted hides what is below */
      errno = 0;
      fail (init, "the host has mounts below it, which only rbind", "takes along");
    }
  if (mount < 0)
    fail (init, "open_tree", staged);
  if (op->header->flags & OP_FLAG_CHECK_SOURCE)
    {
      if (fstat (mount, &st) < 0)
        fail (init, "fstat", staged);
      if (st.st_dev != op->numbers[BIND_DEVICE] || st.st_ino != op->numbers[BIND_INODE])
        {
          errno = 0;
          fail (init, "the source was replaced meanwhile", staged);
        }
    }
  soft_clear (init, op, mount, NULL);
  return mount;
}

/* The attributes that were asked for must hold, but for those of access times: a host
 * mount's are locked and stay. */
static void
set_attributes (struct init *init, const struct op *op, int mount, const char *name)
{
  const uint64_t soft = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME;
  const uint64_t *n = op->numbers;
  bool atime = n[BIND_SOFT_ATIME] != BIND_NO_ATIME;

  if (change (mount, AT_RECURSIVE, n[BIND_RECURSIVE_SET] & ~soft, n[BIND_RECURSIVE_CLEAR] & ~soft,
              n[BIND_RECURSIVE_PROPAGATION]) < 0)
    fail (init, "mount_setattr (recursive)", name);
  if (change (mount, 0, n[BIND_SET] & ~soft, n[BIND_CLEAR] & ~soft, n[BIND_PROPAGATION]) < 0)
    fail (init, "mount_setattr", name);
  if (change (mount, AT_RECURSIVE, n[BIND_RECURSIVE_SET] & soft,
              n[BIND_RECURSIVE_CLEAR] & soft, 0) < 0
      && errno != EPERM)
    fail (init, "mount_setattr (recursive atime)", name);
  if (change (mount, 0, (n[BIND_SET] & soft) | (atime ? n[BIND_SOFT_ATIME] : 0),
              (n[BIND_CLEAR] & soft) | (atime ? MOUNT_ATTR__ATIME : 0), 0) < 0
      && errno != EPERM)
    fail (init, "mount_setattr (atime)", name);
}

/* The next mount that the runtime has made; they come in the order of the instructions. */
static int
receive_mount (struct init *init, const char *target)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (int))];
  } control = { 0 };
  char byte;
  struct iovec vector = { .iov_base = &byte, .iov_len = 1 };
  struct msghdr msg = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
                        .msg_controllen = sizeof control.space };
  ssize_t n;
  int fd;

  do
    n = recvmsg (init->control, &msg, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n != 1 || control.header.cmsg_type != SCM_RIGHTS)
    fail (init, "receive mount", target);
  memcpy (&fd, CMSG_DATA (&control.header), sizeof fd);
  return fd;
}

void
do_bind (struct init *init, const struct op *op)
{
  const char *target = op_string (op, 0);
  int mount = op->header->flags & OP_FLAG_RECEIVED ? receive_mount (init, target)
                                                   : clone_source (init, op, op_string (op, 1));

  set_attributes (init, op, mount, target);
  place (init, mount, target, op->header->flags);
  (void) close (mount);
}

void
do_root (struct init *init, const struct op *op)
{
  const struct mount_attr nothing = { 0 };
  struct stat st;

  init->root = open ("/r", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (init->root < 0 || fstat (init->root, &st) < 0)
    fail (init, "open", "/r");
  /* the first call that takes a capability, told apart from those that have other reasons */
  if (sys_mount_setattr (init->root, AT_EMPTY_PATH, &nothing) < 0 && errno != ENOSYS)
    fail (init, INIT_RESTRICTED, "");
  if ((op->header->flags & OP_FLAG_CHECK_SOURCE)
      && (st.st_dev != op->numbers[BIND_DEVICE] || st.st_ino != op->numbers[BIND_INODE]))
    {
      errno = 0;
      fail (init, "the root file system was replaced meanwhile", "");
    }
  soft_clear (init, op, init->root, "/r");
  set_attributes (init, op, init->root, "/");
}

static void
label_root (struct init *init, int mount, const char *label)
{
  int fd = openat (mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0
      || syscall (SYS_fsetxattr, fd, "security.selinux", label, strlen (label) + 1, 0) < 0)
    fail (init, "label its root", label);
  (void) close (fd);
}

void
do_mount (struct init *init, const struct op *op)
{
  const char *target = op_string (op, 0), *type = op_string (op, 1);
  uint64_t set = op->numbers[MOUNT_SET];
  unsigned int flags = op->header->flags;
  char mode[32] = "";
  int mount, below;
  struct stat st;
  bool made;

  below = make_point (init, target, flags, &made);
  if (fstat (below, &st) < 0)
    fail (init, "stat mount point", target);

  if (!made && (flags & OP_FLAG_INHERIT_MODE))
    (void) snprintf (mode, sizeof mode, "mode=%o", (unsigned int) (st.st_mode & 07777));
  mount = strcmp (type, "overlay") == 0 ? overlay_new (init, op, 2)
                                        : filesystem_new (init, type, op, 2, mode);
  if (mount < 0)
    fail_refused (init);

  if (flags & OP_FLAG_LABEL)
    label_root (init, mount, op_string (op, op->header->n_strings - 1));
  if (flags & OP_FLAG_COPY_UP)
    {
      copy_up (init, below, mount);
      copy_owner (init, op, below, mount);
    }
  if (flags & OP_FLAG_LATE_READONLY)
    set &= ~(uint64_t) MOUNT_ATTR_RDONLY;
  if (change (mount, 0, set, op->numbers[MOUNT_CLEAR], op->numbers[MOUNT_PROPAGATION]) < 0)
    fail (init, "mount_setattr", target);
  place_at (init, mount, below, target, flags);
  if ((flags & OP_FLAG_LATE_READONLY) && init->n_late < LATE_MAX)
    init->late[init->n_late++] = mount;
  else
    (void) close (mount);
}

/* Hides a directory behind an empty read-only tmpfs; all of them share one. */
static void
mask_directory (struct init *init, const struct op *op)
{
  const char *path = op_string (op, 0);
  int mount, fd;
  bool fine;

  if (init->mask >= 0)
    {
      mount = sys_open_tree (init->mask, "",
                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
      if (mount < 0)
        fail (init, "open_tree", path);
      place (init, mount, path, OP_FLAG_DIRECTORY);
      (void) close (mount);
      return;
    }
  fd = filesystem_open (init, "tmpfs");
  fine = fd >= 0 && filesystem_set (init, fd, "mode=0755")
         && filesystem_set (init, fd, "nr_inodes=1");
  for (unsigned int i = 1; fine && i < op->header->n_strings; i++)
    fine = filesystem_set (init, fd, op_string (op, i));
  mount = fine ? filesystem_make (init, fd, "tmpfs", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID
                                                       | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
               : -1;
  if (mount < 0)
    fail_refused (init);
  place (init, mount, path, OP_FLAG_DIRECTORY);
  /* only an attached mount can be cloned again (before Linux 6.15) */
  init->mask = mount;
}

/* Opens @path, which may be missing: then there is nothing to hide or protect. */
static int
open_optional (struct init *init, const char *path)
{
  int fd = walk_open (init->root, path, 0);

  if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
    fail (init, "open", path);
  return fd;
}

void
do_mask (struct init *init, const struct op *op)
{
  const char *path = op_string (op, 0);
  int at = open_optional (init, path), mount;
  struct stat st;

  if (at < 0)
    return;
  if (fstat (at, &st) < 0)
    fail (init, "fstat", path);
  (void) close (at);
  if (S_ISDIR (st.st_mode))
    {
      mask_directory (init, op);
      return;
    }
  mount = sys_open_tree (AT_FDCWD, "/s/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (mount < 0 || fstat (mount, &st) < 0)
    fail (init, "open_tree", "/s/dev/null");
  if (!S_ISCHR (st.st_mode) || st.st_rdev != makedev (1, 3))
    {
      errno = 0;
      fail (init, "the host's node is another device", "/s/dev/null");
    }
  if (change (mount, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0)
    fail (init, "mount_setattr", path);
  place (init, mount, path, 0);
  (void) close (mount);
}

void
do_readonly (struct init *init, const struct op *op)
{
  const char *path = op_string (op, 0);
  int at = open_optional (init, path), mount;

  if (at < 0)
    return;
  mount = sys_open_tree (at, "",
                         OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
  if (mount < 0)
    fail (init, "open_tree", path);
  if (change (mount, AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0) < 0)
    fail (init, "mount_setattr", path);
  (void) close (at);
  place (init, mount, path, 0);
  (void) close (mount);
}

/* Whatever goes below these is there by now. */
static void
make_late_readonly (struct init *init)
{
  for (unsigned int i = 0; i < init->n_late; i++)
    {
      if (change (init->late[i], 0, MOUNT_ATTR_RDONLY, 0, 0) < 0)
        fail (init, "mount_setattr", "ro");
      (void) close (init->late[i]);
    }
  init->n_late = 0;
}

void
do_pivot (struct init *init, const struct op *op)
{
  make_late_readonly (init);
  if (fchdir (init->root) < 0)
    fail (init, "fchdir", "/r");
  /* both at one place: the old root lies on top of the new one until it is detached
   * (pivot_root(2), NOTES) */
  if (sys_pivot_root (".", ".") < 0)
    fail (init, "pivot_root", "/r");
  if (syscall (SYS_umount2, ".", OLD_ROOT_DETACH) < 0)
    fail (init, "umount", "old root");
  if (chdir ("/") < 0)
    fail (init, "chdir", "/");
  if (op->numbers[0] != 0
      && change (init->root, op->header->flags & OP_FLAG_RECURSIVE ? AT_RECURSIVE : 0, 0, 0,
                 op->numbers[0]) < 0)
    fail (init, "mount_setattr (propagation)", "/");
}

/* What bwrap has mounted by path is looked for by path, through no link. */
void
do_seen (struct init *init, const struct op *op)
{
  const struct open_how how = {
    .flags = O_PATH | O_CLOEXEC,
    .resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
  };
  const char *path = op_string (op, 0);
  const uint64_t *n = op->numbers;
  int fd = sys_openat2 (AT_FDCWD, path, &how);
  struct statfs fs;
  struct stat st;

  if (fd < 0 || fstat (fd, &st) < 0 || fstatfs (fd, &fs) < 0)
    fail (init, "open", path);
  errno = 0;
  if (!is_mount_root (fd) || (n[SEEN_DEVICE] != 0 && st.st_dev != n[SEEN_DEVICE])
      || (n[SEEN_INODE] != 0 && st.st_ino != n[SEEN_INODE])
      || (n[SEEN_FILESYSTEM] != 0 && (uint64_t) fs.f_type != n[SEEN_FILESYSTEM]))
    fail (init, "bwrap has mounted something else", path);
  if (n[SEEN_READ_ONLY] && !(fs.f_flags & ST_RDONLY))
    fail (init, "bwrap has not mounted it read-only", path);
  (void) close (fd);
}

void
do_root_readonly (struct init *init, const struct op *op)
{
  (void) op;
  if (change (init->root, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0)
    fail (init, "mount_setattr", "/");
}
