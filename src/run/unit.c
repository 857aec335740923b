/* Services of systemd; see unit.h. */
#include "config.h"

#include "run/unit.h"

#include "base/error.h"
#include "base/self.h"
#include "plan/unit.h"
#include "run/work.h"

#include <stdio.h>
#include <string.h>

/* Whether @word is written as a path: ids have no slash. */
static gboolean
is_path (const char *word)
{
  return strchr (word, '/') != NULL || strcmp (word, ".") == 0 || strcmp (word, "..") == 0;
}

/* Finds the bundle of container @id; *@ret_bundle is NULL if there is no such container. */
static gboolean
find_bundle (const Store *store, const char *id, char **ret_bundle, GError **error)
{
  g_autoptr (Container) container = NULL;

  if (!store_check_id (id, error) || !container_find (store, id, FALSE, &container, error))
    return FALSE;
  if (container != NULL && !container_check (container, error))
    return FALSE;
  *ret_bundle = container != NULL ? g_strdup (container->record->bundle) : NULL;
  return TRUE;
}

static gboolean
resolve (const Store *store, const char *what, char **ret_bundle, GError **error)
{
  g_autofree char *bundle = NULL;

  if (!is_path (what) && store_check_id (what, NULL) && !find_bundle (store, what, &bundle, error))
    return FALSE;
  if (bundle == NULL && (is_path (what) || g_file_test (what, G_FILE_TEST_IS_DIR)))
    bundle = g_canonicalize_filename (what, NULL);
  if (bundle == NULL)
    return throw (error, "%s is neither a container nor a bundle", what);
  *ret_bundle = g_steal_pointer (&bundle);
  return TRUE;
}

gboolean
print_unit (const Store *store, const UnitRequest *request, GError **error)
{
  g_autofree char *program = NULL, *unit = NULL;
  g_auto (CreateRequest) container = { .config = request->config };
  g_auto (Work) work = WORK_INIT;
  UnitOptions options = { .type = request->type, .globals = request->globals };

  if (!resolve (store, request->what, &container.bundle, error))
    return FALSE;
  container.id = request->name != NULL ? g_strdup (request->name)
                 : is_path (request->what) ? g_path_get_basename (container.bundle)
                                           : g_strdup (request->what);
  if (!store_check_id (container.id, error) || !work_read_spec (&work, &container, error))
    return FALSE;
  program = self_path (error);
  if (program == NULL)
    return FALSE;
  options.name = container.id;
  options.bundle = container.bundle;
  options.config = strcmp (request->config, "config.json") != 0 ? request->config : NULL;
  options.program = program;
  unit = unit_format (work.spec, &options, error);
  if (unit == NULL)
    return FALSE;
  (void) fputs (unit, stdout);
  return TRUE;
}
