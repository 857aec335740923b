/* The engine behind the tables: one reader and one freer per kind of row, and a walk over all
 * rows. Reading keeps the JSON pointer of the place it is at, so that any of the readers can
 * name it. */
#include "config.h"

#include "json/field.h"

#include "json/reader.h"

#include <string.h>

/* A file full of unknown properties must not make more of them than the file itself is. */
#define UNKNOWN_NOTES_MAX 1000

typedef struct {
  const char *expected;  /* for the message about another kind of value */
  JsonKind json;         /* the kind of value it reads; JSON_KIND_NUMBER stands for all numbers */
  gboolean null_absent;
  FieldRead *read;
  FieldClear *clear;
} Kind;

static const Kind kinds[FIELD_KIND_MAP + 1];

static gboolean read_members (FieldReader *r, const FieldType *type, const JsonValue *value,
                              gpointer object);

static gpointer
new_struct (const FieldType *type)
{
  char *object = g_malloc0 (type->size);

  for (const Field *field = type->fields; field->name != NULL; field++)
    if (field->kind == FIELD_KIND_NAME)
      *(int *) (gpointer) (object + field->offset) = -1;
    else if ((field->flags & FIELD_ALWAYS) != 0)
      *(gpointer *) (gpointer) (object + field->offset) = new_struct (field->type);
  return object;
}

static gboolean
read_object (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  gpointer *object = member;

  if (*object == NULL)
    *object = new_struct (field->type);
  return read_members (r, field->type, value, *object);
}

static void
clear_object (const Field *field, gpointer member)
{
  field_free (field->type, g_steal_pointer ((gpointer *) member));
}

/* Not finished elements are in the array too, which the struct owns: it is freed in any case. */
static gboolean
read_objects (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  GPtrArray *objects = g_ptr_array_sized_new (value->length);

  *(GPtrArray **) member = objects;
  for (guint32 i = 0; i < value->length; i++)
    {
      gpointer object = new_struct (field->type);
      gsize before = field_enter_index (r, i);

      g_ptr_array_add (objects, object);
      if (!field_expect (r, &value->items[i], JSON_KIND_OBJECT, "an object")
          || !read_members (r, field->type, &value->items[i], object))
        return FALSE;
      field_leave (r, before);
    }
  return TRUE;
}

static gboolean
read_map (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  GPtrArray *objects = g_ptr_array_sized_new (value->length);

  *(GPtrArray **) member = objects;
  for (guint32 i = 0; i < value->length; i++)
    {
      const JsonMember *item = &value->members[i];
      char *object;
      gsize before;

      if (!field_check_key (r, item->key))
        return FALSE;
      before = field_enter (r, item->key);
      object = new_struct (field->type);
      g_ptr_array_add (objects, object);
      *(char **) (gpointer) (object + field->key_offset) = g_strdup (item->key);
      if (!field_expect (r, &item->value, JSON_KIND_OBJECT, "an object")
          || !read_members (r, field->type, &item->value, object))
        return FALSE;
      field_leave (r, before);
    }
  return TRUE;
}

static void
clear_objects (const Field *field, gpointer member)
{
  GPtrArray *objects = g_steal_pointer ((GPtrArray **) member);

  for (guint i = 0; i < field_count (objects); i++)
    {
      char *object = g_ptr_array_index (objects, i);

      if (field->kind == FIELD_KIND_MAP)
        field_clear_string (field, object + field->key_offset);
      field_free (field->type, object);
    }
  if (objects != NULL)
    g_ptr_array_unref (objects);
}

#define NUMBER "a number", JSON_KIND_NUMBER, FALSE
#define STRING "a string", JSON_KIND_STRING, FALSE
#define ARRAY "an array", JSON_KIND_ARRAY, TRUE
#define OBJECT "an object", JSON_KIND_OBJECT, TRUE

