/* The findings of a check in the order of the configuration.
 *
 * The plan speaks of what it does, not of every property; what nothing was said about is told by
 * the rows of the configuration (json/field.h), so that each property has its line. */
#include "config.h"

#include "run/check.h"

#include "json/parse.h"
#include "spec/spec.h"


typedef struct {
  const GPtrArray *findings;
  gboolean *used;   /* by their index */
  GPtrArray *out;
  GString *at;      /* where the walk is */
} Sorting;

static void
emit (Sorting *sorting, guint index)
{
  const CheckProperty *finding = g_ptr_array_index (sorting->findings, index);

  sorting->used[index] = TRUE;
  check_add (sorting->out, finding->support, finding->pointer, finding->what);
}

/* Adds the findings here; with @below also those below. Returns how many there are. */
static guint
emit_findings (Sorting *sorting, gboolean below)
{
  guint count = 0;

  for (guint i = 0; i < sorting->findings->len; i++)
    {
      const CheckProperty *finding = g_ptr_array_index (sorting->findings, i);
      const char *rest = finding->pointer + sorting->at->len;

      if (!g_str_has_prefix (finding->pointer, sorting->at->str)
          || (*rest != '\0' && (!below || *rest != '/')))
        continue;
      count++;
      if (!sorting->used[i])
        emit (sorting, i);
    }
  return count;
}

/* Whether @value asks for anything. */
static gboolean
asks (const JsonValue *value)
{
  switch (value->kind)
    {
    case JSON_KIND_NULL:
      return FALSE;
    case JSON_KIND_BOOLEAN:
      return value->boolean;
    case JSON_KIND_STRING:
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
      return value->length > 0;
    case JSON_KIND_UNSIGNED:
    case JSON_KIND_NEGATIVE:
    case JSON_KIND_NUMBER:
      break;
    }
  return TRUE;
}

/* Says in the words of its row that a property is done. */
static void
emit_row (Sorting *sorting, const Field *field, const JsonValue *value)
{
  const JsonValue *type = json_value_member (value, "type");
  g_autofree char *what = NULL;

  if (type != NULL && type->kind == JSON_KIND_STRING)
    what = g_strdup_printf ("%s: %s", field->doc, type->string);
  check_add (sorting->out, CHECK_DONE, sorting->at->str, what != NULL ? what : field->doc);
}

static void walk_object (Sorting *sorting, const FieldType *type, const JsonValue *object,
                         gboolean told);

/* The elements of the array of objects whose row is @field. */
static void
walk_array (Sorting *sorting, const Field *field, const JsonValue *array, gboolean told)
{
  (void) emit_findings (sorting, FALSE);
  for (guint i = 0; i < array->length; i++)
    {
      gsize before = sorting->at->len;

      g_string_append_printf (sorting->at, "/%u", i);
      if (emit_findings (sorting, TRUE) == 0 && !told)
        emit_row (sorting, field, &array->items[i]);
      g_string_truncate (sorting->at, before);
    }
}

/* A property whose row is @field; @told: what it belongs to was spoken of as a whole. */
static void
walk_member (Sorting *sorting, const Field *field, const JsonValue *value, gboolean told)
{
  if (field->kind == FIELD_KIND_OBJECT && value->kind == JSON_KIND_OBJECT)
    {
      /* of hooks only those that the container waits for */
      gboolean whole = emit_findings (sorting, FALSE) > 0 && field->type != &oci_hooks_type;

      walk_object (sorting, field->type, value, told || whole);
      (void) emit_findings (sorting, TRUE);
    }
  else if (field->kind == FIELD_KIND_OBJECTS && value->kind == JSON_KIND_ARRAY)
    walk_array (sorting, field, value, told);
  else if (emit_findings (sorting, TRUE) == 0 && !told)
    emit_row (sorting, field, value);
}

/* @key as a part of a JSON pointer (RFC 6901). */
static void
append_key (GString *at, const char *key)
{
  g_string_append_c (at, '/');
  for (; *key != '\0'; key++)
    if (*key == '~' || *key == '/')
      g_string_append (at, *key == '~' ? "~0" : "~1");
    else
      g_string_append_c (at, *key);
}

static void
walk_object (Sorting *sorting, const FieldType *type, const JsonValue *object, gboolean told)
{
  for (guint i = 0; i < object->length; i++)
    {
      const JsonMember *member = &object->members[i];
      const Field *field = field_find (type, member->key);
      gsize before = sorting->at->len;

      append_key (sorting->at, member->key);
      if (field != NULL && asks (&member->value))
        walk_member (sorting, field, &member->value, told);
      else
        (void) emit_findings (sorting, TRUE);
      g_string_truncate (sorting->at, before);
    }
}

GPtrArray *
check_sort (const char *text, gsize length, const GPtrArray *findings)
{
  g_autoptr (JsonText) json = text != NULL ? json_text_parse (text, length, NULL) : NULL;
  g_autofree gboolean *used = g_new0 (gboolean, findings->len + 1);
  g_autoptr (GString) at = g_string_new (NULL);
  Sorting sorting = { .findings = findings, .used = used, .at = at,
                      .out = check_properties_new () };

  /* a file that is no configuration has nothing that would be done */
  for (guint i = 0; i < findings->len; i++)
    if (*((const CheckProperty *) g_ptr_array_index (findings, i))->pointer == '\0')
      emit (&sorting, i);
  if (json != NULL)
    walk_object (&sorting, &oci_spec_type, json_text_root (json), FALSE);
  for (guint i = 0; i < findings->len; i++)
    if (!used[i])
      emit (&sorting, i);
  return sorting.out;
}
