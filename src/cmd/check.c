/* bwrap-oci check [BUNDLE] */
#include "config.h"

#include "base/error.h"
#include "cmd/create_options.h"
#include "cmd/table.h"
#include "run/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
  const char *config;
  const char *mode;
  gboolean json;
} Options;

static const Option options[] = {
  OPTION_STRING (Options, config, 'f', "config", "FILE",
                 "its configuration (default: config.json)"),
  OPTION_STRING (Options, mode, 0, "mode", "MODE", "\"normal\" or \"plain\""),
  OPTION_FLAG (Options, json, 0, "json", "print it as JSON"),
  OPTION_END
};

/* What is good is green, what is less than asked for yellow, what fails red. */
static const Name colours[] = {
  { "done", 32 },    { "note", 33 },    { "ignored", 33 }, { "refused", 31 },
  { "warning", 33 }, { "problem", 31 }, { NULL, 0 },
};

/* Adds a row of three cells; takes @what. */
static void
add_row (GPtrArray *cells, const char *word, const char *where, char *what)
{
  g_ptr_array_add (cells, g_strdup (word));
  g_ptr_array_add (cells, g_strdup (where));
  g_ptr_array_add (cells, what);
}

static GPtrArray *
make_rows (const Check *check)
{
  GPtrArray *cells = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < check->host->len; i++)
    {
      const HostProblem *problem = g_ptr_array_index (check->host, i);
      const char *remedy = problem->remedy;

      add_row (cells, problem->fatal ? "problem" : "warning", "host",
               remedy != NULL ? g_strdup_printf ("%s (%s)", problem->what, remedy)
                              : g_strdup (problem->what));
    }
  for (guint i = 0; i < check->properties->len; i++)
    {
      const CheckProperty *property = g_ptr_array_index (check->properties, i);

      add_row (cells, check_support_name (property->support),
               *property->pointer != '\0' ? property->pointer : "config.json",
               g_strdup (property->what));
    }
  return cells;
}

/* For who reads it by program: a line "WORD WHERE: WHAT" each. */
static void
print_lines (const GPtrArray *cells)
{
  for (guint i = 0; i + 2 < cells->len; i += 3)
    {
      g_autofree char *where = error_escape (g_ptr_array_index (cells, i + 1));
      g_autofree char *what = error_escape (g_ptr_array_index (cells, i + 2));

      (void) printf ("%s %s: %s\n", (const char *) g_ptr_array_index (cells, i), where, what);
    }
}

static void
print_check (const CmdContext *context, const Check *check)
{
  const TableStyle style = { .coloured = table_is_coloured (context), .words = colours };
  g_autoptr (GPtrArray) cells = make_rows (check);

  if (table_is_terminal ())
    table_print (cells, 3, &style);
  else
    print_lines (cells);
  (void) printf ("%s\n", check->works ? "run works" : "run does not work");
}

/* Becomes the companion for the same as JSON. */
static int
exec_json (const CmdContext *context, const CheckRequest *request, GError **error)
{
  const char *const words[] = {
    request->root != NULL ? request->root : "",
    request->runtime_dir != NULL ? request->runtime_dir : "",
    request->bwrap != NULL ? request->bwrap : "",
    request->bundle != NULL ? request->bundle : "",
    request->config,
    name_of (record_cgroup_managers, request->cgroup_manager),
    request->plain ? "plain" : "normal",
    NULL,
  };

  return cmd_exec_companion (context, "check", words, error);
}

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  g_autofree char *bundle = g_canonicalize_filename (args[0] != NULL ? args[0] : ".", NULL);
  CheckRequest request = {
    .root = context->options.root,
    .runtime_dir = context->environment.runtime_dir,
    .bwrap = context->options.bwrap,
    .bundle = bundle,
    .config = given->config != NULL ? given->config : "config.json",
    .cgroup_manager = context->cgroup_manager,
  };
  g_auto (Check) check = { 0 };

  if (!create_mode_read (given->mode, &request.plain, error))
    return -1;
  /* where there is no bundle and none was named, the host alone is meant */
  if (args[0] == NULL && given->config == NULL
      && faccessat (AT_FDCWD, request.config, F_OK, 0) < 0)
    request.bundle = NULL;
  if (given->json)
    return exec_json (context, &request, error);
  if (!check_read (&request, &check, error))
    return -1;
  print_check (context, &check);
  return check.works ? 0 : 1;
}

const Command cmd_check = {
  .name = "check",
  .arguments = "[BUNDLE]",
  .summary = "say what would be done with a bundle, and what is in the way",
  .options = options,
  .options_size = sizeof (Options),
  .max_args = 1,
  .run = run,
};
