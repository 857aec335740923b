/* Runs a command, and at one system call of one of its processes does harm: the process is killed
 * there, or the call fails, or it moves one byte only.
 *
 *   step [-o POINTS] [-i PIDS] [-t SECONDS] [-p PROCESS -n CALL -c NAME -a ACTION] COMMAND...
 *
 * A point is a process, by the order of birth (the command is 0), and the number of a call in it;
 * if that is not called NAME nothing is done.
 * POINTS gets a line "PROCESS CALL NAME" for each, PIDS a line "PID START-TIME" for each process,
 * and a line "done" when it was.
 * ACTION: kill, term (it is asked to end), short, or the number of an error.
 * The status is the command's (128 + N: signal N);
 * 124: it hung, and all of it was killed; 125: we failed; 126: no way to do this on this machine.
 *
 * No privilege is needed: newuidmap and newgidmap, which have some, are let go before they start.
 * What still runs when the command has ended is let go too. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 256
#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK \
                 | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

enum { KILL = -1, SHORT = -2, TERM = -3, NOTHING = 0 };

typedef struct {
  pid_t pid;
  int calls;
  int failing;  /* the error that the call it is in returns */
  int gone;
} Process;

static Process processes[PROCESSES_MAX];
static int n_processes;
static FILE *points, *pids;
static int target_process = -1, target_call = -1, target_number, action;

static Process *
find (pid_t pid)
{
  for (int i = n_processes - 1; i >= 0; i--)
    if (processes[i].pid == pid)
      return &processes[i];
  return NULL;
}

static unsigned long long
start_time (pid_t pid)
{
  unsigned long long start = 0;
  char path[64], text[1024] = "";
  const char *end;
  FILE *file;

  (void) snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
  file = fopen (path, "re");
  if (file == NULL)
    return 0;
  (void) !fread (text, 1, sizeof text - 1, file);
  (void) fclose (file);
  end = strrchr (text, ')');
  if (end != NULL)
    (void) sscanf (end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
                            " %*d %*d %llu", &start);
  return start;
}

static Process *
add (pid_t pid)
{
  if (n_processes == PROCESSES_MAX)
    errx (125, "too many processes");
  processes[n_processes] = (Process) { .pid = pid };
  if (pids != NULL)
    {
      fprintf (pids, "%d %llu\n", (int) pid, start_time (pid));
      (void) fflush (pids);
    }
  return &processes[n_processes++];
}

#ifdef __x86_64__
static void
change (pid_t pid, int entry, const Process *process)
{
  struct user_regs_struct regs;

  if (ptrace (PTRACE_GETREGS, pid, NULL, &regs) < 0)
    return;
  if (!entry)
    regs.rax = (unsigned long long) -(long long) process->failing;
  else if (action == SHORT)
    regs.rdx = regs.rdx > 1 ? 1 : regs.rdx;
  else
    /* something harmless instead; a number that is none could be a filter's business */
    regs.orig_rax = SYS_getpid;
  (void) ptrace (PTRACE_SETREGS, pid, NULL, &regs);
}
#else
static void
change (pid_t pid, int entry, const Process *process)
{
  (void) pid, (void) entry, (void) process;
  errx (126, "only on x86-64");
}
#endif

/* Whether the call is the start of a program that is privileged, which it would not be traced. */
static int
is_privileged (pid_t pid, const struct __ptrace_syscall_info *info)
{
  char text[64] = "";
  struct iovec local = { text, sizeof text - 1 };
  struct iovec remote = { (void *) (uintptr_t) info->entry.args[0], sizeof text - 1 };

  if (info->entry.nr != SYS_execve
      || process_vm_readv (pid, &local, 1, &remote, 1, 0) < 0)
    return 0;
  return strstr (text, "/newuidmap") != NULL || strstr (text, "/newgidmap") != NULL;
}

