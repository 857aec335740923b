/* Starting bubblewrap; see bwrap.h. */
#include "config.h"

#include "run/bwrap.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "init/ops.h"
#include "json/parse.h"
#include "run/initfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define INFO_MAX 4096
#define MESSAGES_MAX 8192
#define CHILDREN_MAX 16

/* Where bwrap's own descriptors stand in the child, behind those of the init. */
enum {
  BWRAP_FD_ARGS = INIT_FD_N,
  BWRAP_FD_INFO,
  BWRAP_FD_INFO_READER,
  BWRAP_FD_USERNS_BLOCK,
  BWRAP_FD_INIT,
  BWRAP_FD_OPAQUE_INIT,
  BWRAP_FD_ROOT,
  BWRAP_FD_SOURCES,
};

/* The descriptors that the child gets, and the arguments that name them. */
typedef struct {
  GArray *fds;    /* of SpawnFd */
  GString *args;  /* for --args: NUL separated */
  int first;      /* number of the first descriptor behind the preserved ones */
  int sources;    /* how many sources have a number */
} Inheritance;

static void
inherit (Inheritance *inheritance, int source, int target)
{
  SpawnFd fd = { .source = source, .target = target };

  g_array_append_val (inheritance->fds, fd);
}

/* The number in the child of the descriptor that @word stands for. */
static int
slot_number (Inheritance *inheritance, const BwrapRequest *request, const PlanWord *word)
{
  const SourceFacts *source;
  int number;

  switch (word->slot)
    {
    case SLOT_USERNS_BLOCK:
      return inheritance->first + BWRAP_FD_USERNS_BLOCK;
    case SLOT_INFO:
      return inheritance->first + BWRAP_FD_INFO;
    case SLOT_INIT:
      return inheritance->first + BWRAP_FD_INIT;
    case SLOT_ROOT:
      return inheritance->first + BWRAP_FD_ROOT;
    case SLOT_SOURCE:
      source = g_ptr_array_index (request->facts->bundle.mounts, word->index);
      number = inheritance->first + BWRAP_FD_SOURCES + inheritance->sources++;
      inherit (inheritance, source->fd, number);
      return number;
    case SLOT_LAYER:
      source = g_ptr_array_index (request->facts->bundle.layers, word->index);
      number = inheritance->first + BWRAP_FD_SOURCES + inheritance->sources++;
      inherit (inheritance, source != NULL ? source->fd : request->layer, number);
      return number;
    case SLOT_NAMESPACE:
    case SLOT_PRESERVED:
      break;
    }
  return -1;
}

static void
add_arguments (Inheritance *inheritance, const BwrapRequest *request)
{
  for (guint i = 0; i < request->plan->words->len; i++)
    {
      const PlanWord *word = g_ptr_array_index (request->plan->words, i);

      if (word->text != NULL)
        g_string_append (inheritance->args, word->text);
      else
        g_string_append_printf (inheritance->args, "%d", slot_number (inheritance, request, word));
      g_string_append_c (inheritance->args, '\0');
    }
}

static gboolean
make_pipe (int *ret_read, int *ret_write, GError **error)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return throw_errno (error, "pipe");
  *ret_read = ends[0];
  *ret_write = ends[1];
  return TRUE;
}

static gboolean
make_socketpair (int *ret_ours, int *ret_theirs, GError **error)
{
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return throw_errno (error, "socketpair");
  *ret_ours = ends[0];
  *ret_theirs = ends[1];
  return TRUE;
}

/* The child's side of everything. */
typedef struct {
  int control, messages, info, block, init_file;
  int output;  /* bwrap's standard output, where it is not the program's; -1 */
} ChildSide;