static const Kind kinds[FIELD_KIND_MAP + 1] = {
  [FIELD_KIND_BOOL] = { "a boolean", JSON_KIND_BOOLEAN, FALSE, field_read_bool, NULL },
  [FIELD_KIND_INT32] = { NUMBER, field_read_int32, NULL },
  [FIELD_KIND_UINT32] = { NUMBER, field_read_uint32, NULL },
  [FIELD_KIND_INT64] = { NUMBER, field_read_int64, NULL },
  [FIELD_KIND_UINT64] = { NUMBER, field_read_uint64, NULL },
  [FIELD_KIND_STRING] = { STRING, field_read_string, field_clear_string },
  [FIELD_KIND_STRINGS] = { ARRAY, field_read_strings, field_clear_strings },
  [FIELD_KIND_UINT32S] = { ARRAY, field_read_uint32s, field_clear_numbers },
  [FIELD_KIND_NAME] = { STRING, field_read_name, NULL },
  [FIELD_KIND_NAMES] = { ARRAY, field_read_names, field_clear_numbers },
  [FIELD_KIND_PAIRS] = { OBJECT, field_read_pairs, field_clear_pairs },
  [FIELD_KIND_OBJECT] = { OBJECT, read_object, clear_object },
  [FIELD_KIND_OBJECTS] = { ARRAY, read_objects, clear_objects },
  [FIELD_KIND_MAP] = { OBJECT, read_map, clear_objects },
};

/* --- notes --- */

/* Whether @value asks for something: old programs write what they do not want as null, "" or
 * false, and a limit they do not want as 0 or -1. */
static gboolean
asks (const Field *field, const JsonValue *value)
{
  gboolean unlimited = (field->flags & FIELD_UNLIMITED) != 0;

  switch (value->kind)
    {
    case JSON_KIND_NULL:
      return FALSE;
    case JSON_KIND_BOOLEAN:
      return value->boolean;
    case JSON_KIND_UNSIGNED:
      return !unlimited || value->natural != 0;
    case JSON_KIND_NEGATIVE:
      return !unlimited || value->negative != -1;
    case JSON_KIND_NUMBER:
    case JSON_KIND_STRING:
    case JSON_KIND_ARRAY:
      return value->length > 0;
    case JSON_KIND_OBJECT:
      /* who names an element of a map wants it, whatever else it says */
      if (field->kind == FIELD_KIND_MAP && value->length > 0)
        return TRUE;
      for (guint32 i = 0; i < value->length; i++)
        if (asks (field, &value->members[i].value))
          return TRUE;
      return FALSE;
    default:
      g_return_val_if_reached (TRUE);
    }
}

static void
add_note (FieldReader *r, FieldSupport support, const char *reason, gboolean unknown)
{
  FieldNote *note = g_new (FieldNote, 1);

  *note = (FieldNote) { g_strdup (r->at->str), support, reason, unknown };
  g_ptr_array_add (r->notes, note);
}

static void
note_unknown (FieldReader *r, const JsonValue *value)
{
  static const Field none = { .name = NULL };

  if (r->notes != NULL && r->notes->len < UNKNOWN_NOTES_MAX && asks (&none, value))
    add_note (r, FIELD_IGNORED, "unknown property", TRUE);
}

void
field_note_free (FieldNote *note)
{
  g_free (note->pointer);
  g_free (note);
}

/* --- the members of an object --- */

static gboolean
read_member (FieldReader *r, const Field *field, const JsonValue *value, gpointer object)
{
  const Kind *kind = &kinds[field->kind];
  gboolean required = (field->flags & FIELD_REQUIRED) != 0;
  gboolean old = (field->flags & FIELD_OLD_ARRAY) != 0 && value->kind == JSON_KIND_ARRAY;
  GPtrArray *notes = r->notes;
  gboolean ok;

  if (value->kind == JSON_KIND_NULL && kind->null_absent && !required)
    return TRUE;
  if (notes != NULL && old && asks (field, value))
    add_note (r, FIELD_IGNORED, "an array was the form before runtime-spec 1.0", FALSE);
  else if (notes != NULL && field->support != FIELD_DONE && asks (field, value))
    {
      add_note (r, field->support, field->reason, FALSE);
      r->notes = NULL;
    }
  ok = kind->read == NULL || old
       || (field_expect (r, value, kind->json, kind->expected)
           && kind->read (r, field, value, (char *) object + field->offset));
  r->notes = notes;
  return ok;
}

