/* bwrap-oci list */
#include "config.h"

#include "base/error.h"
#include "cmd/cmd.h"
#include "cmd/table.h"
#include "run/list.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  const char *format;
  gboolean quiet;
} Options;

static const Option options[] = {
  OPTION_STRING (Options, format, 'f', "format", "FORMAT", "\"table\" or \"json\""),
  OPTION_FLAG (Options, quiet, 'q', "quiet", "only the ids, one a line"),
  OPTION_END
};

static const Name colours[] = {
  { "creating", 36 }, { "created", 36 }, { "running", 32 }, { "paused", 33 },
  { "stopped", 90 },  { "broken", 31 },  { NULL, 0 },
};

static gboolean
print_ids (const Store *store, GError **error)
{
  g_autoptr (GPtrArray) ids = store_list (store, error);

  for (guint i = 0; ids != NULL && i < ids->len; i++)
    (void) puts (g_ptr_array_index (ids, i));
  return ids != NULL;
}

static void
add_row (GPtrArray *cells, const ListEntry *entry, const char *owner)
{
  const ContainerRecord *record = entry->record;

  g_ptr_array_add (cells, g_strdup (entry->id));
  g_ptr_array_add (cells, g_strdup_printf ("%d", (int) entry->pid));
  g_ptr_array_add (cells, g_strdup (container_status_name (entry->status)));
  g_ptr_array_add (cells, g_strdup (record != NULL ? record->bundle : ""));
  g_ptr_array_add (cells, g_strdup (record != NULL ? record->created : ""));
  g_ptr_array_add (cells, g_strdup (owner));
}

static void
print_table (const CmdContext *context, const GPtrArray *entries)
{
  static const char *const header[] = { "NAME", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };
  const TableStyle style = { .header = TRUE, .coloured = table_is_coloured (context),
                             .words = colours };
  g_autoptr (GPtrArray) cells = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *owner = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (header); i++)
    g_ptr_array_add (cells, g_strdup (header[i]));
  for (guint i = 0; i < entries->len; i++)
    {
      /* all belong to the owner of the root, who is the caller */
      const ListEntry *entry = g_ptr_array_index (entries, i);

      if (owner == NULL)
        owner = list_owner_name (entry->owner);
      add_row (cells, entry, owner);
    }
  table_print (cells, G_N_ELEMENTS (header), &style);
}

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  const char *format = given->format != NULL ? given->format : "table";
  g_autofree char *root = cmd_locate_store (context, error);
  const char *const words[] = { root, NULL };
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (Store) store = NULL;

  if (root == NULL)
    return -1;
  if (strcmp (format, "table") != 0 && strcmp (format, "json") != 0)
    return throw_fd (error, "invalid format \"%s\": expected table or json", format);
  if (strcmp (format, "json") == 0 && !given->quiet)
    return cmd_exec_companion (context, "list", words, error);
  store = store_open (root, FALSE, error);
  if (store == NULL)
    return -1;
  if (given->quiet)
    return print_ids (store, error) ? 0 : -1;
  entries = list_containers (store, error);
  if (entries == NULL)
    return -1;
  print_table (context, entries);
  return 0;
}

const Command cmd_list = {
  .name = "list",
  .arguments = "",
  .summary = "list the containers",
  .options = options,
  .options_size = sizeof (Options),
  .run = run,
};