static void
clear_child_side (ChildSide *side)
{
  fd_clear (&side->control);
  fd_clear (&side->messages);
  fd_clear (&side->info);
  fd_clear (&side->block);
  fd_clear (&side->init_file);
  fd_clear (&side->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ChildSide, clear_child_side)

/* The file that bwrap binds to /init. */
static gboolean
open_init (ChildSide *side, const BwrapRequest *request, GError **error)
{
  side->init_file = open (request->options->init_path, O_PATH | O_CLOEXEC);
  return side->init_file >= 0 || throw_errno (error, "open %s", request->options->init_path);
}

/* In the plain mode there is no place for it: bwrap executes it by its descriptor. And bwrap makes
 * a terminal that it has as standard output the container's /dev/console. */
static gboolean
open_plain (ChildSide *side, GError **error)
{
  autofd image = init_file_plain (error);

  if (image < 0)
    return FALSE;
  /* a file that can still be written to by somebody is not executed (execve(2), ETXTBSY) */
  side->init_file = fd_reopen_readonly (image, error);
  if (side->init_file < 0)
    return FALSE;
  side->output = open ("/dev/null", O_RDWR | O_CLOEXEC);
  return side->output >= 0 || throw_errno (error, "open /dev/null");
}

static gboolean
open_channels (Bwrap *bwrap, ChildSide *side, const BwrapRequest *request, GError **error)
{
  if (!make_socketpair (&bwrap->control, &side->control, error)
      || !make_pipe (&bwrap->messages, &side->messages, error)
      || !make_pipe (&bwrap->info, &side->info, error))
    return FALSE;
  if (request->plan->userns == USERNS_BWRAP
      && !make_pipe (&side->block, &bwrap->release, error))
    return FALSE;
  return request->plan->plain ? open_plain (side, error) : open_init (side, request, error);
}

int
bwrap_preserved (int fd, guint64 absent, int control)
{
  return fd - 3 < 64 && (absent >> (fd - 3) & 1) ? control : fd;
}

/* What the init gets, whoever starts it. */
static void
inherit_init (Inheritance *inheritance, int control, const BwrapRequest *request)
{
  int first = inheritance->first;

  for (int fd = 3; fd < first; fd++)
    inherit (inheritance, bwrap_preserved (fd, request->options->absent_fds, control), fd);
  inherit (inheritance, request->instructions, first + INIT_FD_OPS);
  inherit (inheritance, control, first + INIT_FD_CONTROL);
  if (request->gate >= 0)
    inherit (inheritance, request->gate, first + INIT_FD_GATE);
  inherit (inheritance, STDERR_FILENO, first + INIT_FD_STDERR);
}

static void
inherit_bwrap (Inheritance *inheritance, const ChildSide *side, const BwrapRequest *request,
               int info_reader)
{
  int first = inheritance->first;

  inherit (inheritance, side->info, first + BWRAP_FD_INFO);
  /* should we die, bwrap must not die of writing to nobody: its child would wait for ever */
  inherit (inheritance, info_reader, first + BWRAP_FD_INFO_READER);
  if (side->block >= 0)
    inherit (inheritance, side->block, first + BWRAP_FD_USERNS_BLOCK);
  inherit (inheritance, side->init_file, first + BWRAP_FD_INIT);
  if (request->opaque_init >= 0)
    inherit (inheritance, request->opaque_init, first + BWRAP_FD_OPAQUE_INIT);
  inherit (inheritance, request->facts->bundle.root->fd, first + BWRAP_FD_ROOT);
  inherit (inheritance, side->messages, STDERR_FILENO);
  if (side->output >= 0)
    {
      inherit (inheritance, STDOUT_FILENO, first + INIT_FD_STDOUT);
      inherit (inheritance, side->output, STDOUT_FILENO);
    }
}

gboolean
bwrap_start (Bwrap *bwrap, const BwrapRequest *request, GError **error)
{
  g_auto (ChildSide) side = { .control = -1, .messages = -1, .info = -1, .block = -1,
                              .init_file = -1, .output = -1 };
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (SpawnFd));
  g_autoptr (GString) args = g_string_sized_new (1024);
  Inheritance inheritance = { .fds = fds, .args = args,
                              .first = 3 + (int) request->options->preserve_fds };
  SpawnNamespaces namespaces = SPAWN_NAMESPACES_INIT;
  SpawnRequest child = { 0 };
  char args_number[16], first_number[16], program[32] = "/init";
  const char *const argv[] = { "bwrap", "--args", args_number, "--", program, first_number,
                               request->plan->hold ? "hold" : NULL, NULL };
  autofd args_fd = -1;

  if (!open_channels (bwrap, &side, request, error))
    return FALSE;
  inherit_init (&inheritance, side.control, request);
  inherit_bwrap (&inheritance, &side, request, bwrap->info);
  add_arguments (&inheritance, request);
  args_fd = fd_memfd ("bwrap-args", args->str, args->len, FALSE, error);
  if (args_fd < 0)
    return FALSE;
  inherit (&inheritance, args_fd, inheritance.first + BWRAP_FD_ARGS);
  (void) snprintf (args_number, sizeof args_number, "%d", inheritance.first + BWRAP_FD_ARGS);
  (void) snprintf (first_number, sizeof first_number, "%d", inheritance.first);
  if (request->plan->plain)
    (void) snprintf (program, sizeof program, "/proc/self/fd/%d",
                     inheritance.first + BWRAP_FD_INIT);
  else if (request->opaque_init >= 0 && !request->plan->hold)
    (void) snprintf (program, sizeof program, "/s/proc/self/fd/%d",
                     inheritance.first + BWRAP_FD_OPAQUE_INIT);

  child.program = request->facts->machine.bwrap.path;
  child.argv = argv;
  child.fds = (const SpawnFd *) (const void *) fds->data;
  child.n_fds = fds->len;
  child.directory = "/";
  if (request->user_namespace >= 0)
    {
      namespaces.user_ns_fd = request->user_namespace;
      namespaces.as_root = TRUE;
      namespaces.keep_groups = request->plan->keep_groups;
      child.namespaces = &namespaces;
    }
  return cgroup_doors_spawn (request->doors, &child, &bwrap->monitor, &bwrap->monitor_pidfd,
                             error);
}

