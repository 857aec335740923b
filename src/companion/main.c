/* bwrap-oci-gio; see companion.h. */
#include "config.h"

#include "companion/companion.h"

#include "base/error.h"
#include "base/log.h"
#include "base/self.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARG_LOG = 1, ARG_FORMAT, ARG_DEBUG, ARG_COMMAND, ARG_FIRST };

typedef struct {
  const char *name;
  int n_args;     /* at least, where it answers */
  gboolean (*run) (char **args, GError **error);
  gboolean answers;  /* bwrap-oci waits for what it says on standard output, also of a failure */
} CompanionCommand;

static const CompanionCommand commands[] = {
  { "state", 2, companion_state, FALSE },
  { "list", 1, companion_list, FALSE },
  { "spec", 3, companion_spec, FALSE },
  { "features", 1, companion_features, FALSE },
  { "check", 7, companion_check, FALSE },
  { "scope-start", 3, companion_scope_start, TRUE },
  { "scope-set", 2, companion_scope_set, TRUE },
  { "scope-attach", 4, companion_scope_attach, TRUE },
  { "scope-stop", 3, companion_scope_stop, TRUE },
  { "user", 1, companion_user, TRUE },
  { "sub-ids", 1, companion_sub_ids, TRUE },
};

static const CompanionCommand *
find_command (const char *name, int n_args)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].name, name) == 0
        && (commands[i].answers ? n_args >= commands[i].n_args : n_args == commands[i].n_args))
      return &commands[i];
  return NULL;
}

static gboolean
run (int argc, char **argv, gboolean *ret_answers, GError **error)
{
  const CompanionCommand *command;
  const char *log;
  LogFormat format;

  if (argc < ARG_FIRST)
    return throw (error, "bwrap-oci starts this program, it is of no use by itself");
  log = *argv[ARG_LOG] != '\0' ? argv[ARG_LOG] : NULL;
  format = strcmp (argv[ARG_FORMAT], "json") == 0 ? LOG_JSON : LOG_TEXT;
  if (!log_open (log, format, *argv[ARG_DEBUG] != '\0', error))
    return FALSE;
  command = find_command (argv[ARG_COMMAND], argc - ARG_FIRST);
  if (command == NULL)
    return throw (error, "%s is not of the same version as bwrap-oci", argv[0]);
  *ret_answers = command->answers;
  return command->run (argv + ARG_FIRST, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean answers = FALSE;
  gboolean ok = self_unprivileged (&error) && run (argc, argv, &answers, &error);

  if (error != NULL && answers)
    (void) puts (error->message);
  if (fflush (stdout) != 0 && error == NULL)
    ok = throw_errno (&error, "write to standard output");
  /* a document may say by itself that something is wrong */
  if (error != NULL && !answers)
    log_failure (error->message);
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
