/* fuse-overlayfs; see fuse.h. */
#include "config.h"

#include "run/fuse.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/patience.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "plan/overlay.h"
#include "run/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD_MAX 65536
#define WORDS_MAX 4096

/* It has to read a few folders before it answers; and at the end to write what is still in memory,
 * which closing a file has done as a rule. */
#define ANSWER_MS 10000
#define END_MS 5000

/* Where it has its descriptors. */
#define DEVICE_FD 3
#define DEVICE_NAME "/dev/fd/3"

/* --- the record ------------------------------------------------------------------------------ */

static gboolean
read_record (const Container *container, char ***ret_lines, GError **error)
{
  g_autoptr (GBytes) text = NULL;

  if (!fd_read_present_at (container->fd, CONTAINER_FUSE_FILE, RECORD_MAX, &text, error))
    return FALSE;
  *ret_lines = g_strsplit (text != NULL ? g_bytes_get_data (text, NULL) : "", "\n", -1);
  return TRUE;
}

/* Adds @pid, which does nothing until it is on record. */
static gboolean
add_record (pid_t pid, gpointer data, GError **error)
{
  Container *container = data;
  g_auto (GStrv) lines = NULL;
  g_autofree char *before = NULL, *line = NULL, *text = NULL;
  InitRecord init;

  if (!read_record (container, &lines, error) || !init_record_take (pid, &init, error))
    return FALSE;
  before = g_strjoinv ("\n", lines);
  line = init_record_format (&init);
  text = g_strconcat (before, line, NULL);
  return container_write (container, CONTAINER_FUSE_FILE, text, strlen (text), error);
}

/* --- starting it ----------------------------------------------------------------------------- */

/* For what it says: it can hold neither the caller's descriptors nor a pipe that nobody reads, and
 * may say as much as it likes. */
