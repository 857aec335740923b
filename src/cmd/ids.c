/* Commands for one container or for many; see ids.h. */
#include "config.h"

#include "cmd/ids.h"

#include "base/error.h"
#include "base/log.h"

#include <regex.h>

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (regex_t, regfree)

/* Keeps the first failure, which will be the error, and says the others. */
static void
add_failure (GError **first, const char *id, GError *failure)
{
  g_prefix_error (&failure, "container %s: ", id);
  if (*first == NULL)
    *first = failure;
  else
    {
      log_warning ("%s", failure->message);
      g_error_free (failure);
    }
}

static gboolean
act_on_matching (const Store *store, const regex_t *expression, const IdAction *action,
                 GError **error)
{
  g_autoptr (GPtrArray) ids = store_list (store, error);
  GError *first = NULL;

  if (ids == NULL)
    return FALSE;
  for (guint i = 0; i < ids->len; i++)
    {
      const char *id = g_ptr_array_index (ids, i);
      GError *failure = NULL;

      if (regexec (expression, id, 0, NULL, 0) == 0
          && !action->function (store, id, action->data, &failure))
        add_failure (&first, id, failure);
    }
  if (first == NULL)
    return TRUE;
  g_propagate_error (error, first);
  return FALSE;
}

gboolean
ids_act (const Store *store, const char *word, gboolean regex, const IdAction *action,
         GError **error)
{
  g_auto (regex_t) expression = { 0 };
  char problem[128];
  int code;

  if (!regex)
    return store_check_id (word, error) && action->function (store, word, action->data, error);
  code = regcomp (&expression, word, REG_EXTENDED | REG_NOSUB);
  if (code == 0)
    return act_on_matching (store, &expression, action, error);
  (void) regerror (code, &expression, problem, sizeof problem);
  return throw (error, "--regex \"%s\": %s", word, problem);
}
