/* The readers of numbers, strings, names and lists of them; see reader.h. */
#include "config.h"

#include "json/reader.h"

#include "base/error.h"

#include <string.h>

/* How much of a value from the file a message quotes. */
#define QUOTE_MAX 100

gboolean
field_fail (FieldReader *r, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  if (r->index >= 0)
    g_string_append_printf (r->at, "/%" G_GINT64_FORMAT, r->index);
  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  return throw (r->error, "%.300s: %s", r->at->len > 0 ? r->at->str : "/", message);
}

gsize
field_enter (FieldReader *r, const char *key)
{
  gsize before = r->at->len;

  g_string_append_c (r->at, '/');
  for (; *key != '\0'; key++)
    if (*key == '~')
      g_string_append (r->at, "~0");  /* RFC 6901 section 3 */
    else if (*key == '/')
      g_string_append (r->at, "~1");
    else
      g_string_append_c (r->at, *key);
  return before;
}

gsize
field_enter_index (FieldReader *r, guint index)
{
  gsize before = r->at->len;

  g_string_append_printf (r->at, "/%u", index);
  return before;
}

void
field_leave (FieldReader *r, gsize before)
{
  g_string_truncate (r->at, before);
}

static gboolean
is_number (JsonKind kind)
{
  return kind == JSON_KIND_UNSIGNED || kind == JSON_KIND_NEGATIVE || kind == JSON_KIND_NUMBER;
}

static gboolean
is_kind (const JsonValue *value, JsonKind kind)
{
  return kind == JSON_KIND_NUMBER ? is_number (value->kind) : value->kind == kind;
}

gboolean
field_expect (FieldReader *r, const JsonValue *value, JsonKind kind, const char *expected)
{
  if (is_kind (value, kind))
    return TRUE;
  return field_fail (r, "expected %s, got %s", expected, json_value_kind_name (value));
}

gboolean
field_read_bool (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  *(OptBool *) member = (OptBool) { TRUE, value->boolean };
  return TRUE;
}

/* Checks that the number @value is an integer within the limits of the row and of its type. */
static gboolean
check_number (FieldReader *r, const Field *field, const JsonValue *value, gint64 type_min,
              guint64 type_max)
{
  gboolean limited = field->min != 0 || field->max != 0;
  gint64 min = limited ? field->min : type_min;
  guint64 max = field->max != 0 ? field->max : type_max;
  g_autofree char *text = NULL;

  if (value->kind == JSON_KIND_UNSIGNED)
    {
      if (value->natural <= max && (min <= 0 || value->natural >= (guint64) min))
        return TRUE;
      text = g_strdup_printf ("%" G_GUINT64_FORMAT, value->natural);
    }
  else if (value->kind == JSON_KIND_NEGATIVE)
    {
      if (value->negative >= min)
        return TRUE;
      text = g_strdup_printf ("%" G_GINT64_FORMAT, value->negative);
    }
  else if (strpbrk (value->string, ".eE") != NULL)
    return field_fail (r, "expected an integer, got %.*s", QUOTE_MAX, value->string);
  else
    text = g_strndup (value->string, QUOTE_MAX);
  return field_fail (r, "%s is out of range (%" G_GINT64_FORMAT " to %" G_GUINT64_FORMAT ")",
                     text, min, max);
}

static gint64
signed_of (const JsonValue *value)
{
  return value->kind == JSON_KIND_NEGATIVE ? value->negative : (gint64) value->natural;
}

gboolean
field_read_int32 (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  if (!check_number (r, field, value, G_MININT32, G_MAXINT32))
    return FALSE;
  *(OptInt32 *) member = (OptInt32) { TRUE, (gint32) signed_of (value) };
  return TRUE;
}

gboolean
field_read_uint32 (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  if (!check_number (r, field, value, 0, G_MAXUINT32))
    return FALSE;
  *(OptUint32 *) member = (OptUint32) { TRUE, (guint32) value->natural };
  return TRUE;
}

gboolean
field_read_int64 (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  if (!check_number (r, field, value, G_MININT64, G_MAXINT64))
    return FALSE;
  *(OptInt64 *) member = (OptInt64) { TRUE, signed_of (value) };
  return TRUE;
}

gboolean
field_read_uint64 (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  if (!check_number (r, field, value, 0, G_MAXUINT64))
    return FALSE;
  *(OptUint64 *) member = (OptUint64) { TRUE, value->natural };
  return TRUE;
}

static gboolean
check_string (FieldReader *r, const Field *field, const char *string)
{
  if ((field->flags & FIELD_NOT_EMPTY) != 0 && *string == '\0')
    return field_fail (r, "must not be empty");
  if ((field->flags & FIELD_ABSOLUTE) != 0 && *string != '/')
    return field_fail (r, "must be an absolute path, got \"%.*s\"", QUOTE_MAX, string);
  return TRUE;
}

