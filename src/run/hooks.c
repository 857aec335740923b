/* Running hooks; see hooks.h.
 *
 * The state waits for the hook in a file on its standard input, so that nobody minds a hook that
 * does not read it. What it says is read from two pipes, of which the beginning is kept for the
 * error message; or goes to the files that crun's annotations name. */
#include "config.h"

#include "run/hooks.h"

#include "base/env.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/names.h"
#include "base/patience.h"
#include "base/proc.h"
#include "run/interrupt.h"
#include "spec/state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX 1024
/* what a pipe holds is taken by this many reads of OUTPUT_MAX */
#define READS_MAX 64

/* Where each kind is found, and what the state says meanwhile. */
static const struct {
  const char *name;
  const char *status;
  gsize offset;
} kinds[] = {
  [HOOK_PRESTART] = { "prestart", "creating", offsetof (OciHooks, prestart) },
  [HOOK_CREATE_RUNTIME] = { "createRuntime", "creating", offsetof (OciHooks, create_runtime) },
  [HOOK_CREATE_CONTAINER] = { "createContainer", "creating",
                              offsetof (OciHooks, create_container) },
  [HOOK_POSTSTART] = { "poststart", "running", offsetof (OciHooks, poststart) },
  [HOOK_POSTSTOP] = { "poststop", "stopped", offsetof (OciHooks, poststop) },
};

/* Annotations that name files for standard output and standard error. */
static const char *const file_annotations[] = { "run.oci.hooks.stdout", "run.oci.hooks.stderr" };

typedef struct {
  int fd;  /* our end of the pipe; -1 after the end, or if there is none */
  gsize length;
  char text[OUTPUT_MAX + 1];
} Output;

/* A hook on its way. */
typedef struct {
  const HookRequest *request;
  HookKind kind;
  const OciHook *hook;
  const Interrupt *interrupt;
  pid_t pid;
  int pidfd;
  Output output[2];
} Running;