const Field *
field_find (const FieldType *type, const char *name)
{
  for (const Field *field = type->fields; field->name != NULL; field++)
    if (strcmp (field->name, name) == 0)
      return field;
  return NULL;
}

static gboolean
read_members (FieldReader *r, const FieldType *type, const JsonValue *value, gpointer object)
{
  guint64 seen = 0;
  gsize before;

  for (guint32 i = 0; i < value->length; i++)
    {
      const JsonMember *item = &value->members[i];
      const Field *field = field_find (type, item->key);

      before = field_enter (r, item->key);
      if (field == NULL)
        note_unknown (r, &item->value);
      else if (!read_member (r, field, &item->value, object))
        return FALSE;
      else
        seen |= G_GUINT64_CONSTANT (1) << (field - type->fields);
      field_leave (r, before);
    }

  for (const Field *field = type->fields; field->name != NULL; field++)
    if ((field->flags & FIELD_REQUIRED) != 0 && (seen >> (field - type->fields) & 1) == 0)
      {
        field_enter (r, field->name);
        return field_fail (r, "is missing");
      }
  return TRUE;
}

gpointer
field_read (const FieldType *type, const JsonValue *value, const char *at, GPtrArray *notes,
            GError **error)
{
  g_autoptr (GString) pointer = g_string_new (at);
  FieldReader r = { .at = pointer, .index = -1, .notes = notes, .error = error };
  gpointer object;

  if (!field_expect (&r, value, JSON_KIND_OBJECT, "an object"))
    return NULL;
  object = new_struct (type);
  if (!read_members (&r, type, value, object))
    field_free (type, g_steal_pointer (&object));
  return object;
}

void
field_free (const FieldType *type, gpointer object)
{
  if (object == NULL)
    return;
  for (const Field *field = type->fields; field->name != NULL; field++)
    if (kinds[field->kind].clear != NULL)
      kinds[field->kind].clear (field, (char *) object + field->offset);
  g_free (object);
}

/* --- the rows as data --- */

typedef struct {
  GString *path;
  FieldVisit visit;
  gpointer data;
} Walk;

static void
walk_type (Walk *walk, const FieldType *type, FieldSupport support, const char *reason)
{
  static const char *const elements[] = { [FIELD_KIND_OBJECTS] = "[]", [FIELD_KIND_MAP] = "{}" };
  gsize before = walk->path->len;

  for (const Field *field = type->fields; field->name != NULL; field++)
    {
      gboolean stricter = field->support > support;
      FieldSupport field_support = stricter ? field->support : support;
      const char *field_reason = stricter ? field->reason : reason;

      if (before > 0)
        g_string_append_c (walk->path, '.');
      g_string_append (walk->path, field->name);
      walk->visit (walk->path->str, field, field_support, field_reason, walk->data);
      if (field->type != NULL)
        {
          if (elements[field->kind] != NULL)
            g_string_append (walk->path, elements[field->kind]);
          walk_type (walk, field->type, field_support, field_reason);
        }
      g_string_truncate (walk->path, before);
    }
}

void
field_walk (const FieldType *type, FieldVisit visit, gpointer data)
{
  g_autoptr (GString) path = g_string_new (NULL);
  Walk walk = { path, visit, data };

  walk_type (&walk, type, FIELD_DONE, NULL);
}

const char *
field_support_name (FieldSupport support)
{
  static const char *const names[] = {
    [FIELD_DONE] = "done",
    [FIELD_IGNORED] = "ignored",
    [FIELD_REFUSED] = "refused",
  };

  return names[support];
}