/* The pid in bwrap's information; 0 if it is none of the form that bwrap writes. */
static pid_t
parse_info (const char *text, gsize length)
{
  g_autoptr (JsonText) json = json_text_parse (text, length, NULL);
  const JsonValue *pid;

  if (json == NULL)
    return 0;
  pid = json_value_member (json_text_root (json), "child-pid");
  return pid != NULL && pid->kind == JSON_KIND_UNSIGNED && pid->natural > 0
             && pid->natural <= G_MAXINT32
           ? (pid_t) pid->natural
           : 0;
}

gboolean
bwrap_wait_child (Bwrap *bwrap, GError **error)
{
  char text[INFO_MAX];
  gsize length = 0;
  ProcStat stat;
  pid_t pid;

  /* it comes in pieces; the object has no other inside, so its end is the first brace */
  /* cppcheck-suppress uninitvar ; of nothing nothing is read */
  while (length < sizeof text && memchr (text, '}', length) == NULL)
    {
      ssize_t n;

      if (!interrupt_await (bwrap->interrupt, bwrap->info, "bwrap", error))
        return FALSE;
      n = read (bwrap->info, text + length, sizeof text - length);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return throw_errno (error, "bwrap: --info-fd");
      if (n == 0)
        return bwrap_explain (bwrap, error);
      length += (gsize) n;
    }
  pid = parse_info (text, length);
  if (pid == 0)
    return throw (error, "bwrap: --info-fd: no child-pid");
  bwrap->child_pidfd = proc_pidfd (pid);
  if (bwrap->child_pidfd < 0)
    return throw_errno (error, "pidfd_open %d", (int) pid);
  if (!proc_stat (pid, &stat, error))
    return FALSE;
  if (stat.parent != bwrap->monitor)
    {
      fd_clear (&bwrap->child_pidfd);
      /* unless it was: the child of one that has died is another's */
      if (proc_pidfd_wait (bwrap->monitor_pidfd, 0))
        return bwrap_explain (bwrap, error);
      return throw (error, "bwrap: --info-fd: process %d is not its child", (int) pid);
    }
  bwrap->child = pid;
  return TRUE;
}

/* The namespaces that are entered after those of the holder, as the container's root. */
static GArray *
joined_namespaces (const BwrapRequest *request)
{
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));

  for (guint i = 0; i < request->plan->joined->len; i++)
    {
      guint index = g_array_index (request->plan->joined, guint, i);
      const NamespaceFacts *facts = g_ptr_array_index (request->facts->bundle.namespaces, index);

      g_array_append_val (fds, facts->fd);
    }
  return fds;
}

/* What the joining process enters. Where the user namespace is the caller's or was entered
 * before bwrap, it is not among those of one setns(2). */
