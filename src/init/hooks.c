/* Hooks. Those outside the container are the runtime's: the init only stops for them, as it does
 * for network devices. Those of startContainer are programs of the image, which run just before the
 * container's own and under the same restrictions, the filter included; so nothing is called here
 * that a filter for ordinary programs would not allow.
 *
 * A hook leads a process group, which its timeout ends. */
#include "init.h"

#include "sys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define OUTPUT_MAX 1024

/* of a signal's description */
#define WORDS_MAX 64

/* What a pipe holds is taken by this many reads of OUTPUT_MAX. */
#define READS_MAX 64

/* What the hook says: the beginning, the rest is dropped. */
struct output {
  int fd;  /* -1 after the end */
  size_t length;
  char text[OUTPUT_MAX + 1];
};

struct hook {
  const struct op *op;
  const char *path;
  pid_t pid;
  int pidfd;
  int *exec_error;          /* shared with the child: why it is not the program */
  struct output output[2];  /* of standard output and standard error */
};

/* Waits for what only the runtime can do. */
static void
stop_for_runtime (struct init *init, enum report_kind kind)
{
  report (init, kind, -1);
  if (receive (init->control) != COMMAND_CONTINUE)
    sys_exit (1);  /* it has failed, or is gone */
}

void
do_hooks (struct init *init, const struct op *op)
{
  (void) op;
  stop_for_runtime (init, REPORT_HOOKS);
}

void
do_net_devices (struct init *init, const struct op *op)
{
  (void) op;
  stop_for_runtime (init, REPORT_NET_DEVICES);
}

/* Fails with @text and @output, if there is any, about the hook. */
static _Noreturn void
fail_hook (struct init *init, const struct hook *hook, const char *text, const char *output)
{
  char step[48], detail[1280];
  int saved = errno;

  (void) snprintf (step, sizeof step, "error running startContainer hook #%u:",
                   (unsigned int) hook->op->numbers[HOOK_INDEX]);
  (void) snprintf (detail, sizeof detail, "%s: %s%s%s", hook->path, text,
                   *output != '\0' ? ": " : "", output);
  errno = saved;
  fail (init, step, detail);
}

/* The state document as the hook's standard input. */
static int
make_state (struct init *init, const struct hook *hook)
{
  const char *head = op_string (hook->op, 1);
  size_t length = strlen (head);
  int fd = (int) syscall (SYS_memfd_create, "state", MFD_CLOEXEC), tail;
  char number[32];

  tail = snprintf (number, sizeof number, "%d}\n", (int) getpid ());
  if (fd < 0 || write (fd, head, length) != (ssize_t) length
      || write (fd, number, (size_t) tail) != tail || lseek (fd, 0, SEEK_SET) < 0)
    fail_hook (init, hook, "memfd for the state", "");
  return fd;
}

/* Fills @array, which has room for the NULL too, with @count strings from the k-th on. */
static void
take_strings (const struct op *op, unsigned int k, unsigned int count, char **array)
{
  const char *string = op_string (op, k);

  for (unsigned int i = 0; i < count; i++)
    {
      array[i] = (char *) string;
      string += strlen (string) + 1;
    }
  array[count] = NULL;
}

/* The child. @fds become 0, 1 and 2; what else is open is not for a hook. */
static _Noreturn void
become_hook (const struct init *init, const struct hook *hook, const int fds[3])
{
  const struct op *op = hook->op;
  unsigned int n_args = (unsigned int) op->numbers[HOOK_ARGS];
  unsigned int n_env = op->header->n_strings - 2 - n_args;
  char *args[n_args + 1], *env[n_env + 1];

  take_strings (op, 2, n_args, args);
  take_strings (op, 2 + n_args, n_env, env);
  (void) setpgid (0, 0);
  for (int fd = 0; fd <= 2; fd++)
    (void) dup2 (fds[fd], fd);
  (void) sys_close_range (3, ~0u);
  (void) execve (hook->path, args, op->numbers[HOOK_INHERIT] ? init->environment : env);
  *hook->exec_error = errno;
  sys_exit (127);
}

static void
start_hook (struct init *init, struct hook *hook)
{
  int fds[3] = { make_state (init, hook), -1, -1 };

  for (int i = 0; i < 2; i++)
    {
      int ends[2];

      if (pipe2 (ends, O_CLOEXEC) < 0 || fcntl (ends[0], F_SETFL, O_NONBLOCK) < 0)
        fail_hook (init, hook, "pipe", "");
      hook->output[i].fd = ends[0];
      fds[i + 1] = ends[1];
    }
  hook->pid = sys_fork (&hook->pidfd);
  if (hook->pid < 0)
    fail_hook (init, hook, "fork", "");
  if (hook->pid == 0)
    become_hook (init, hook, fds);
  for (int i = 0; i < 3; i++)
    (void) close (fds[i]);
}

