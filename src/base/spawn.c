/* Starting programs; see spawn.h. */
#include "config.h"

#include "base/spawn.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child says: that it cannot become the program, or who will. */
typedef struct {
  const char *step;  /* a string constant: the child has the same image; NULL: see pid */
  int error;
  pid_t pid;
} Word;

/* Puts every descriptor on its number. The sources first move above all targets, so
 * that no dup3 overwrites one that is still needed. */
static const char *
map_fds (const SpawnRequest *request, int *program_fd)
{
  int above = STDERR_FILENO;
  int moved[request->n_fds + 1];

  for (gsize i = 0; i < request->n_fds; i++)
    above = MAX (above, request->fds[i].target);
  if (request->program_fd > STDERR_FILENO)
    *program_fd = fcntl (request->program_fd, F_DUPFD_CLOEXEC, above + 1);
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

/* Where the child says it: a pipe, or memory that it shares with us. */
typedef struct {
  int pipe;
  volatile Word *shared;
} Report;

static void
say (const Report *report, const Word *word)
{
  if (report->shared != NULL)
    *report->shared = *word;
  else
    while (write (report->pipe, word, sizeof *word) < 0 && errno == EINTR)
      ;
}

/* Before the namespaces: what is the root of a new cgroup namespace is decided by where its maker
 * is (cgroup_namespaces(7)). */
static const char *
enter_cgroups (const SpawnRequest *request, const SpawnCgroup *birthplace)
{
  for (gsize i = 0; i < request->n_cgroups; i++)
    if (&request->cgroups[i] != birthplace && write (request->cgroups[i].procs, "0", 1) < 0)
      return request->cgroups[i].path;
  return NULL;
}

/* The cgroup that a process can be born in: to move it there later stops the whole machine for a
 * moment, which takes as long as all the rest. */
static const SpawnCgroup *
find_birthplace (const SpawnRequest *request)
{
  for (gsize i = 0; i < request->n_cgroups; i++)
    if (request->cgroups[i].directory >= 0)
      return &request->cgroups[i];
  return NULL;
}

/* As fork(2), in another cgroup (clone(2), CLONE_INTO_CGROUP: Linux 5.7). */
static pid_t
fork_into (const SpawnCgroup *cgroup)
{
  struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD,
                             .cgroup = (guint64) cgroup->directory };

  return (pid_t) syscall (SYS_clone3, &args, sizeof args);
}

/* Raw system calls: a libc wrapper would look for threads to take along. */
static const char *
become_root (gboolean keep_groups)
{
  if (!keep_groups && syscall (SYS_setgroups, 0, NULL) < 0 && errno != EPERM)
    return "setgroups";
  if (syscall (SYS_setresgid, 0, 0, 0) < 0)
    return "setresgid 0";
  if (syscall (SYS_setresuid, 0, 0, 0) < 0)
    return "setresuid 0";
  return NULL;
}

/* Without id 0 an exec would lose the capabilities: make all that there are ambient. */
static const char *
keep_capabilities (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2];

  if (syscall (SYS_capget, &header, data) < 0)
    return "capget";
  for (int half = 0; half < 2; half++)
    data[half].inheritable = data[half].permitted;
  if (syscall (SYS_capset, &header, data) < 0)
    return "capset";
  for (unsigned int cap = 0; cap < 64; cap++)
    if ((data[cap / 32].permitted >> (cap % 32) & 1)
        && prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
      return "PR_CAP_AMBIENT_RAISE";
  return NULL;
}

/* Goes on as a child that is in the new pid namespace, and says its number. */
static const char *
fork_inside (const Report *report)
{
  Word word = { .pid = fork () };

  if (word.pid < 0)
    return "fork";
  if (word.pid > 0)
    {
      say (report, &word);
      _exit (0);
    }
  return NULL;
}

