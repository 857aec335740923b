/* bwrap-oci unit */
#include "config.h"

#include "base/error.h"
#include "cmd/cmd.h"
#include "plan/unit.h"
#include "run/unit.h"

typedef struct {
  const char *name;
  const char *type;
  const char *config;
} Options;

static const Option options[] = {
  OPTION_STRING (Options, name, 0, "name", "NAME",
                 "of the container (default: ID or folder)"),
  OPTION_STRING (Options, type, 0, "type", "TYPE",
                 "\"simple\", \"notify\" or \"forking\""),
  OPTION_STRING (Options, config, 'f', "config", "FILE",
                 "its configuration (default: config.json)"),
  OPTION_END
};

/* The options before the command that the unit's commands need as well, with absolute paths. */
static GPtrArray *
global_words (const CmdContext *context, GError **error)
{
  const GlobalOptions *given = &context->options;
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);

  if (given->root != NULL)
    {
      char *root = cmd_locate_store (context, error);

      if (root == NULL)
        return NULL;
      g_ptr_array_add (words, g_strdup ("--root"));
      g_ptr_array_add (words, root);
    }
  if (given->bwrap != NULL)
    {
      g_ptr_array_add (words, g_strdup ("--bwrap"));
      g_ptr_array_add (words, g_canonicalize_filename (given->bwrap, NULL));
    }
  if (given->systemd_cgroup)
    g_ptr_array_add (words, g_strdup ("--systemd-cgroup"));
  if (given->cgroup_manager != NULL)
    {
      g_ptr_array_add (words, g_strdup ("--cgroup-manager"));
      g_ptr_array_add (words, g_strdup (given->cgroup_manager));
    }
  g_ptr_array_add (words, NULL);
  return g_steal_pointer (&words);
}

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  const Name *type = given->type != NULL ? name_find (unit_types, given->type) : NULL;
  g_autoptr (GPtrArray) words = NULL;
  g_autoptr (Store) store = NULL;
  UnitRequest request = { .what = args[0], .name = given->name,
                          .config = given->config != NULL ? given->config : "config.json",
                          .type = type != NULL ? (int) type->value : -1 };

  if (given->type != NULL && type == NULL)
    return throw_fd (error, "unit: unknown type \"%s\"", given->type);
  words = global_words (context, error);
  store = words != NULL ? cmd_open_store (context, FALSE, error) : NULL;
  if (store == NULL)
    return -1;
  request.globals = (const char *const *) words->pdata;
  return print_unit (store, &request, error) ? 0 : -1;
}

const Command cmd_unit = {
  .name = "unit",
  .arguments = "ID|BUNDLE",
  .summary = "print a unit for systemd that runs a bundle as a service",
  .options = options,
  .options_size = sizeof (Options),
  .min_args = 1,
  .max_args = 1,
  .run = run,
};
