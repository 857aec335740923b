/* System calls that the C library of the init does not wrap. */
#pragma once

#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline int
sys_openat2 (int dir, const char *path, const struct open_how *how)
{
  return (int) syscall (SYS_openat2, dir, path, how, sizeof *how);
}

static inline int
sys_open_tree (int dir, const char *path, unsigned int flags)
{
  return (int) syscall (SYS_open_tree, dir, path, flags);
}

static inline int
sys_move_mount (int from, int to)
{
  return (int) syscall (SYS_move_mount, from, "", to, "",
                        MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static inline int
sys_fsopen (const char *type)
{
  return (int) syscall (SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int
sys_fsconfig (int fd, unsigned int command, const char *key, const void *value)
{
  return (int) syscall (SYS_fsconfig, fd, command, key, value, 0);
}

static inline int
sys_fsmount (int fd, unsigned int attributes)
{
  return (int) syscall (SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes);
}

static inline int
sys_mount_setattr (int fd, unsigned int flags, const struct mount_attr *attr)
{
  return (int) syscall (SYS_mount_setattr, fd, "", flags, attr, sizeof *attr);
}

static inline int
sys_pivot_root (const char *new_root, const char *put_old)
{
  return (int) syscall (SYS_pivot_root, new_root, put_old);
}

static inline int
sys_close_range (unsigned int first, unsigned int last)
{
  return (int) syscall (SYS_close_range, first, last, 0);
}

/* Ends the process. The C library's _exit() tries for ever where a filter lets no process end; a
 * trap then ends it by a signal, which the kernel forces on the first process of a pid namespace,
 * too. */
static inline _Noreturn void
sys_exit (int status)
{
  (void) syscall (SYS_exit_group, status);
  __builtin_trap ();
}

/* As fork(2), with a descriptor for the child. */
static inline int
sys_fork (int *pidfd)
{
#ifdef __s390__
  return (int) syscall (SYS_clone, 0, CLONE_PIDFD | SIGCHLD, pidfd, 0, 0);
#else
  return (int) syscall (SYS_clone, CLONE_PIDFD | SIGCHLD, 0, pidfd, 0, 0);
#endif
}

/* The system call leaves in @left what is left of it (ppoll(2)). */
static inline int
sys_ppoll (struct pollfd *fds, unsigned int n_fds, struct timespec *left)
{
#ifdef SYS_ppoll_time64
  return (int) syscall (SYS_ppoll_time64, fds, n_fds, left, NULL, 0);
#else
  return (int) syscall (SYS_ppoll, fds, n_fds, left, NULL, 0);
#endif
}
