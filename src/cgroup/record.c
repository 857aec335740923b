/* Which cgroups were made for a container; see record.h. */
#include "config.h"

#include "cgroup/record.h"

#include "base/error.h"
#include "base/proc.h"
#include "json/emit.h"

#include <string.h>

#define RECORD_VERSION 1

static const Field entry_fields[] = {
  FIELD_STRING (CgroupEntry, options, "hierarchy", "controllers of cgroup v1",
                .flags = FIELD_NOT_EMPTY),
  FIELD_STRING (CgroupEntry, path, "path", "its directory",
                .flags = FIELD_REQUIRED | FIELD_ABSOLUTE),
  FIELD_STRING (CgroupEntry, top, "top", "topmost directory that was made",
                .flags = FIELD_REQUIRED | FIELD_ABSOLUTE),
  FIELD_UINT64 (CgroupEntry, inode, "inode", "of the directory"),
  FIELD_END
};

static const FieldType entry_type = { "cgroup", sizeof (CgroupEntry), entry_fields };

static const Field scope_fields[] = {
  FIELD_STRING (SystemdScope, bus, "bus", "where its manager is reached",
                .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY),
  FIELD_STRING (SystemdScope, unit, "unit", "its name", .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY),
  FIELD_STRING (SystemdScope, invocation, "invocation", "id of the unit's run",
                .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY),
  FIELD_END
};

static const FieldType scope_type = { "scope", sizeof (SystemdScope), scope_fields };

static const Field record_fields[] = {
  FIELD_UINT32 (CgroupRecord, version, "version", "format of this record",
                .flags = FIELD_REQUIRED),
  FIELD_STRING (CgroupRecord, boot_id, "bootId", "the boot that it is of",
                .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY),
  FIELD_OBJECTS (CgroupRecord, entries, entry_type, "cgroups", "one for each hierarchy",
                 .flags = FIELD_REQUIRED),
  FIELD_OBJECTS (CgroupRecord, joined, entry_type, "joined", "those that were there before"),
  FIELD_BOOL (CgroupRecord, devices, "deviceRules", "rules on devices hold there"),
  FIELD_OBJECT (CgroupRecord, scope, SystemdScope, scope_type, "scope", "made by systemd"),
  FIELD_END
};

static const FieldType cgroups_type = { "cgroups", sizeof (CgroupRecord), record_fields };

CgroupRecord *
cgroup_record_new (GError **error)
{
  const char *boot_id = proc_boot_id (error);
  CgroupRecord *record;

  if (boot_id == NULL)
    return NULL;
  record = g_new0 (CgroupRecord, 1);
  record->version = (OptUint32) { TRUE, RECORD_VERSION };
  record->boot_id = g_strdup (boot_id);
  record->entries = g_ptr_array_new ();
  record->joined = g_ptr_array_new ();
  return record;
}

void
cgroup_record_free (CgroupRecord *record)
{
  field_free (&cgroups_type, record);
}

CgroupEntry *
cgroup_record_add (CgroupRecord *record, const char *options, const char *path, const char *top)
{
  CgroupEntry *entry = g_new0 (CgroupEntry, 1);

  entry->options = g_strdup (options);
  entry->path = g_strdup (path);
  entry->top = g_strdup (top);
  g_ptr_array_add (record->entries, entry);
  return entry;
}

void
cgroup_record_disown (CgroupRecord *record, guint index)
{
  g_ptr_array_add (record->joined, g_ptr_array_remove_index (record->entries, index));
}

gboolean
cgroup_record_is_below_scope (const CgroupRecord *record)
{
  const CgroupEntry *entry;

  if (record->scope == NULL || record->entries->len == 0)
    return FALSE;
  entry = g_ptr_array_index (record->entries, 0);
  return !g_str_has_suffix (entry->path, record->scope->unit);
}

/* Whether @entry names a directory and one at or above it, without detours. */
static gboolean
is_sane (const CgroupEntry *entry)
{
  g_autofree char *path = g_canonicalize_filename (entry->path, "/");
  gsize length = strlen (entry->top);

  return strcmp (path, entry->path) == 0 && length > 1 && strncmp (path, entry->top, length) == 0
         && (path[length] == '/' || path[length] == '\0');
}

/* Those of another boot are gone; @key is for messages. */
static gboolean
check_entries (GPtrArray *entries, gboolean of_this_boot, const char *key, GError **error)
{
  for (guint i = field_count (entries); i-- > 0;)
    {
      if (!is_sane (g_ptr_array_index (entries, i)))
        return throw (error, "/%s/%u: unexpected paths", key, i);
      if (!of_this_boot)
        field_free (&entry_type, g_ptr_array_remove_index (entries, i));
    }
  return TRUE;
}

CgroupRecord *
cgroup_record_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;
  g_autoptr (JsonText) json = json_text_parse (text, length, error);
  const char *boot_id = json != NULL ? proc_boot_id (error) : NULL;
  gboolean of_this_boot;

  if (boot_id == NULL)
    return NULL;
  record = field_read (&cgroups_type, json_text_root (json), "", NULL, error);
  if (record == NULL)
    return NULL;
  if (record->version.value != RECORD_VERSION)
    return throw_null (error, "/version: expected %d, got %u", RECORD_VERSION,
                       record->version.value);
  of_this_boot = strcmp (record->boot_id, boot_id) == 0;
  if (!check_entries (record->entries, of_this_boot, "cgroups", error)
      || !check_entries (record->joined, of_this_boot, "joined", error))
    return NULL;
  if (!of_this_boot)
    g_clear_pointer (&record->scope, systemd_scope_free);
  return g_steal_pointer (&record);
}

static void
emit_entries (JsonEmit *emit, const char *key, const GPtrArray *entries)
{
  json_emit_array (emit, key);
  for (guint i = 0; i < entries->len; i++)
    {
      const CgroupEntry *entry = g_ptr_array_index (entries, i);

      json_emit_object (emit, NULL);
      if (entry->options != NULL)
        json_emit_string (emit, "hierarchy", entry->options);
      json_emit_string (emit, "path", entry->path);
      json_emit_string (emit, "top", entry->top);
      if (entry->inode.set)
        json_emit_uint (emit, "inode", entry->inode.value);
      json_emit_object_end (emit);
    }
  json_emit_array_end (emit);
}

GString *
cgroup_record_format (const CgroupRecord *record)
{
  GString *line = g_string_new (NULL);
  JsonEmit emit;

  json_emit_init (&emit, line);
  json_emit_object (&emit, NULL);
  json_emit_uint (&emit, "version", record->version.value);
  json_emit_string (&emit, "bootId", record->boot_id);
  emit_entries (&emit, "cgroups", record->entries);
  if (field_count (record->joined) > 0)
    emit_entries (&emit, "joined", record->joined);
  json_emit_bool (&emit, "deviceRules", record->devices.value);
  if (record->scope != NULL)
    {
      json_emit_object (&emit, "scope");
      json_emit_string (&emit, "bus", record->scope->bus);
      json_emit_string (&emit, "unit", record->scope->unit);
      json_emit_string (&emit, "invocation", record->scope->invocation);
      json_emit_object_end (&emit);
    }
  json_emit_object_end (&emit);
  g_string_append_c (line, '\n');
  return line;
}
