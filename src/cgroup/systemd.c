/* Asking systemd; see systemd.h.
 *
 * GDBus makes threads, and a process with threads cannot enter a user namespace: so it lives in a
 * program of its own, whose arguments are the question and whose standard output is the answer. */
#include "config.h"

#include "cgroup/systemd.h"

#include "base/ask.h"
#include "base/error.h"

#include <signal.h>
#include <sys/wait.h>

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

/* @command and its arguments up to the unit. Transfer: full. */
static GPtrArray *
question (const SystemdScope *scope, const char *command)
{
  const char *const known[] = { command, scope->bus, scope->unit };
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    g_ptr_array_add (words, g_strdup (known[i]));
  return words;
}

static void
add_properties (GPtrArray *words, const GPtrArray *properties)
{
  for (guint i = 0; i < properties->len; i++)
    {
      const ScopeProperty *property = g_ptr_array_index (properties, i);

      g_ptr_array_add (words, g_strdup (property->name));
      g_ptr_array_add (words, g_strdup (property->value));
    }
}

/* Asks, and returns the answer. Transfer: full. */
static char *
ask (const GPtrArray *words, GError **error)
{
  const char *bus = g_ptr_array_index (words, 1), *unit = g_ptr_array_index (words, 2);
  g_autofree char *answer = NULL;
  int status;

  answer = ask_companion (words, &status, error);
  if (answer == NULL || status == 0)
    return g_steal_pointer (&answer);
  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGALRM)
    return throw_null (error, "systemd: %s: no answer from %s", unit, bus);
  return throw_null (error, "systemd: %s: %s", unit, answer);
}

static gboolean
tell (GPtrArray *words, GError **error)
{
  g_autofree char *answer = ask (words, error);

  return answer != NULL;
}

gboolean
systemd_scope_start (SystemdScope *scope, const GPtrArray *properties, pid_t pid, GError **error)
{
  g_autoptr (GPtrArray) words = question (scope, "scope-start");

  g_ptr_array_add (words, g_strdup_printf ("%d", (int) pid));
  add_properties (words, properties);
  scope->invocation = ask (words, error);
  return scope->invocation != NULL;
}

gboolean
systemd_scope_set (const SystemdScope *scope, const GPtrArray *properties, GError **error)
{
  g_autoptr (GPtrArray) words = question (scope, "scope-set");

  if (properties->len == 0)
    return TRUE;
  add_properties (words, properties);
  return tell (words, error);
}

gboolean
systemd_scope_attach (const SystemdScope *scope, const char *below, pid_t pid, GError **error)
{
  g_autoptr (GPtrArray) words = question (scope, "scope-attach");

  g_ptr_array_add (words, g_strdup (below));
  g_ptr_array_add (words, g_strdup_printf ("%d", (int) pid));
  return tell (words, error);
}

gboolean
systemd_scope_stop (const SystemdScope *scope, GError **error)
{
  g_autoptr (GPtrArray) words = question (scope, "scope-stop");

  g_ptr_array_add (words, g_strdup (scope->invocation));
  return tell (words, error);
}
