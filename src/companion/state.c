/* The state of containers as documents (runtime-spec runtime.md, "State"; runc's further members
 * and its form). */
#include "config.h"

#include "companion/companion.h"
#include "companion/document.h"

#include "base/error.h"
#include "run/cgroup.h"
#include "run/list.h"

#include <stdio.h>

/* The members that both documents begin with. */
static void
add_common (JsonBuilder *builder, const ListEntry *entry)
{
  document_string (builder, "ociVersion", entry->record->oci_version);
  document_string (builder, "id", entry->id);
  document_int (builder, "pid", entry->pid);
  document_string (builder, "status", container_status_name (entry->status));
  document_string (builder, "bundle", entry->record->bundle);
  document_string (builder, "rootfs", entry->record->rootfs);
  document_string (builder, "created", entry->record->created);
}

static void
add_annotations (JsonBuilder *builder, const GPtrArray *annotations)
{
  if (field_count (annotations) == 0)
    return;
  json_builder_set_member_name (builder, "annotations");
  json_builder_begin_object (builder);
  for (guint i = 0; i < annotations->len; i++)
    {
      const OciPair *pair = g_ptr_array_index (annotations, i);

      document_string (builder, pair->key, pair->value);
    }
  json_builder_end_object (builder);
}

/* Whether the kernel has killed in the container for want of memory, as far as its cgroup is still
 * there to tell. */
static gboolean
was_oom_killed (const Container *container)
{
  g_autoptr (CgroupRecord) record = NULL;

  return container_cgroup_load (container, &record, NULL) && record != NULL
         && cgroups_oom_kills (record) > 0;
}

gboolean
companion_state (char **args, GError **error)
{
  g_autoptr (Store) store = store_open (args[0], FALSE, error);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (Container) container = NULL;
  g_autoptr (ListEntry) entry = NULL;
  g_autoptr (GString) text = NULL;

  container = store != NULL ? container_open (store, args[1], error) : NULL;
  if (container == NULL)
    return FALSE;
  entry = list_entry_take (container);
  if (!container_check (container, error))
    return FALSE;
  json_builder_begin_object (builder);
  add_common (builder, entry);
  add_annotations (builder, entry->record->annotations);
  document_string (builder, "owner", "");
  if (was_oom_killed (container))
    document_bool (builder, "oomKilled", TRUE);
  json_builder_end_object (builder);
  text = document_format (builder, 2, ' ');
  (void) fwrite (text->str, 1, text->len, stdout);
  return TRUE;
}

gboolean
companion_list (char **args, GError **error)
{
  g_autoptr (Store) store = store_open (args[0], FALSE, error);
  g_autoptr (GPtrArray) entries = store != NULL ? list_containers (store, error) : NULL;
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *owner = NULL;
  g_autoptr (GString) text = NULL;
  gboolean any = FALSE;

  if (entries == NULL)
    return FALSE;
  json_builder_begin_array (builder);
  for (guint i = 0; i < entries->len; i++)
    {
      const ListEntry *entry = g_ptr_array_index (entries, i);

      if (entry->record == NULL)
        continue;
      if (owner == NULL)
        owner = list_owner_name (entry->owner);
      json_builder_begin_object (builder);
      add_common (builder, entry);
      add_annotations (builder, entry->record->annotations);
      document_string (builder, "owner", owner);
      json_builder_end_object (builder);
      any = TRUE;
    }
  json_builder_end_array (builder);
  text = document_format_line (builder);
  (void) puts (any ? text->str : "null");
  return TRUE;
}
