/* The documents that are read; see document.h. */
#include "config.h"

#include "spec/document.h"

#include "base/error.h"

#include <string.h>

gpointer
oci_document_read (const FieldType *type, const OciDocument *document, GPtrArray *notes,
                   GError **error)
{
  g_autoptr (JsonText) text = json_text_parse (document->text, document->length, error);
  gpointer object = NULL;

  if (text != NULL)
    object = field_read (type, json_text_root (text), "", notes, error);
  if (object == NULL)
    oci_document_invalid (document, error);
  return object;
}

gboolean
oci_document_invalid (const OciDocument *document, GError **error)
{
  g_prefix_error (error, "%s: ", document->name);
  return FALSE;
}

static void
free_note (gpointer note)
{
  field_note_free (note);
}

GPtrArray *
oci_notes_new (void)
{
  return g_ptr_array_new_with_free_func (free_note);
}

void
oci_notes_return (GPtrArray *notes, GPtrArray **ret_notes)
{
  if (ret_notes != NULL)
    *ret_notes = notes;
  else
    g_ptr_array_unref (notes);
}

gboolean
oci_env_check (char *const *env, const char *at, GError **error)
{
  for (guint i = 0; env != NULL && env[i] != NULL; i++)
    if (strchr (env[i], '=') == NULL || env[i][0] == '=')
      return throw (error, "%s/env/%u: expected NAME=value, got \"%.100s\"", at, i, env[i]);
  return TRUE;
}
