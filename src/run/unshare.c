/* A command in a user namespace; see unshare.h. */
#include "config.h"

#include "run/unshare.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "host/machine.h"
#include "run/explain.h"
#include "run/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_SIZE_MAX 16384

/* --- the namespaces --- */

static gboolean
enter_user_namespace (const Plan *plan, const MachineFacts *machine, GError **error)
{
  autofd namespace = idmap_new_namespace (plan, machine, NULL, error);

  if (namespace < 0)
    return explain_failure (plan, FALSE, error);
  if (setns (namespace, CLONE_NEWUSER) < 0)
    return throw_errno (error, "join the new user namespace");
  if (setresgid (0, 0, 0) < 0 || setresuid (0, 0, 0) < 0)
    return throw_errno (error, "become root of the user namespace");
  return TRUE;
}

static gboolean
enter_namespaces (int namespaces, GError **error)
{
  g_autoptr (HostFacts) facts = g_new0 (HostFacts, 1);
  g_autoptr (Plan) plan = NULL;

  if (!host_ids_probe (&facts->machine, error))
    return FALSE;
  plan = plan_unshare_new (&facts->machine, namespaces, error);
  if (plan == NULL || !enter_user_namespace (plan, &facts->machine, error))
    return FALSE;
  return namespaces == 0 || unshare (namespaces) == 0 || throw_errno (error, "new namespaces");
}

/* --- the command --- */

/* As this process was when it began. */
static gboolean
restore_surroundings (const UnshareRequest *request, GError **error)
{
  const struct sigaction ignore = { .sa_handler = SIG_IGN };

  for (int signal = 1; signal <= SIGRTMAX; signal++)
    if (sigismember (request->ignored, signal) == 1)
      (void) sigaction (signal, &ignore, NULL);
  for (guint i = 0; i < request->fds->len; i++)
    if (fcntl (g_array_index (request->fds, int, i), F_SETFD, 0) < 0)
      return throw_errno (error, "hand on a descriptor");
  return TRUE;
}

/* Returns only on failure. */
static gboolean
become_command (const UnshareRequest *request, GError **error)
{
  if (!restore_surroundings (request, error))
    return FALSE;
  (void) execvp (request->argv[0], request->argv);
  return throw_code (error, errno == ENOENT ? RUNTIME_ERROR_NOT_FOUND
                                            : RUNTIME_ERROR_NOT_EXECUTABLE,
                     "%s: %s", request->argv[0], g_strerror (errno));
}

/* --- as pid 1 of a pid namespace --- */

/* The child that is waited for. */
typedef struct {
  pid_t pid;
  int pidfd;
  int killed_for;  /* a signal that would have ended it if it were not pid 1; 0: none */
  int status;      /* wait status of its end */
} Child;

/* Whether @pid handles or ignores @number (proc_pid_status(5)). */
static gboolean
takes_signal (pid_t pid, int number)
{
  static const char *const fields[] = { "\nSigCgt:", "\nSigIgn:" };
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int) pid);
  g_autofree char *text = fd_read_file_at (AT_FDCWD, path, STATUS_SIZE_MAX, NULL, NULL);
  guint64 mask = 0;

  for (gsize i = 0; text != NULL && i < G_N_ELEMENTS (fields); i++)
    {
      const char *field = strstr (text, fields[i]);

      if (field != NULL)
        mask |= g_ascii_strtoull (field + strlen (fields[i]), NULL, 16);
    }
  return (mask >> (number - 1) & 1) != 0;
}

/* The kernel spares pid 1 the default action of every signal (pid_namespaces(7)): what the command
 * does not take itself is done to it from here. */
static void
do_default_action (Child *child, int number)
{
  switch (number)
    {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
      return;
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      (void) proc_pidfd_signal (child->pidfd, SIGSTOP);
      return;
    default:
      child->killed_for = number;
      (void) proc_pidfd_signal (child->pidfd, SIGKILL);
    }
}

/* What comes from the terminal has come to the command as well: it is in the same group. */
static void
hand_on (Child *child, const struct signalfd_siginfo *info)
{
  int number = (int) info->ssi_signo;

  if (info->ssi_code != SI_KERNEL)
    (void) proc_pidfd_signal (child->pidfd, number);
  if (!takes_signal (child->pid, number))
    do_default_action (child, number);
}

/* Follows what the child did; FALSE: it has ended. */
static gboolean
follow (Child *child, int own_pidfd)
{
  pid_t changed = waitpid (child->pid, &child->status, WNOHANG | WUNTRACED);

  if (changed != child->pid)
    return TRUE;
  if (!WIFSTOPPED (child->status))
    return FALSE;
  /* a shell sees one job: it stops and goes on as a whole */
  (void) proc_pidfd_signal (own_pidfd, SIGSTOP);
  (void) proc_pidfd_signal (child->pidfd, SIGCONT);
  return TRUE;
}

static gboolean
wait_for_child (Child *child, const sigset_t *signals, GError **error)
{
  autofd signal_fd = signalfd (-1, signals, SFD_CLOEXEC);
  autofd own_pidfd = proc_pidfd (getpid ());

  child->pidfd = proc_pidfd (child->pid);
  if (signal_fd < 0 || child->pidfd < 0 || own_pidfd < 0)
    return throw_errno (error, "wait for the command");
  while (follow (child, own_pidfd))
    {
      struct signalfd_siginfo info;

      if (read (signal_fd, &info, sizeof info) == sizeof info)
        hand_on (child, &info);
      else if (errno != EINTR)
        return throw_errno (error, "read signalfd");
    }
  return TRUE;
}

static int
exit_status (const Child *child)
{
  if (!WIFSIGNALED (child->status))
    return WEXITSTATUS (child->status);
  return 128 + (child->killed_for != 0 && WTERMSIG (child->status) == SIGKILL
                  ? child->killed_for : WTERMSIG (child->status));
}

/* Whoever is in the namespace goes with its pid 1, and that with us. */
static gboolean
become_first (const UnshareRequest *request, const sigset_t *mask, GError **error)
{
  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    return throw_errno (error, "PR_SET_PDEATHSIG");
  if (sigprocmask (SIG_SETMASK, mask, NULL) < 0)
    return throw_errno (error, "sigprocmask");
  return become_command (request, error);
}

static gboolean
run_as_first (const UnshareRequest *request, int *ret_status, GError **error)
{
  Child child = { .pidfd = -1 };
  sigset_t signals, before;
  gboolean ended;

  sigfillset (&signals);
  if (sigprocmask (SIG_BLOCK, &signals, &before) < 0)
    return throw_errno (error, "sigprocmask");
  child.pid = fork ();
  if (child.pid < 0)
    return throw_errno (error, "fork");
  if (child.pid == 0)
    return become_first (request, &before, error);
  ended = wait_for_child (&child, &signals, error);
  fd_clear (&child.pidfd);
  *ret_status = ended ? exit_status (&child) : 0;
  return ended;
}

gboolean
unshare_command (const UnshareRequest *request, int *ret_status, GError **error)
{
  if (!enter_namespaces (request->namespaces, error))
    return FALSE;
  if (request->namespaces & CLONE_NEWPID)
    return run_as_first (request, ret_status, error);
  return become_command (request, error);
}