static void
choose_namespaces (SpawnNamespaces *namespaces, const BwrapRequest *request, const GArray *joined)
{
  const Plan *plan = request->plan;
  const int made_by_bwrap = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
                            | CLONE_NEWCGROUP;

  namespaces->types = plan->new_namespaces & made_by_bwrap;
  namespaces->as_root = plan->userns != USERNS_NONE
                        && plan_id_is_mapped (plan->uid_map, 0)
                        && plan_id_is_mapped (plan->gid_map, 0);
  namespaces->keep_capabilities = plan->userns != USERNS_NONE;
  namespaces->keep_groups = plan->keep_groups;
  if (plan->userns != USERNS_NONE)
    namespaces->types |= CLONE_NEWUSER;
  namespaces->fds = (const int *) (const void *) joined->data;
  namespaces->n_fds = joined->len;
  namespaces->new_pid_ns = (plan->new_namespaces & CLONE_NEWPID) != 0;
  namespaces->new_time_ns = (plan->new_namespaces & CLONE_NEWTIME) != 0;
  namespaces->time_offsets = plan->time_offsets;
  namespaces->fork = plan->own_pid_ns || namespaces->new_time_ns;
}

/* What cannot be done for one property is said of that; always returns FALSE. */
static gboolean
name_property (GError **error)
{
  static const char before[] = "/init: ";
  const char *message = error != NULL ? (*error)->message : "";

  if (g_str_has_prefix (message, "/init: " SPAWN_TIME_OFFSETS))
    {
      g_autofree char *text = g_strdup (message + strlen (before));

      g_clear_error (error);
      throw (error, "config.json: /linux/timeOffsets: %s", text);
    }
  return FALSE;
}

gboolean
bwrap_join (Bwrap *bwrap, const BwrapRequest *request, GError **error)
{
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (SpawnFd));
  g_autoptr (GArray) joined = joined_namespaces (request);
  Inheritance inheritance = { .fds = fds, .first = 3 + (int) request->options->preserve_fds };
  SpawnNamespaces namespaces = SPAWN_NAMESPACES_INIT;
  char first_number[16];
  const char *const argv[] = { "/init", first_number, NULL };
  SpawnRequest child = { .program = "/init", .program_fd = request->opaque_init, .argv = argv,
                         .directory = "/", .namespaces = &namespaces };
  autofd ours = -1, theirs = -1;

  if (!make_socketpair (&ours, &theirs, error))
    return FALSE;
  choose_namespaces (&namespaces, request, joined);
  namespaces.pidfd = bwrap->child_pidfd;
  inherit_init (&inheritance, theirs, request);
  (void) snprintf (first_number, sizeof first_number, "%d", inheritance.first);
  child.fds = (const SpawnFd *) (const void *) fds->data;
  child.n_fds = fds->len;

  bwrap->holder_pidfd = fd_steal (&bwrap->child_pidfd);
  bwrap->child = 0;
  if (!cgroup_doors_spawn (request->doors, &child, &bwrap->child, &bwrap->child_pidfd, error))
    return name_property (error);
  bwrap->holder_control = fd_steal (&bwrap->control);
  bwrap->control = fd_steal (&ours);
  return TRUE;
}

gboolean
bwrap_release (Bwrap *bwrap, GError **error)
{
  /* never by closing: an end of file releases it too, but says nothing of failure */
  if (bwrap->release >= 0 && !fd_write_all (bwrap->release, "\n", 1, error))
    return bwrap_explain (bwrap, error);
  return TRUE;
}

void
bwrap_kill_monitor (Bwrap *bwrap)
{
  if (bwrap->holder_pidfd >= 0)
    (void) proc_pidfd_signal (bwrap->holder_pidfd, SIGKILL);
  if (bwrap->monitor_pidfd >= 0)
    (void) proc_pidfd_signal (bwrap->monitor_pidfd, SIGKILL);
}

/* The holder has become our child with the end of its parent, the monitor, unless that has reaped
 * it; who reaps after us is not to find it. */
static void
reap_holder (Bwrap *bwrap)
{
  siginfo_t ignored;

  if (bwrap->holder_pidfd >= 0 && proc_pidfd_wait (bwrap->holder_pidfd, 1000))
    (void) waitid (P_PIDFD, (id_t) bwrap->holder_pidfd, &ignored, WEXITED | WNOHANG);
  fd_clear (&bwrap->holder_pidfd);
}

