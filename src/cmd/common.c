/* What the commands share; see cmd.h. */
#include "config.h"

#include "cmd/cmd.h"

#include "base/error.h"
#include "base/self.h"

#include <unistd.h>

char *
cmd_locate_store (const CmdContext *context, GError **error)
{
  return store_locate (context->options.root, context->environment.runtime_dir, error);
}

Store *
cmd_open_store (const CmdContext *context, gboolean create, GError **error)
{
  g_autofree char *path = cmd_locate_store (context, error);

  return path != NULL ? store_open (path, create, error) : NULL;
}

gboolean
cmd_check_preserved (const CmdContext *context, guint count, GError **error)
{
  guint last = count - 1;

  return count == 0
         || (last < context->given_fds && (last >= 64 || !(context->absent_fds >> last & 1)))
         || throw (error, "unable to stat preserved-fd %u: it is not open", count + 2);
}

int
cmd_exec_companion (const CmdContext *context, const char *command, const char *const *args,
                    GError **error)
{
  const GlobalOptions *options = &context->options;
  g_autofree char *path = self_find_program ("bwrap-oci-gio", error);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();

  if (path == NULL)
    return -1;
  g_ptr_array_add (argv, (gpointer) "bwrap-oci-gio");
  g_ptr_array_add (argv, (gpointer) (options->log != NULL ? options->log : ""));
  g_ptr_array_add (argv, (gpointer) (context->log_format == LOG_JSON ? "json" : "text"));
  g_ptr_array_add (argv, (gpointer) (options->debug ? "debug" : ""));
  g_ptr_array_add (argv, (gpointer) command);
  for (; *args != NULL; args++)
    g_ptr_array_add (argv, (gpointer) *args);
  g_ptr_array_add (argv, NULL);
  (void) execv (path, (char **) argv->pdata);
  return throw_fd_errno (error, "exec %s", path);
}
