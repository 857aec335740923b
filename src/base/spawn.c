/* Starting programs; see spawn.h. */
#include "config.h"

#include "base/spawn.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the child says when it cannot become the program. */
typedef struct {
  const char *step;  /* a string constant: the child has the same image */
  int error;
} Failure;

/* Puts every descriptor on its number. The sources first move above all targets, so
 * that no dup3 overwrites one that is still needed. */
static const char *
map_fds (const SpawnRequest *request)
{
  int above = STDERR_FILENO;
  int moved[request->n_fds + 1];

  for (gsize i = 0; i < request->n_fds; i++)
    above = MAX (above, request->fds[i].target);
  for (gsize i = 0; i < request->n_fds; i++)
    {
      moved[i] = fcntl (request->fds[i].source, F_DUPFD_CLOEXEC, above + 1);
      if (moved[i] < 0)
        return "duplicate descriptor";
    }
  for (gsize i = 0; i < request->n_fds; i++)
    if (dup2 (moved[i], request->fds[i].target) < 0)
      return "place descriptor";
  return NULL;
}

/* Enters the user namespace and becomes its root. Raw system calls: a libc wrapper
 * would look for threads to take along. */
static const char *
become_root (const SpawnRequest *request)
{
  if (request->user_ns_fd >= 0 && setns (request->user_ns_fd, CLONE_NEWUSER) < 0)
    return "join user namespace";
  if (request->as_root)
    {
      if (syscall (SYS_setgroups, 0, NULL) < 0 && errno != EPERM)
        return "setgroups";
      if (syscall (SYS_setresgid, 0, 0, 0) < 0)
        return "setresgid 0";
      if (syscall (SYS_setresuid, 0, 0, 0) < 0)
        return "setresuid 0";
    }
  return NULL;
}

static _Noreturn void
child (const SpawnRequest *request, int report)
{
  static const char *const empty[] = { NULL };
  Failure failure = { 0 };
  sigset_t none;

  failure.step = become_root (request);
  if (failure.step == NULL && request->directory != NULL && chdir (request->directory) < 0)
    failure.step = "chdir";
  if (failure.step == NULL && request->new_group && setpgid (0, 0) < 0)
    failure.step = "setpgid";
  if (failure.step == NULL)
    failure.step = map_fds (request);
  if (failure.step == NULL)
    {
      sigemptyset (&none);
      (void) sigprocmask (SIG_SETMASK, &none, NULL);
      execve (request->program, (char *const *) request->argv,
              (char *const *) (request->envp != NULL ? request->envp : empty));
      failure.step = "exec";
    }
  failure.error = errno;
  while (write (report, &failure, sizeof failure) < 0 && errno == EINTR)
    ;
  _exit (127);
}

gboolean
spawn (const SpawnRequest *request, pid_t *ret_pid, int *ret_pidfd, GError **error)
{
  autofd report_read = -1, report_write = -1, pidfd = -1;
  /* a change of ids in a child that shares our memory would make us undumpable */
  gboolean share = request->user_ns_fd < 0 && !request->as_root;
  Failure failure;
  sigset_t all, old;
  int ends[2];
  pid_t pid;
  ssize_t n;

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return throw_errno (error, "pipe");
  report_read = ends[0];
  report_write = ends[1];

  sigfillset (&all);
  (void) sigprocmask (SIG_SETMASK, &all, &old);
  pid = share ? vfork () : fork ();
  if (pid == 0)
    child (request, report_write);
  (void) sigprocmask (SIG_SETMASK, &old, NULL);
  if (pid < 0)
    return throw_errno (error, "fork");

  fd_clear (&report_write);
  do
    n = read (report_read, &failure, sizeof failure);
  while (n < 0 && errno == EINTR);
  if (n == sizeof failure)
    {
      (void) proc_reap (pid);
      errno = failure.error;
      return throw_errno (error, "%s: %s", request->program, failure.step);
    }
  if (ret_pidfd != NULL)
    {
      pidfd = proc_pidfd (pid);
      if (pidfd < 0)
        {
          throw_errno (error, "pidfd_open");
          spawn_kill (&pid);
          return FALSE;
        }
      *ret_pidfd = fd_steal (&pidfd);
    }
  *ret_pid = pid;
  return TRUE;
}

void
spawn_kill (pid_t *pid)
{
  if (*pid > 0)
    {
      /* our own child, not yet reaped: the number cannot have passed on */
      (void) kill (*pid, SIGKILL);
      (void) proc_reap (*pid);
    }
  *pid = 0;
}
