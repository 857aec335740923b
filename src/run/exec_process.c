/* The process of an exec; see exec_process.h. */
#include "config.h"

#include "run/exec_process.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/names.h"

#include <string.h>

static OciProcess *
read_process (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;

  text = fd_read_argument (path, JSON_TEXT_MAX_LENGTH, &length, error);
  return text != NULL ? oci_process_parse (text, length, path, NULL, error) : NULL;
}

/* Digits and nothing else: a name is never looked up, so none can be taken for a number
 * (CVE-2016-3697). */
static gboolean
read_id (const char *text, gsize length, const char *what, OptUint32 *ret_id, GError **error)
{
  g_autofree char *digits = g_strndup (text, length);
  guint64 value;

  if (length == 0 || strspn (digits, "0123456789") != length || (length > 1 && *digits == '0')
      || !g_ascii_string_to_unsigned (digits, 10, 0, OCI_ID_MAX, &value, NULL))
    return throw (error, "%s: not the number of an id: %s", what, digits);
  *ret_id = (OptUint32) { TRUE, (guint32) value };
  return TRUE;
}

static gboolean
set_user (OciUser *user, const char *text, GError **error)
{
  const char *colon = strchr (text, ':');
  gsize length = colon != NULL ? (gsize) (colon - text) : strlen (text);

  if (!read_id (text, length, "--user", &user->uid, error))
    return FALSE;
  user->gid = (OptUint32) { 0 };
  return colon == NULL || read_id (colon + 1, strlen (colon + 1), "--user", &user->gid, error);
}

static gboolean
add_groups (OciUser *user, const GPtrArray *groups, GError **error)
{
  for (guint i = 0; i < field_count (groups); i++)
    {
      const char *text = g_ptr_array_index (groups, i);
      OptUint32 gid;

      if (!read_id (text, strlen (text), "--additional-gids", &gid, error))
        return FALSE;
      if (user->additional_gids == NULL)
        user->additional_gids = g_array_new (FALSE, FALSE, sizeof (guint32));
      g_array_append_val (user->additional_gids, gid.value);
    }
  return TRUE;
}

/* Appends @word to the NULL-terminated *@words. */
static void
append_word (char ***words, const char *word)
{
  guint n = *words != NULL ? g_strv_length (*words) : 0;

  *words = g_realloc_n (*words, n + 2, sizeof (char *));
  (*words)[n] = g_strdup (word);
  (*words)[n + 1] = NULL;
}

/* The later of two equal names counts, as with env(1). */
static gboolean
add_environment (OciProcess *process, const GPtrArray *env, GError **error)
{
  for (guint i = 0; i < field_count (env); i++)
    {
      const char *entry = g_ptr_array_index (env, i);
      const char *equals = strchr (entry, '=');
      char **old = process->env;

      if (equals == NULL || equals == entry)
        return throw (error, "--env: not of the form NAME=VALUE: %s", entry);
      for (; old != NULL && *old != NULL; old++)
        if (strncmp (*old, entry, (gsize) (equals - entry) + 1) == 0)
          break;
      if (old != NULL && *old != NULL)
        {
          g_free (*old);
          *old = g_strdup (entry);
        }
      else
        append_word (&process->env, entry);
    }
  return TRUE;
}

static gboolean
has_capability (char **set, const char *name)
{
  for (; set != NULL && *set != NULL; set++)
    if (name_find (name_capabilities, *set) == name_find (name_capabilities, name))
      return TRUE;
  return FALSE;
}

/* An unknown name is left to the plan, which passes over it as over one of the configuration. */
static void
add_capabilities (OciProcess *process, const GPtrArray *caps)
{
  for (guint i = 0; i < field_count (caps); i++)
    {
      const char *name = g_ptr_array_index (caps, i);

      if (process->capabilities == NULL)
        process->capabilities = g_new0 (OciCapabilities, 1);
      append_word (&process->capabilities->bounding, name);
      append_word (&process->capabilities->permitted, name);
      append_word (&process->capabilities->effective, name);
      /* only what is inheritable can be ambient, and an option makes nothing inheritable
       * (CVE-2022-29162) */
      if (has_capability (process->capabilities->inheritable, name))
        append_word (&process->capabilities->ambient, name);
    }
}

/* The container's own process with what the options change. */
static gboolean
change_process (OciProcess *process, const ExecRequest *request, GError **error)
{
  g_strfreev (process->args);
  process->args = g_strdupv (request->args);
  process->terminal = (OptBool) { TRUE, request->terminal };
  if (request->cwd != NULL && !g_path_is_absolute (request->cwd))
    return throw (error, "--cwd: must be an absolute path: %s", request->cwd);
  if (request->cwd != NULL)
    {
      g_free (process->cwd);
      process->cwd = g_strdup (request->cwd);
    }
  if (request->no_new_privs)
    process->no_new_privileges = (OptBool) { TRUE, TRUE };
  add_capabilities (process, request->caps);
  return (request->user == NULL || set_user (process->user, request->user, error))
         && add_groups (process->user, request->groups, error)
         && add_environment (process, request->env, error);
}

static void
set_label (char **label, const char *given)
{
  if (given == NULL)
    return;
  g_free (*label);
  *label = g_strdup (given);
}

/* The process as the container or a file has it, with what the options change. */
static OciProcess *
choose_process (OciSpec *spec, const ExecRequest *request, GError **error)
{
  g_autoptr (OciProcess) process = NULL;

  if (request->process_file != NULL)
    {
      process = read_process (request->process_file, error);
      if (process == NULL)
        return NULL;
      /* some callers say it in one place, some in the other */
      if (request->terminal)
        process->terminal = (OptBool) { TRUE, TRUE };
      return g_steal_pointer (&process);
    }
  if (spec->process == NULL)
    return throw_null (error, "the container has no process to take after");
  process = g_steal_pointer (&spec->process);
  return change_process (process, request, error) ? g_steal_pointer (&process) : NULL;
}

OciProcess *
exec_process (OciSpec *spec, const ExecRequest *request, GError **error)
{
  OciProcess *process = choose_process (spec, request, error);

  /* also of a whole process: less than was asked for would go unseen */
  if (process != NULL)
    {
      set_label (&process->apparmor_profile, request->apparmor);
      set_label (&process->selinux_label, request->label);
    }
  return process;
}
