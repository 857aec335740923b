/* bwrap-oci-gio; see companion.h. */
#include "config.h"

#include "companion/companion.h"

#include "base/error.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARG_LOG = 1, ARG_FORMAT, ARG_DEBUG, ARG_COMMAND, ARG_FIRST };

typedef struct {
  const char *name;
  int n_args;
  gboolean (*run) (char **args, GError **error);
} CompanionCommand;

static const CompanionCommand commands[] = {
  { "state", 2, companion_state },
  { "list", 1, companion_list },
  { "spec", 3, companion_spec },
  { "features", 1, companion_features },
  { "check", 6, companion_check },
};

static gboolean
run (int argc, char **argv, GError **error)
{
  const char *log;
  LogFormat format;

  if (argc < ARG_FIRST)
    return throw (error, "bwrap-oci starts this program, it is of no use by itself");
  log = *argv[ARG_LOG] != '\0' ? argv[ARG_LOG] : NULL;
  format = strcmp (argv[ARG_FORMAT], "json") == 0 ? LOG_JSON : LOG_TEXT;
  if (!log_open (log, format, *argv[ARG_DEBUG] != '\0', error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].name, argv[ARG_COMMAND]) == 0
        && commands[i].n_args == argc - ARG_FIRST)
      return commands[i].run (argv + ARG_FIRST, error);
  return throw (error, "%s is not of the same version as bwrap-oci", argv[0]);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = run (argc, argv, &error);

  if (fflush (stdout) != 0 && error == NULL)
    ok = throw_errno (&error, "write to standard output");
  /* a document may say by itself that something is wrong */
  if (error != NULL)
    log_failure (error->message);
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
