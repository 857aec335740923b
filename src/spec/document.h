/* What is common to the documents that are read: the configuration, and the files of
 * "exec --process" and "update --resources". */
#pragma once

#include "json/field.h"

typedef struct {
  const char *text;
  gsize length;
  const char *name;  /* for messages: "config.json" */
} OciDocument;

/* Reads @document into a new struct of @type as field_read() does. Errors have the document's name
 * in front. Transfer: full, to be freed with field_free(). */
gpointer oci_document_read (const FieldType *type, const OciDocument *document, GPtrArray *notes,
                            GError **error);

/* Puts the name of @document in front of the message of a check; always returns FALSE. */
gboolean oci_document_invalid (const OciDocument *document, GError **error);

/* Returns a new array of FieldNote. Transfer: full. */
GPtrArray *oci_notes_new (void);

/* Hands @notes out to *@ret_notes, where that is wanted, or frees it. */
void oci_notes_return (GPtrArray *notes, GPtrArray **ret_notes);

/* Checks that each string of @env (NULL is fine) is "NAME=value" with a name. @at is the pointer of
 * the object that has the member "env". */
gboolean oci_env_check (char *const *env, const char *at, GError **error);