static gboolean
empty_is_absent (const Field *field, const JsonValue *value)
{
  return value->length == 0 && (field->flags & FIELD_EMPTY_ABSENT) != 0;
}

gboolean
field_read_string (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  if (empty_is_absent (field, value))
    return TRUE;
  if (!check_string (r, field, value->string))
    return FALSE;
  *(char **) member = g_strndup (value->string, value->length);
  return TRUE;
}

static const Name *
find_name (FieldReader *r, const Field *field, const char *string)
{
  const Name *name = name_find (field->names, string);

  if (name == NULL)
    field_fail (r, "unknown value \"%.*s\"", QUOTE_MAX, string);
  return name;
}

gboolean
field_read_name (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  const Name *name;

  if (empty_is_absent (field, value))
    return TRUE;
  name = find_name (r, field, value->string);
  if (name == NULL)
    return FALSE;
  *(int *) member = (int) name->value;
  return TRUE;
}

void
field_clear_string (const Field *field, gpointer member)
{
  g_clear_pointer ((char **) member, g_free);
}

/* --- arrays of scalars, maps of strings --- */

gboolean
field_read_strings (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  g_auto (GStrv) strings = g_new0 (char *, (gsize) value->length + 1);

  for (guint32 i = 0; i < value->length; i++)
    {
      const JsonValue *item = &value->items[i];

      r->index = i;
      if (!field_expect (r, item, JSON_KIND_STRING, "a string")
          || !check_string (r, field, item->string))
        return FALSE;
      strings[i] = g_strndup (item->string, item->length);
    }
  r->index = -1;
  *(char ***) member = g_steal_pointer (&strings);
  return TRUE;
}

void
field_clear_strings (const Field *field, gpointer member)
{
  g_clear_pointer ((char ***) member, g_strfreev);
}

gboolean
field_read_uint32s (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  g_autoptr (GArray) numbers = g_array_sized_new (FALSE, FALSE, sizeof (guint32), value->length);

  for (guint32 i = 0; i < value->length; i++)
    {
      const JsonValue *item = &value->items[i];
      guint32 number;

      r->index = i;
      if (!field_expect (r, item, JSON_KIND_NUMBER, "a number")
          || !check_number (r, field, item, 0, G_MAXUINT32))
        return FALSE;
      number = (guint32) item->natural;
      g_array_append_val (numbers, number);
    }
  r->index = -1;
  *(GArray **) member = g_steal_pointer (&numbers);
  return TRUE;
}

gboolean
field_read_names (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  g_autoptr (GArray) numbers = g_array_sized_new (FALSE, FALSE, sizeof (guint32), value->length);

  for (guint32 i = 0; i < value->length; i++)
    {
      const JsonValue *item = &value->items[i];
      const Name *name;
      guint32 number;

      r->index = i;
      if (!field_expect (r, item, JSON_KIND_STRING, "a string"))
        return FALSE;
      name = find_name (r, field, item->string);
      if (name == NULL)
        return FALSE;
      number = (guint32) name->value;
      g_array_append_val (numbers, number);
    }
  r->index = -1;
  *(GArray **) member = g_steal_pointer (&numbers);
  return TRUE;
}

void
field_clear_numbers (const Field *field, gpointer member)
{
  g_clear_pointer ((GArray **) member, g_array_unref);
}

static void
pair_free (gpointer data)
{
  OciPair *pair = data;

  g_free (pair->key);
  g_free (pair->value);
  g_free (pair);
}

gboolean
field_check_key (FieldReader *r, const char *key)
{
  return *key != '\0' || field_fail (r, "must not have an empty key");
}

gboolean
field_read_pairs (FieldReader *r, const Field *field, const JsonValue *value, gpointer member)
{
  g_autoptr (GPtrArray) pairs = g_ptr_array_new_full (value->length, pair_free);

  for (guint32 i = 0; i < value->length; i++)
    {
      const JsonMember *item = &value->members[i];
      OciPair *pair;
      gsize before;

      if (!field_check_key (r, item->key))
        return FALSE;
      before = field_enter (r, item->key);
      if (!field_expect (r, &item->value, JSON_KIND_STRING, "a string"))
        return FALSE;
      field_leave (r, before);
      pair = g_new (OciPair, 1);
      *pair = (OciPair) { g_strdup (item->key), g_strdup (item->value.string) };
      g_ptr_array_add (pairs, pair);
    }
  *(GPtrArray **) member = g_steal_pointer (&pairs);
  return TRUE;
}

void
field_clear_pairs (const Field *field, gpointer member)
{
  g_clear_pointer ((GPtrArray **) member, g_ptr_array_unref);
}