/* At the beginning of a call. Returns 0 if the process was let go. */
static int
enter (Process *process, const struct __ptrace_syscall_info *info)
{
  int index = process->calls++;

  if (points != NULL)
    {
      char *name = seccomp_syscall_resolve_num_arch (SCMP_ARCH_NATIVE, (int) info->entry.nr);

      fprintf (points, "%d %d %s\n", (int) (process - processes), index, name ? name : "?");
      free (name);
    }
  if (process - processes == target_process && index == target_call
      && (int) info->entry.nr == target_number)
    {
      if (action == KILL || action == TERM)
        (void) kill (process->pid, action == KILL ? SIGKILL : SIGTERM);
      else
        change (process->pid, 1, process);
      process->failing = action > 0 ? action : 0;
      if (pids != NULL)
        {
          fputs ("done\n", pids);
          (void) fflush (pids);
        }
    }
  if (!is_privileged (process->pid, info))
    return 1;
  process->gone = 1;
  (void) ptrace (PTRACE_DETACH, process->pid, NULL, NULL);
  return 0;
}

static int
at_syscall (Process *process)
{
  struct __ptrace_syscall_info info;

  if (ptrace (PTRACE_GET_SYSCALL_INFO, process->pid, sizeof info, &info) < 0)
    return 1;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
    return enter (process, &info);
  if (process->failing != 0)
    change (process->pid, 0, process);
  process->failing = 0;
  return 1;
}

static int
at_stop (Process *process, int status)
{
  int signal = WSTOPSIG (status), event = status >> 16;

  if (signal == (SIGTRAP | 0x80))
    return at_syscall (process) ? (int) ptrace (PTRACE_SYSCALL, process->pid, NULL, NULL) : 0;
  if (event == PTRACE_EVENT_STOP && (signal == SIGSTOP || signal == SIGTSTP))
    return (int) ptrace (PTRACE_LISTEN, process->pid, NULL, NULL);
  return (int) ptrace (PTRACE_SYSCALL, process->pid, NULL, event != 0 ? 0 : (long) signal);
}

static pid_t
start (char **argv)
{
  pid_t pid = fork ();

  if (pid < 0)
    err (125, "fork");
  if (pid == 0)
    {
      (void) raise (SIGSTOP);
      (void) execvp (argv[0], argv);
      err (125, "%s", argv[0]);
    }
  if (waitpid (pid, NULL, WUNTRACED) < 0 || ptrace (PTRACE_SEIZE, pid, NULL, OPTIONS) < 0)
    err (126, "ptrace");
  (void) kill (pid, SIGCONT);
  add (pid);
  return pid;
}

static void
hung (int number)
{
  (void) number;
  for (int i = 0; i < n_processes; i++)
    if (!processes[i].gone)
      (void) kill (processes[i].pid, SIGKILL);
  _exit (124);
}

static int
trace (char **argv)
{
  pid_t command = start (argv);

  for (;;)
    {
      int status;
      pid_t pid = waitpid (-1, &status, __WALL);
      Process *process = pid > 0 ? find (pid) : NULL;

      if (pid < 0 && errno != EINTR)
        err (125, "wait");
      if (pid <= 0)
        continue;
      if (pid == command && WIFEXITED (status))
        return WEXITSTATUS (status);
      if (pid == command && WIFSIGNALED (status))
        return 128 + WTERMSIG (status);
      if (WIFSTOPPED (status))
        (void) at_stop (process != NULL ? process : add (pid), status);
      else if (process != NULL)
        process->gone = 1;
    }
}

int
main (int argc, char **argv)
{
  int option;

  while ((option = getopt (argc, argv, "+o:i:t:p:n:c:a:")) >= 0)
    switch (option)
      {
      case 'o': points = fopen (optarg, "we"); break;
      case 'i': pids = fopen (optarg, "we"); break;
      case 't': (void) alarm ((unsigned int) atoi (optarg)); break;
      case 'p': target_process = atoi (optarg); break;
      case 'n': target_call = atoi (optarg); break;
      case 'c': target_number = seccomp_syscall_resolve_name (optarg); break;
      case 'a':
        action = strcmp (optarg, "kill") == 0 ? KILL : atoi (optarg);
        if (strcmp (optarg, "short") == 0)
          action = SHORT;
        else if (strcmp (optarg, "term") == 0)
          action = TERM;
        break;
      default: return 125;
      }
  if (optind == argc)
    return 125;
  (void) signal (SIGALRM, hung);
  option = trace (argv + optind);
  if (points != NULL)
    (void) fclose (points);
  return option;
}