void
bwrap_reap_monitor (Bwrap *bwrap)
{
  fd_clear (&bwrap->holder_control);
  spawn_kill (&bwrap->monitor);
  fd_clear (&bwrap->monitor_pidfd);
  reap_holder (bwrap);
}

void
bwrap_await_monitor (Bwrap *bwrap)
{
  if (bwrap->holder_pidfd >= 0)
    (void) proc_pidfd_wait (bwrap->holder_pidfd, 1000);
  bwrap_reap_monitor (bwrap);
}

gboolean
bwrap_explain (Bwrap *bwrap, GError **error)
{
  g_autofree char *text = NULL;
  const char *message;
  int status;

  if (error != NULL)
    g_clear_error (error);
  if (bwrap->monitor == 0 || bwrap->holder_pidfd >= 0)
    return throw (error, "the init has ended without a word");
  if (!proc_pidfd_wait (bwrap->monitor_pidfd, 1000))
    return throw (error, "bwrap: it does not answer");
  status = proc_reap (bwrap->monitor);
  bwrap->monitor = 0;
  (void) fcntl (bwrap->messages, F_SETFL, O_NONBLOCK);
  text = g_malloc0 (MESSAGES_MAX + 1);
  if (read (bwrap->messages, text, MESSAGES_MAX) > 0)
    {
      text[strcspn (text, "\n")] = '\0';
      message = g_str_has_prefix (text, "bwrap: ") ? text + 7 : text;
      return throw (error, "bwrap: %s", message);
    }
  if (WIFSIGNALED (status))
    return throw (error, "bwrap: killed by signal %d", WTERMSIG (status));
  return throw (error, "bwrap: exited with %d", WEXITSTATUS (status));
}

/* Whether @pid sees other mounts than we do, as all of a bwrap's children. */
static gboolean
is_apart (pid_t pid)
{
  int types;

  return !proc_other_namespaces (pid, &types, NULL) || (types & CLONE_NEWNS) != 0;
}

/* Ends the children of @parent that are in a sandbox. It is ourselves or stopped, so that their
 * numbers stay theirs. */
static void
kill_children (pid_t parent)
{
  char path[64], text[16 * CHILDREN_MAX];
  autofd fd = -1;
  ssize_t n;

  (void) snprintf (path, sizeof path, "/proc/%d/task/%d/children", (int) parent, (int) parent);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  n = fd >= 0 ? read (fd, text, sizeof text - 1) : 0;
  text[MAX (n, 0)] = '\0';
  for (char *next = text; *next != '\0';)
    {
      pid_t pid = (pid_t) strtol (next, &next, 10);
      autofd pidfd = proc_pidfd (pid);

      if (pidfd >= 0 && is_apart (pid))
        (void) proc_pidfd_signal (pidfd, SIGKILL);
      next += strspn (next, " ");
    }
}

/* Ends what bwrap has started and not told us of, whether it still lives or has died half-way: we
 * are then the parent (PR_SET_CHILD_SUBREAPER). */
static void
kill_untold (Bwrap *bwrap)
{
  if (bwrap->monitor > 0)
    {
      (void) proc_pidfd_signal (bwrap->monitor_pidfd, SIGSTOP);
      kill_children (bwrap->monitor);
    }
  if (bwrap->info >= 0 && bwrap->child == 0 && bwrap->holder_pidfd < 0)
    kill_children (getpid ());
}

void
bwrap_clear (Bwrap *bwrap)
{
  pid_t ended = bwrap->child_pidfd >= 0 ? bwrap->child : 0;

  if (ended > 0)
    {
      (void) proc_pidfd_signal (bwrap->child_pidfd, SIGKILL);
      (void) proc_pidfd_wait (bwrap->child_pidfd, 5000);
    }
  kill_untold (bwrap);
  bwrap_kill_monitor (bwrap);
  bwrap_reap_monitor (bwrap);
  /* it is ours now: no zombie for whoever comes after us */
  if (ended > 0)
    (void) waitpid (ended, NULL, WNOHANG);
  fd_clear (&bwrap->child_pidfd);
  fd_clear (&bwrap->info);
  fd_clear (&bwrap->release);
  fd_clear (&bwrap->messages);
  fd_clear (&bwrap->control);
  bwrap->child = 0;
}