static int
words_file (GError **error)
{
  autofd fd = memfd_create ("fuse-overlayfs", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  if (fd < 0 || ftruncate (fd, WORDS_MAX) < 0
      || fcntl (fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)
    return throw_fd_errno (error, "memfd");
  return fd_steal (&fd);
}

/* In the user namespace of the container, as its root, with a copy of the host's mounts. */
static gboolean
choose_namespaces (SpawnNamespaces *namespaces, const FuseRequest *request, GError **error)
{
  const Plan *plan = request->plan;

  if (!proc_other_namespaces (request->child, &namespaces->types, error))
    return FALSE;
  namespaces->types &= CLONE_NEWUSER;
  if (namespaces->types != 0)
    {
      namespaces->pidfd = request->child_pidfd;
      namespaces->keep_capabilities = TRUE;
      namespaces->as_root = plan_id_is_mapped (plan->uid_map, 0)
                            && plan_id_is_mapped (plan->gid_map, 0);
    }
  namespaces->keep_groups = plan->keep_groups;
  namespaces->new_mount_ns = TRUE;
  namespaces->tree = request->tree;
  namespaces->tree_at = OVERLAY_TREE;
  return TRUE;
}

static gboolean
spawn_it (const FuseRequest *request, int words, pid_t *ret_pid, int *ret_pidfd, GError **error)
{
  const PlanFuse *fuse = g_ptr_array_index (request->plan->fuse, request->index);
  const char *const argv[] = { "fuse-overlayfs", "-f", "-o", fuse->options, DEVICE_NAME, NULL };
  autofd nothing = open ("/dev/null", O_RDWR | O_CLOEXEC);
  const SpawnFd fds[] = {
    { .source = nothing, .target = STDIN_FILENO },
    { .source = words, .target = STDOUT_FILENO },
    { .source = words, .target = STDERR_FILENO },
    { .source = request->device, .target = DEVICE_FD },
  };
  SpawnNamespaces namespaces = SPAWN_NAMESPACES_INIT;
  const SpawnRequest child = {
    .program = request->facts->machine.fuse.program, .argv = argv, .fds = fds,
    .n_fds = G_N_ELEMENTS (fds), .directory = "/", .namespaces = &namespaces,
    /* no signal of the caller's terminal is meant for it */
    .new_group = TRUE, .admit = add_record, .admit_data = request->container,
  };

  if (nothing < 0)
    return throw_errno (error, "open /dev/null");
  return choose_namespaces (&namespaces, request, error)
         && spawn (&child, ret_pid, ret_pidfd, error);
}

/* --- what became of it ----------------------------------------------------------------------- */

/* The last line that says why. */
static char *
last_words (int fd)
{
  g_autofree char *text = g_malloc0 (WORDS_MAX + 1);
  g_auto (GStrv) lines = NULL;

  if (pread (fd, text, WORDS_MAX, 0) < 0)
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = g_strv_length (lines); i > 0; i--)
    /* it says that whenever it is started */
    if (*lines[i - 1] != '\0' && !g_str_has_prefix (lines[i - 1], "unknown argument ignored: "))
      return g_strdup (lines[i - 1]);
  return NULL;
}

/* Sets @error from what it said last, or how it ended. Returns FALSE. */
static gboolean
explain (const FuseRequest *request, int words, int status, GError **error)
{
  const PlanFuse *fuse = g_ptr_array_index (request->plan->fuse, request->index);
  const PlanRow *row = g_ptr_array_index (request->plan->rows, fuse->row);
  g_autofree char *said = last_words (words);

  if (said == NULL && WIFSIGNALED (status))
    said = g_strdup_printf ("killed by signal %d", WTERMSIG (status));
  else if (said == NULL)
    said = g_strdup_printf ("exited with %d", WEXITSTATUS (status));
  return throw (error, "config.json: %s: %s: %s", row->pointer,
                request->facts->machine.fuse.program, said);
}

/* What the init says of its mount: fine, or why not. */
static gboolean
hear_init (const FuseRequest *request, GError **error)
{
  struct report report;
  int got = report_receive (request->control, &report, NULL, error);
  const PlanRow *row;

  if (got <= 0)
    return got == 0 && throw (error, "the init has ended without a word");
  if (report.kind == REPORT_MOUNTED)
    return TRUE;
  if (report.kind != REPORT_FAILED || report.row >= request->plan->rows->len)
    return report_meaningless (&report, error);
  row = g_ptr_array_index (request->plan->rows, report.row);
  return report_to_error (&report, row->pointer, row->what, error);
}

/* Waits for the answer, or the end of it; *@pid is 0 when it has been reaped. */
static gboolean
await_answer (const FuseRequest *request, pid_t *pid, int pidfd, int words, GError **error)
{
  struct pollfd fds[] = {
    { .fd = request->control, .events = POLLIN },
    { .fd = pidfd, .events = POLLIN },
    { .fd = request->interrupt != NULL ? request->interrupt->fd : -1, .events = POLLIN },
  };
  int ready = patience_poll (fds, G_N_ELEMENTS (fds), ANSWER_MS, "starting fuse-overlayfs");
  int status;

  if (ready < 0)
    return throw_errno (error, "poll");
  if (!interrupt_check (request->interrupt, error))
    return FALSE;
  if (ready == 0)
    return throw (error, "%s: no answer after %d s", request->facts->machine.fuse.program,
                  ANSWER_MS / 1000);
  if (fds[0].revents != 0 && fds[1].revents == 0)
    {
      /* where it has ended the init may hear of that first, by a mount that answers no more */
      if (hear_init (request, error))
        return TRUE;
      if (!proc_pidfd_wait (pidfd, 1000))
        return FALSE;
      g_clear_error (error);
    }
  status = proc_reap (*pid);
  *pid = 0;
  return explain (request, words, status, error);
}

gboolean
fuse_start (const FuseRequest *request, GError **error)
{
  autofd words = -1, pidfd = -1;
  pid_t pid = 0;

  if (request->index >= request->plan->fuse->len || request->tree < 0 || request->device < 0)
    return throw (error, "the init asks for an overlay, which means nothing");
  words = words_file (error);
  if (words < 0 || !spawn_it (request, words, &pid, &pidfd, error))
    return FALSE;
  if (await_answer (request, &pid, pidfd, words, error))
    return TRUE;
  spawn_kill (&pid);
  return FALSE;
}

/* --- the end --------------------------------------------------------------------------------- */

static gboolean
end_one (const InitRecord *record, GError **error)
{
  autofd pidfd = -1;

  if (!init_record_pidfd (record, &pidfd, error))
    return FALSE;
  if (pidfd < 0)
    return TRUE;
  if (!proc_pidfd_wait (pidfd, END_MS))
    {
      (void) proc_pidfd_signal (pidfd, SIGKILL);
      if (!proc_pidfd_wait (pidfd, END_MS))
        return throw (error, "fuse-overlayfs still running");
    }
  /* where it is a child of ours */
  (void) waitpid (record->pid, NULL, WNOHANG);
  return TRUE;
}

gboolean
fuse_end (const Container *container, GError **error)
{
  g_auto (GStrv) lines = NULL;

  if (!read_record (container, &lines, error))
    return FALSE;
  for (char **line = lines; *line != NULL; line++)
    {
      g_autofree char *text = g_strconcat (*line, "\n", NULL);
      InitRecord record;

      /* what is broken names nobody; who has no mount left ends by himself */
      if (init_record_parse (text, strlen (text), &record, NULL) && !end_one (&record, error))
        return FALSE;
    }
  return TRUE;
}