/* Takes what there is to read now. */
static void
drain (struct output *output)
{
  char chunk[OUTPUT_MAX];
  ssize_t n = -1;

  for (int i = 0; i < READS_MAX && output->fd >= 0; i++)
    {
      size_t room = OUTPUT_MAX - output->length;

      n = read (output->fd, chunk, sizeof chunk);
      if (n <= 0)
        break;
      if ((size_t) n < room)
        room = (size_t) n;
      memcpy (output->text + output->length, chunk, room);
      output->length += room;
    }
  if (n == 0)
    {
      (void) close (output->fd);
      output->fd = -1;
    }
}

/* Waits until the hook has ended, or its time, and then *@late is true. Returns its wait status. */
static int
wait_for_hook (struct init *init, struct hook *hook, bool *late)
{
  bool limited = hook->op->numbers[HOOK_TIMEOUT] != 0;
  struct timespec left = { .tv_sec = (time_t) hook->op->numbers[HOOK_TIMEOUT] };
  struct pollfd fds[3] = { { .fd = hook->pidfd, .events = POLLIN } };
  int status = 0, n;

  *late = false;
  while (!*late && fds[0].revents == 0)
    {
      fds[1] = (struct pollfd) { .fd = hook->output[0].fd, .events = POLLIN };
      fds[2] = (struct pollfd) { .fd = hook->output[1].fd, .events = POLLIN };
      n = sys_ppoll (fds, 3, limited ? &left : NULL);
      if (n < 0 && errno != EINTR)
        fail_hook (init, hook, "poll", "");
      *late = n == 0;
      drain (&hook->output[0]);
      drain (&hook->output[1]);
    }
  if (*late)
    (void) kill (-hook->pid, SIGKILL);
  while (waitpid (hook->pid, &status, 0) < 0 && errno == EINTR)
    ;
  return status;
}

/* What the hook said, on one line: its complaint, else its output. */
static const char *
said (struct hook *hook)
{
  struct output *output = &hook->output[hook->output[1].length > 0];
  size_t length = output->length;

  while (length > 0 && strchr (" \t\r\n", output->text[length - 1]) != NULL)
    length--;
  output->text[length] = '\0';
  for (size_t i = 0; i < length; i++)
    if (output->text[i] == '\n' || output->text[i] == '\0')
      output->text[i] = ' ';
  return output->text;
}

/* What the system calls @signal, as runc has it: "bad system call". */
static const char *
signal_words (int signal, char words[WORDS_MAX])
{
  (void) snprintf (words, WORDS_MAX, "%s", strsignal (signal));
  words[0] = (char) tolower ((unsigned char) words[0]);
  return words;
}

/* Why the hook has failed. */
static _Noreturn void
explain (struct init *init, struct hook *hook, int status, bool late)
{
  char text[80], words[WORDS_MAX];

  errno = *hook->exec_error;
  if (errno != 0)
    fail_hook (init, hook, "exec", "");
  if (late)
    (void) snprintf (text, sizeof text, "hook ran past specified timeout of %llu.0s",
                     (unsigned long long) hook->op->numbers[HOOK_TIMEOUT]);
  else if (WIFSIGNALED (status))
    (void) snprintf (text, sizeof text, "signal: %s", signal_words (WTERMSIG (status), words));
  else
    (void) snprintf (text, sizeof text, "exited with %d", WEXITSTATUS (status));
  errno = 0;
  fail_hook (init, hook, text, said (hook));
}

void
do_hook (struct init *init, const struct op *op)
{
  struct hook hook = { .op = op, .path = op_string (op, 0) };
  bool late;
  int status;

  hook.exec_error = mmap (NULL, sizeof (int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                          -1, 0);
  if (hook.exec_error == MAP_FAILED)
    fail_hook (init, &hook, "mmap", "");
  start_hook (init, &hook);
  status = wait_for_hook (init, &hook, &late);
  if (late || status != 0)
    explain (init, &hook, status, late);
  for (int i = 0; i < 2; i++)
    (void) close (hook.output[i].fd);
  (void) close (hook.pidfd);
  (void) munmap (hook.exec_error, sizeof (int));
}