static void
running_clear (Running *running)
{
  (void) spawn_kill_group (&running->pid);
  fd_clear (&running->pidfd);
  fd_clear (&running->output[0].fd);
  fd_clear (&running->output[1].fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Running, running_clear)

static const GPtrArray *
hooks_of (const OciHooks *hooks, HookKind kind)
{
  return hooks != NULL ? G_STRUCT_MEMBER (const GPtrArray *, hooks, kinds[kind].offset) : NULL;
}

gboolean
hooks_come_later (const OciHooks *hooks)
{
  return hooks != NULL
         && field_count (hooks->start_container) + field_count (hooks->poststart)
                + field_count (hooks->poststop) > 0;
}

/* --- starting one --- */

/* The state as of now, as a file to read from. */
static int
state_file (const Running *running, GError **error)
{
  const ContainerRecord *record = running->request->record;
  OciState state = { .oci_version = record->oci_version, .id = record->id,
                     .status = kinds[running->kind].status, .bundle = record->bundle,
                     .annotations = record->annotations, .pid = running->request->pid };
  g_autoptr (GString) line = NULL;

  /* who is in the container's namespaces is told the number that is valid there */
  if (running->kind == HOOK_CREATE_CONTAINER && !proc_inner_pid (state.pid, &state.pid, error))
    return -1;
  line = oci_state_format (&state);
  return fd_memfd ("state", line->str, line->len, TRUE, error);
}

static const char *
annotation (const ContainerRecord *record, const char *key)
{
  for (guint i = 0; i < field_count (record->annotations); i++)
    {
      const OciPair *pair = g_ptr_array_index (record->annotations, i);

      if (strcmp (pair->key, key) == 0)
        return pair->value;
    }
  return NULL;
}

/* The hook's end of standard output (@k 0) or standard error (1); -1 on error. */
static int
open_output (Running *running, guint k, GError **error)
{
  const char *path = annotation (running->request->record, file_annotations[k]);
  int ends[2], fd;

  if (path != NULL)
    {
      fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      return fd >= 0 ? fd : throw_fd_errno (error, "%s: open %s", file_annotations[k], path);
    }
  if (pipe2 (ends, O_CLOEXEC) < 0 || fcntl (ends[0], F_SETFL, O_NONBLOCK) < 0)
    return throw_fd_errno (error, "pipe");
  running->output[k].fd = ends[0];
  return ends[1];
}

static gboolean
start_hook (Running *running, GError **error)
{
  const OciHook *hook = running->hook;
  const char *const own_name[] = { hook->path, NULL };
  gboolean named = hook->args != NULL && hook->args[0] != NULL;
  autofd state = state_file (running, error);
  autofd out = state >= 0 ? open_output (running, 0, error) : -1;
  autofd err = out >= 0 ? open_output (running, 1, error) : -1;
  const SpawnFd fds[] = { { state, STDIN_FILENO }, { out, STDOUT_FILENO }, { err, STDERR_FILENO } };
  SpawnRequest child = {
    .program = hook->path,
    .argv = named ? (const char *const *) hook->args : own_name,
    .envp = hook->env != NULL ? (const char *const *) hook->env : environment_all (),
    .fds = fds,
    .n_fds = G_N_ELEMENTS (fds),
    .namespaces = running->kind == HOOK_CREATE_CONTAINER ? running->request->namespaces : NULL,
    .new_group = TRUE,
  };

  return err >= 0 && spawn (&child, &running->pid, &running->pidfd, error);
}

/* --- waiting for it --- */

/* Takes what there is to read now, and drops what is too much. */
static void
drain (Output *output)
{
  for (guint i = 0; i < READS_MAX && output->fd >= 0; i++)
    {
      char chunk[OUTPUT_MAX];
      ssize_t n = read (output->fd, chunk, sizeof chunk);
      gsize taken;

      if (n < 0)
        break;
      taken = MIN ((gsize) n, OUTPUT_MAX - output->length);
      memcpy (output->text + output->length, chunk, taken);
      output->length += taken;
      if (n == 0)
        fd_clear (&output->fd);
    }
}

/* What the hook said: its complaint, else its output. Transfer: full. */
static char *
said (Running *running)
{
  const Output *output = &running->output[running->output[1].length > 0];
  char *text = g_malloc (output->length + 1);

  memcpy (text, output->text, output->length);
  text[output->length] = '\0';
  for (gsize i = 0; i < output->length; i++)
    if (text[i] == '\n' || text[i] == '\0')
      text[i] = ' ';
  return g_strchomp (text);
}

static gboolean
fail_from_status (Running *running, int status, GError **error)
{
  const char *path = running->hook->path;
  g_autofree char *text = said (running);
  const char *colon = *text != '\0' ? ": " : "";

  if (WIFSIGNALED (status))
    {
      g_autofree char *words = name_signal_words (WTERMSIG (status));

      return throw (error, "%s: signal: %s%s%s", path, words, colon, text);
    }
  return throw (error, "%s: exited with %d%s%s", path, WEXITSTATUS (status), colon, text);
}

/* The hook has ended: what it has left running stays. */
static gboolean
take_end (Running *running, GError **error)
{
  int status = proc_reap (running->pid);

  running->pid = 0;
  return status == 0 || fail_from_status (running, status, error);
}

/* Milliseconds until @end, for poll(2). */
static int
time_left (gint64 end)
{
  gint64 left = (end - g_get_monotonic_time () + 999) / 1000;

  return end == G_MAXINT64 ? -1 : (int) CLAMP (left, 0, G_MAXINT);
}

static gint64
end_of (const OciHook *hook)
{
  gint64 now = g_get_monotonic_time ();

  if (!hook->timeout.set || hook->timeout.value > (G_MAXINT64 - now) / G_USEC_PER_SEC)
    return G_MAXINT64;
  return now + hook->timeout.value * G_USEC_PER_SEC;
}

static gboolean
wait_for_hook (Running *running, GError **error)
{
  const OciHook *hook = running->hook;
  g_autofree char *doing = g_strdup_printf ("running the %s hook %s", kinds[running->kind].name,
                                            hook->path);
  gint64 end = end_of (hook), begun = g_get_monotonic_time ();

  for (;;)
    {
      struct pollfd fds[] = {
        { .fd = running->pidfd, .events = POLLIN },
        { .fd = running->interrupt->fd, .events = POLLIN },
        { .fd = running->output[0].fd, .events = POLLIN },
        { .fd = running->output[1].fd, .events = POLLIN },
        { .fd = running->request->pidfd > 0 ? running->request->pidfd : -1, .events = POLLIN },
      };
      int left = time_left (end), word = patience_look (&begun, doing);
      int n = poll (fds, G_N_ELEMENTS (fds), word >= 0 && (left < 0 || word < left) ? word : left);

      if (n < 0 && errno != EINTR)
        return throw_errno (error, "%s: poll", hook->path);
      drain (&running->output[0]);
      drain (&running->output[1]);
      if (n > 0 && fds[0].revents != 0)
        return take_end (running, error);
      if (!interrupt_check (running->interrupt, error))
        {
          g_prefix_error (error, "%s: ", hook->path);
          return FALSE;
        }
      if (n > 0 && fds[4].revents != 0)
        return throw (error, "%s: the container has been killed meanwhile", hook->path);
      if (time_left (end) == 0)
        return throw (error, "%s: hook ran past specified timeout of %.1fs", hook->path,
                      (double) hook->timeout.value);
    }
}

/* --- all of a kind --- */

/* The working directory of hooks is the bundle. By our own, since the bundle need not be open to
 * who the hook is; and where it is gone by now, any directory that stays will do. */
static int
enter_bundle (const ContainerRecord *record, GError **error)
{
  autofd here = open (".", O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (here < 0)
    return throw_fd_errno (error, "open the working directory");
  if (chdir (record->bundle) < 0 && chdir ("/") < 0)
    return throw_fd_errno (error, "chdir %s", record->bundle);
  return fd_steal (&here);
}

static gboolean
run_hook (Running *running, guint index, GError **error)
{
  if (start_hook (running, error) && wait_for_hook (running, error))
    return TRUE;
  g_prefix_error (error, "error running %s hook #%u: ", kinds[running->kind].name, index);
  return FALSE;
}

/* Runs hook number @index of @hooks with what all of them share. */
static gboolean
run_nth (const Running *common, const GPtrArray *hooks, guint index, GError **error)
{
  g_auto (Running) running = *common;

  running.hook = g_ptr_array_index (hooks, index);
  return run_hook (&running, index, error);
}

/* Runs all hooks of @kind; with @warn a failure is no reason to stop. */
static gboolean
run_all (const HookRequest *request, HookKind kind, gboolean warn, GError **error)
{
  g_auto (Interrupt) interrupt = INTERRUPT_INIT;
  Running common = { .request = request, .kind = kind, .interrupt = &interrupt, .pidfd = -1,
                     .output = { { .fd = -1 }, { .fd = -1 } } };
  const GPtrArray *hooks = hooks_of (request->hooks, kind);
  gboolean going = TRUE;
  autofd here = -1;

  if (field_count (hooks) == 0)
    return TRUE;
  if (!interrupt_open (&interrupt, error))
    return FALSE;
  here = enter_bundle (request->record, error);
  if (here < 0)
    return FALSE;
  for (guint i = 0; i < hooks->len && going; i++)
    {
      g_autoptr (GError) local = NULL;

      if (run_nth (&common, hooks, i, &local) && interrupt_check (&interrupt, &local))
        continue;
      if (warn)
        log_warning ("%s", local->message);
      else
        g_propagate_error (error, g_steal_pointer (&local));
      going = warn;
    }
  if (fchdir (here) < 0)
    log_warning ("back to the working directory: %s", g_strerror (errno));
  return going;
}

gboolean
hooks_run (const HookRequest *request, HookKind kind, GError **error)
{
  return run_all (request, kind, FALSE, error);
}

void
hooks_run_poststop (const HookRequest *request)
{
  g_autoptr (GError) error = NULL;

  if (!run_all (request, HOOK_POSTSTOP, TRUE, &error))
    log_warning ("%s", error->message);
}