/* EINVAL: the root is no mount (chroot(2)), so that there is no propagation to stop. */
static const char *
copy_mounts (const SpawnNamespaces *namespaces)
{
  if (unshare (CLONE_NEWNS) < 0)
    return "new mount namespace";
  if (mount (NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0 && errno != EINVAL)
    return "make the mounts slaves";
  if (namespaces->tree >= 0
      && syscall (SYS_move_mount, namespaces->tree, "", AT_FDCWD, namespaces->tree_at,
                  MOVE_MOUNT_F_EMPTY_PATH) < 0)
    return namespaces->tree_at;
  return NULL;
}

/* Its clocks can be set as long as nobody is in it: who makes it is not (time_namespaces(7)).
 * @file takes the offsets. */
static const char *
new_time_namespace (int file, const char *offsets)
{
  gssize length = offsets != NULL ? (gssize) strlen (offsets) : 0;

  if (unshare (CLONE_NEWTIME) < 0)
    return "new time namespace";
  return length == 0 || write (file, offsets, (gsize) length) == length ? NULL
                                                                        : SPAWN_TIME_OFFSETS;
}

/* Joins those of namespaces->fds that are not in *@joined, a bit for each, as far as that is
 * permitted; FALSE: errno says why not all. */
static gboolean
join_files (const SpawnNamespaces *namespaces, guint64 *joined)
{
  int failure = 0;

  for (gsize i = 0; i < namespaces->n_fds; i++)
    if ((*joined >> i & 1) != 0 || setns (namespaces->fds[i], 0) == 0)
      *joined |= (guint64) 1 << i;
    else
      failure = errno;
  errno = failure;
  return failure == 0;
}

/* All namespaces of the process in one call: one by one, the user namespace first, would
 * already lack the right to the others where they belong to a second one. For that reason those
 * that are named by files are tried twice: those of somebody else are the caller's to join, those
 * of the user namespace are its root's. */
static const char *
enter_namespaces (const SpawnNamespaces *namespaces, const Report *report)
{
  const char *failed = NULL;
  guint64 joined = 0;
  int clocks = -1;

  /* while it is ours to open: the right to the clocks is that of the owner of the user namespace */
  if (namespaces->new_time_ns)
    clocks = open ("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  /* nobody in there may look at us or hold us up (CVE-2016-9962) */
  if (namespaces->pidfd >= 0 && prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
    return "PR_SET_DUMPABLE";
  if (namespaces->user_ns_fd >= 0 || (namespaces->types & CLONE_NEWUSER) != 0)
    (void) join_files (namespaces, &joined);
  if (namespaces->user_ns_fd >= 0 && setns (namespaces->user_ns_fd, CLONE_NEWUSER) < 0)
    return "join user namespace";
  if (namespaces->pidfd >= 0 && setns (namespaces->pidfd, namespaces->types) < 0)
    return "join namespaces";
  if (namespaces->as_root)
    failed = become_root (namespaces->keep_groups);
  else if (namespaces->keep_capabilities)
    failed = keep_capabilities ();
  if (failed == NULL && !join_files (namespaces, &joined))
    failed = "join namespace";
  if (failed == NULL && namespaces->new_mount_ns)
    failed = copy_mounts (namespaces);
  if (failed == NULL && namespaces->new_time_ns)
    failed = new_time_namespace (clocks, namespaces->time_offsets);
  if (failed == NULL && namespaces->new_pid_ns && unshare (CLONE_NEWPID) < 0)
    failed = "new pid namespace";
  if (failed == NULL && namespaces->fork)
    failed = fork_inside (report);
  return failed;
}

/* Waits for the word that comes when request->admit has said yes; without it, whoever was to give
 * it is dead. */
static void
await_admission (const int *hold)
{
  char word;

  (void) close (hold[1]);
  if (read (hold[0], &word, 1) != 1)
    _exit (127);
}

static _Noreturn void
child (const SpawnRequest *request, const SpawnCgroup *birthplace, const Report *report)
{
  static const char *const empty[] = { NULL };
  const struct sigaction default_action = { .sa_handler = SIG_DFL };
  char *const *envp = (char *const *) (request->envp != NULL ? request->envp : empty);
  char *const *argv = (char *const *) request->argv;
  int program_fd = -1;
  Word word = { 0 };
  sigset_t none;

  word.step = enter_cgroups (request, birthplace);
  if (word.step == NULL && request->namespaces != NULL)
    word.step = enter_namespaces (request->namespaces, report);
  if (word.step == NULL && request->directory != NULL && chdir (request->directory) < 0)
    word.step = "chdir";
  if (word.step == NULL && request->new_group && setpgid (0, 0) < 0)
    word.step = "setpgid";
  if (word.step == NULL)
    word.step = map_fds (request, &program_fd);
  if (word.step == NULL)
    {
      /* the one that main leaves as it was */
      (void) sigaction (SIGHUP, &default_action, NULL);
      sigemptyset (&none);
      (void) sigprocmask (SIG_SETMASK, &none, NULL);
      if (program_fd >= 0)
        (void) syscall (SYS_execveat, program_fd, "", argv, envp, AT_EMPTY_PATH);
      else
        (void) execve (request->program, argv, envp);
      word.step = "exec";
    }
  word.error = errno;
  say (report, &word);
  _exit (127);
}

/* The child could not become the program. */
static gboolean
throw_step (const SpawnRequest *request, const Word *word, pid_t pid, GError **error)
{
  (void) proc_reap (pid);
  errno = word->error;
  return throw_errno (error, "%s: %s", request->program, word->step);
}

/* Listens until the exec has closed the other end. *@pid becomes that of the process that
 * really runs the program. */
static gboolean
listen_to_child (const SpawnRequest *request, int report, pid_t *pid, GError **error)
{
  for (;;)
    {
      Word word;
      ssize_t n = read (report, &word, sizeof word);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          throw_errno (error, "%s: read from the child", request->program);
          spawn_kill (pid);
          return FALSE;
        }
      if (n != sizeof word)
        return TRUE;
      if (word.step != NULL)
        return throw_step (request, &word, *pid, error);
      (void) proc_reap (*pid);
      *pid = word.pid;
    }
}

/* A child that waits at the pipe @hold. */
static pid_t
start_waiting (const SpawnRequest *request, const int *hold, const Report *report)
{
  pid_t pid = fork ();

  if (pid == 0)
    {
      await_admission (hold);
      child (request, NULL, report);
    }
  return pid;
}

/* Lets the child go on if it is admitted, and else ends it. */
static gboolean
admit (const SpawnRequest *request, const int *hold, pid_t *pid, GError **error)
{
  if (request->admit (*pid, request->admit_data, error) && fd_write_all (hold[1], "", 1, error))
    return TRUE;
  spawn_kill (pid);
  return FALSE;
}

static pid_t
start_child (const SpawnRequest *request, const Report *report)
{
  const SpawnCgroup *const birthplace = find_birthplace (request);
  pid_t pid;

  if (birthplace != NULL)
    {
      pid = fork_into (birthplace);
      if (pid == 0)
        child (request, birthplace, report);
      if (pid > 0)
        return pid;
    }
  /* if that is not possible, the other way says why */
  pid = fork ();
  if (pid == 0)
    child (request, NULL, report);
  return pid;
}

/* A handler must not run in the child. */
static void
block_signals (sigset_t *ret_old)
{
  sigset_t all;

  sigfillset (&all);
  (void) sigprocmask (SIG_SETMASK, &all, ret_old);
}

static gboolean
spawn_apart (const SpawnRequest *request, pid_t *ret_pid, GError **error)
{
  autofd report_read = -1, report_write = -1, hold_read = -1, hold_write = -1;
  int ends[2], hold[2] = { -1, -1 };
  Report report = { 0 };
  sigset_t old;
  pid_t pid;

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return throw_errno (error, "pipe");
  report_read = ends[0];
  report.pipe = report_write = ends[1];
  if (request->admit != NULL && pipe2 (hold, O_CLOEXEC) < 0)
    return throw_errno (error, "pipe");
  hold_read = hold[0];
  hold_write = hold[1];

  block_signals (&old);
  pid = request->admit != NULL ? start_waiting (request, hold, &report)
                               : start_child (request, &report);
  (void) sigprocmask (SIG_SETMASK, &old, NULL);
  if (pid < 0)
    return throw_errno (error, "fork");
  fd_clear (&report_write);
  if ((request->admit != NULL && !admit (request, hold, &pid, error))
      || !listen_to_child (request, report_read, &pid, error))
    return FALSE;
  *ret_pid = pid;
  return TRUE;
}

/* The child has our memory until it has become the program, and so needs nothing to say it with. */
static gboolean
spawn_sharing (const SpawnRequest *request, pid_t *ret_pid, GError **error)
{
  /* what the child writes, the compiler does not see */
  volatile Word said = { 0 };
  const Report report = { .shared = &said };
  Word word;
  sigset_t old;
  pid_t pid;

  block_signals (&old);
  /* the child has no signals, and writes nothing of ours but what it says
   * NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork) */
  pid = vfork ();
  if (pid == 0)
    child (request, NULL, &report);  /* NOLINT(clang-analyzer-unix.Vfork) */
  (void) sigprocmask (SIG_SETMASK, &old, NULL);
  if (pid < 0)
    return throw_errno (error, "vfork");
  word = said;
  if (word.step != NULL)
    return throw_step (request, &word, pid, error);
  *ret_pid = pid;
  return TRUE;
}

gboolean
spawn (const SpawnRequest *request, pid_t *ret_pid, int *ret_pidfd, GError **error)
{
  /* a change of ids in a child that shares our memory would make us undumpable */
  const gboolean share = request->namespaces == NULL && request->admit == NULL
                         && find_birthplace (request) == NULL;
  pid_t pid;

  if (!(share ? spawn_sharing (request, &pid, error) : spawn_apart (request, &pid, error)))
    return FALSE;
  if (ret_pidfd != NULL)
    {
      autofd pidfd = proc_pidfd (pid);

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

/* Ends a child of ours. It is not yet reaped: the number cannot have passed on. */
static int
end (pid_t pid)
{
  int status = -1;

  if (kill (pid, SIGKILL) == 0)
    return proc_reap (pid);
  /* what a filter does not let us kill would be waited for in vain */
  (void) waitpid (pid, &status, WNOHANG);
  return status;
}

void
spawn_kill (pid_t *pid)
{
  if (*pid > 0)
    (void) end (*pid);
  *pid = 0;
}

int
spawn_kill_group (pid_t *pid)
{
  int status = 0;

  /* the group's number stays its own at least until its leader is reaped */
  if (*pid > 0)
    {
      (void) kill (-*pid, SIGKILL);
      status = end (*pid);
    }
  *pid = 0;
  return status;
}
