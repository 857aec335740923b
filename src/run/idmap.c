/* Writing id maps; see idmap.h. */
#include "config.h"

#include "run/idmap.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOOL_MESSAGE_MAX 4096

static const char *const tool_names[2] = { "newuidmap", "newgidmap" };

/* Writes @text to /proc/@pid/@name in one piece: the kernel takes a map once. */
static gboolean
write_proc (pid_t pid, const char *name, const char *text, GError **error)
{
  char path[64];
  autofd fd = -1;

  (void) snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, name);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return throw_errno (error, "open %s", path);
  if (write (fd, text, strlen (text)) < 0)
    return throw_errno (error, "write %s", path);
  return TRUE;
}

static gboolean
write_map (pid_t pid, const char *name, const GArray *map, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < map->len; i++)
    {
      const IdMapLine *line = &g_array_index (map, IdMapLine, i);

      g_string_append_printf (text, "%u %u %u\n", line->inside, line->outside, line->count);
    }
  return write_proc (pid, name, text->str, error);
}

/* "newuidmap PID INSIDE OUTSIDE COUNT ..." */
static GPtrArray *
tool_arguments (int which, const GArray *map, pid_t pid)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (argv, g_strdup (tool_names[which]));
  g_ptr_array_add (argv, g_strdup_printf ("%d", (int) pid));
  for (guint i = 0; i < map->len; i++)
    {
      const IdMapLine *line = &g_array_index (map, IdMapLine, i);

      g_ptr_array_add (argv, g_strdup_printf ("%u", line->inside));
      g_ptr_array_add (argv, g_strdup_printf ("%u", line->outside));
      g_ptr_array_add (argv, g_strdup_printf ("%u", line->count));
    }
  g_ptr_array_add (argv, NULL);
  return argv;
}

static gboolean
start_tool (IdMapWriter *writer, int which, const char *path, const GPtrArray *argv,
            GError **error)
{
  autofd message_read = -1, message_write = -1;
  SpawnRequest request = { 0 };
  SpawnFd fds[1];
  int ends[2];

  /* a tool that says too much must not wait for us, nor we for one that leaves its end open */
  if (pipe2 (ends, O_CLOEXEC | O_NONBLOCK) < 0)
    return throw_errno (error, "pipe");
  message_read = ends[0];
  message_write = ends[1];
  fds[0] = (SpawnFd) { .source = message_write, .target = STDERR_FILENO };
  request.program = path;
  request.argv = (const char *const *) argv->pdata;
  request.fds = fds;
  request.n_fds = G_N_ELEMENTS (fds);
  if (!spawn (&request, &writer->pids[which], NULL, error))
    return FALSE;
  writer->messages[which] = fd_steal (&message_read);
  return TRUE;
}

gboolean
idmap_begin (IdMapWriter *writer, const Plan *plan, const MachineFacts *machine, pid_t pid,
             GError **error)
{
  g_autoptr (GPtrArray) uid_arguments = NULL, gid_arguments = NULL;

  switch (plan->maps)
    {
    case MAPS_NONE:
      return TRUE;
    case MAPS_DIRECT:
      /* without privilege over groups the kernel wants this first (user_namespaces(7)) */
      if (plan->setgroups_deny && !write_proc (pid, "setgroups", "deny", error))
        return FALSE;
      return write_map (pid, "uid_map", plan->uid_map, error)
             && write_map (pid, "gid_map", plan->gid_map, error);
    case MAPS_TOOLS:
      uid_arguments = tool_arguments (0, plan->uid_map, pid);
      gid_arguments = tool_arguments (1, plan->gid_map, pid);
      return start_tool (writer, 0, machine->newuidmap.path, uid_arguments, error)
             && start_tool (writer, 1, machine->newgidmap.path, gid_arguments, error);
    }
  return TRUE;
}

/* What a tool has said, without its name, as one line; "": nothing. Transfer: full. */
static char *
read_message (int fd, const char *tool)
{
  g_autofree char *text = g_malloc0 (TOOL_MESSAGE_MAX + 1);
  gsize name = strlen (tool);

  (void) !read (fd, text, TOOL_MESSAGE_MAX);
  text[strcspn (text, "\n")] = '\0';
  return g_strdup (g_str_has_prefix (text, tool) && g_str_has_prefix (text + name, ": ")
                     ? text + name + 2 : text);
}

static gboolean
finish_tool (IdMapWriter *writer, int which, GError **error)
{
  const char *tool = tool_names[which];
  autofd pidfd = -1;
  g_autofree char *text = NULL;
  int status;

  if (writer->pids[which] == 0)
    return TRUE;
  pidfd = proc_pidfd (writer->pids[which]);
  if (pidfd < 0)
    return throw_errno (error, "pidfd_open");
  if (!interrupt_await (writer->interrupt, pidfd, tool, error))
    return FALSE;
  status = proc_reap (writer->pids[which]);
  writer->pids[which] = 0;
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return TRUE;
  text = read_message (writer->messages[which], tool);
  if (*text != '\0')
    return throw (error, "%s: %s", tool, text);
  if (WIFSIGNALED (status))
    return throw (error, "%s: killed by signal %d", tool, WTERMSIG (status));
  return throw (error, "%s: exited with %d", tool, WEXITSTATUS (status));
}

gboolean
idmap_finish (IdMapWriter *writer, GError **error)
{
  return finish_tool (writer, 0, error) && finish_tool (writer, 1, error);
}

void
idmap_clear (IdMapWriter *writer)
{
  for (int i = 0; i < 2; i++)
    {
      spawn_kill (&writer->pids[i]);
      fd_clear (&writer->messages[i]);
    }
}

/* Lives only to hold a new user namespace while its maps are written, and not longer than @parent:
 * the container's lock is held too. */
static _Noreturn void
hold_namespace (pid_t parent, int report)
{
  int error = 0;

  (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid () != parent)
    _exit (1);
  if (unshare (CLONE_NEWUSER) < 0)
    error = errno;
  if (write (report, &error, sizeof error) != sizeof error)
    _exit (1);
  for (;;)
    (void) pause ();
}

int
idmap_new_namespace (const Plan *plan, const MachineFacts *machine, const Interrupt *interrupt,
                     GError **error)
{
  g_auto (IdMapWriter) writer = IDMAP_WRITER_INIT;
  autofd report_read = -1, report_write = -1, namespace = -1;
  char path[64];
  int ends[2], failure = EPROTO;
  pid_t self = getpid (), holder;

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return throw_fd_errno (error, "pipe");
  report_read = ends[0];
  report_write = ends[1];
  holder = fork ();
  if (holder == 0)
    hold_namespace (self, report_write);
  if (holder < 0)
    return throw_fd_errno (error, "fork");
  fd_clear (&report_write);
  writer.interrupt = interrupt;
  while (read (report_read, &failure, sizeof failure) < 0 && errno == EINTR)
    ;
  if (failure != 0)
    {
      errno = failure;
      throw_errno (error, "new user namespace");
    }
  else if (idmap_begin (&writer, plan, machine, holder, error) && idmap_finish (&writer, error))
    {
      (void) snprintf (path, sizeof path, "/proc/%d/ns/user", (int) holder);
      namespace = open (path, O_RDONLY | O_CLOEXEC);
      if (namespace < 0)
        throw_errno (error, "open %s", path);
    }
  spawn_kill (&holder);
  return fd_steal (&namespace);
}
