/* Prints all rows of the configuration's tables, one a line, with tabs between:
 * PATH SUPPORT TYPE "required"|"optional" VALUES REASON; "-" where there is nothing. */
#include "config.h"

#include "spec/spec.h"

#include <stdio.h>

static const char *const types[] = {
  [FIELD_KIND_NOTHING] = "any",
  [FIELD_KIND_BOOL] = "boolean",
  [FIELD_KIND_INT32] = "integer",
  [FIELD_KIND_UINT32] = "integer",
  [FIELD_KIND_INT64] = "integer",
  [FIELD_KIND_UINT64] = "integer",
  [FIELD_KIND_STRING] = "string",
  [FIELD_KIND_STRINGS] = "array of string",
  [FIELD_KIND_UINT32S] = "array of integer",
  [FIELD_KIND_NAME] = "string",
  [FIELD_KIND_NAMES] = "array of string",
  [FIELD_KIND_PAIRS] = "map of string",
  [FIELD_KIND_OBJECT] = "object",
  [FIELD_KIND_OBJECTS] = "array of object",
  [FIELD_KIND_MAP] = "map of object",
};

static void
print (const char *path, const Field *field, FieldSupport support, const char *reason,
       gpointer data)
{
  gboolean required = (field->flags & FIELD_REQUIRED) != 0;

  printf ("%s\t%s\t%s\t%s\t", path, field_support_name (support), types[field->kind],
          required ? "required" : "optional");
  for (const Name *name = field->names; name != NULL && name->name != NULL; name++)
    printf ("%s%s", name != field->names ? "," : "", name->name);
  printf ("%s\t%s\n", field->names == NULL ? "-" : "", reason != NULL ? reason : "-");
}

int
main (void)
{
  field_walk (&oci_spec_type, print, NULL);
  return 0;
}
