/* Asking systemd; see systemd.h.
 *
 * GDBus makes threads, and a process with threads cannot enter a user namespace: so it lives in a
 * program of its own, whose arguments are the question and whose standard output is the answer. */
#include "config.h"

#include "cgroup/systemd.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/self.h"
#include "base/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MAX 65536

SystemdScope *
systemd_scope_copy (const SystemdScope *scope)
{
  SystemdScope *copy = g_new0 (SystemdScope, 1);

  copy->bus = g_strdup (scope->bus);
  copy->unit = g_strdup (scope->unit);
  copy->invocation = g_strdup (scope->invocation);
  return copy;
}

void
systemd_scope_free (SystemdScope *scope)
{
  if (scope == NULL)
    return;
  g_free (scope->bus);
  g_free (scope->unit);
  g_free (scope->invocation);
  g_free (scope);
}

/* The arguments of @command up to the unit. Transfer: full. */
static GPtrArray *
question (const SystemdScope *scope, const char *command)
{
  const char *const words[] = { "bwrap-oci-gio", "", "text", "", command, scope->bus,
                                scope->unit };
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    g_ptr_array_add (argv, g_strdup (words[i]));
  return argv;
}

static void
add_properties (GPtrArray *argv, const GPtrArray *properties)
{
  for (guint i = 0; i < properties->len; i++)
    {
      const ScopeProperty *property = g_ptr_array_index (properties, i);

      g_ptr_array_add (argv, g_strdup (property->name));
      g_ptr_array_add (argv, g_strdup (property->value));
    }
}

/* Asks, and returns the answer. @argv is not complete yet. Transfer: full. */
static char *
ask (GPtrArray *argv, GError **error)
{
  const char *unit = g_ptr_array_index (argv, 6);
  g_autofree char *program = self_find_program ("bwrap-oci-gio", error);
  g_autofree char *answer = NULL;
  SpawnRequest request = { .program = program, .n_fds = 1 };
  autofd read_end = -1, write_end = -1;
  int ends[2], status;
  SpawnFd out;
  gsize length;
  pid_t pid;

  if (program == NULL)
    return NULL;
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return throw_null_errno (error, "pipe");
  read_end = ends[0];
  write_end = ends[1];
  out = (SpawnFd) { write_end, STDOUT_FILENO };
  g_ptr_array_add (argv, NULL);
  request.argv = (const char *const *) argv->pdata;
  request.fds = &out;
  if (!spawn (&request, &pid, NULL, error))
    return NULL;
  fd_clear (&write_end);
  if (!fd_read_all (read_end, ANSWER_MAX, &answer, &length, error))
    {
      spawn_kill (&pid);
      return NULL;
    }
  status = proc_reap (pid);
  g_strchomp (answer);
  if (status == 0)
    return g_steal_pointer (&answer);
  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGALRM)
    return throw_null (error, "systemd: %s: no answer from %s", unit,
                       (const char *) g_ptr_array_index (argv, 5));
  return throw_null (error, "systemd: %s: %s", unit,
                     *answer != '\0' ? answer : "bwrap-oci-gio has ended without a word");
}

static gboolean
tell (GPtrArray *argv, GError **error)
{
  g_autofree char *answer = ask (argv, error);

  return answer != NULL;
}

gboolean
systemd_scope_start (SystemdScope *scope, const GPtrArray *properties, pid_t pid, GError **error)
{
  g_autoptr (GPtrArray) argv = question (scope, "scope-start");

  g_ptr_array_add (argv, g_strdup_printf ("%d", (int) pid));
  add_properties (argv, properties);
  scope->invocation = ask (argv, error);
  return scope->invocation != NULL;
}

gboolean
systemd_scope_set (const SystemdScope *scope, const GPtrArray *properties, GError **error)
{
  g_autoptr (GPtrArray) argv = question (scope, "scope-set");

  if (properties->len == 0)
    return TRUE;
  add_properties (argv, properties);
  return tell (argv, error);
}

gboolean
systemd_scope_attach (const SystemdScope *scope, const char *below, pid_t pid, GError **error)
{
  g_autoptr (GPtrArray) argv = question (scope, "scope-attach");

  g_ptr_array_add (argv, g_strdup (below));
  g_ptr_array_add (argv, g_strdup_printf ("%d", (int) pid));
  return tell (argv, error);
}

gboolean
systemd_scope_stop (const SystemdScope *scope, GError **error)
{
  g_autoptr (GPtrArray) argv = question (scope, "scope-stop");

  g_ptr_array_add (argv, g_strdup (scope->invocation));
  return tell (argv, error);
}
