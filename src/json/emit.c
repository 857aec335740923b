/* A value puts the comma that the one before it needs; see emit.h. */
#include "config.h"

#include "json/emit.h"

/* Appends @text as a JSON string (RFC 8259 section 7). */
static void
append_string (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  g_string_append_c (out, '"');
  for (const char *p = valid; *p != '\0'; p++)
    if (*p == '"' || *p == '\\')
      {
        g_string_append_c (out, '\\');
        g_string_append_c (out, *p);
      }
    else if ((guchar) *p < 0x20)
      g_string_append_printf (out, "\\u%04x", (guint) *p);
    else
      g_string_append_c (out, *p);
  g_string_append_c (out, '"');
}

/* Appends what comes before a value: comma and key. */
static void
begin (JsonEmit *emit, const char *key)
{
  if (emit->comma)
    g_string_append_c (emit->out, ',');
  emit->comma = TRUE;
  if (key != NULL)
    {
      append_string (emit->out, key);
      g_string_append_c (emit->out, ':');
    }
}

static void
open_container (JsonEmit *emit, const char *key, char bracket)
{
  begin (emit, key);
  g_string_append_c (emit->out, bracket);
  emit->comma = FALSE;
}

static void
close_container (JsonEmit *emit, char bracket)
{
  g_string_append_c (emit->out, bracket);
  emit->comma = TRUE;
}

void
json_emit_init (JsonEmit *emit, GString *out)
{
  *emit = (JsonEmit) { .out = out };
}

void
json_emit_object (JsonEmit *emit, const char *key)
{
  open_container (emit, key, '{');
}

void
json_emit_object_end (JsonEmit *emit)
{
  close_container (emit, '}');
}

void
json_emit_array (JsonEmit *emit, const char *key)
{
  open_container (emit, key, '[');
}

void
json_emit_array_end (JsonEmit *emit)
{
  close_container (emit, ']');
}

void
json_emit_string (JsonEmit *emit, const char *key, const char *value)
{
  begin (emit, key);
  if (value != NULL)
    append_string (emit->out, value);
  else
    g_string_append (emit->out, "null");
}

void
json_emit_strings (JsonEmit *emit, const char *key, const char *const *values)
{
  json_emit_array (emit, key);
  for (; values != NULL && *values != NULL; values++)
    json_emit_string (emit, NULL, *values);
  json_emit_array_end (emit);
}

void
json_emit_int (JsonEmit *emit, const char *key, gint64 value)
{
  begin (emit, key);
  g_string_append_printf (emit->out, "%" G_GINT64_FORMAT, value);
}

void
json_emit_uint (JsonEmit *emit, const char *key, guint64 value)
{
  begin (emit, key);
  g_string_append_printf (emit->out, "%" G_GUINT64_FORMAT, value);
}

void
json_emit_hundredths (JsonEmit *emit, const char *key, guint64 hundredths)
{
  begin (emit, key);
  g_string_append_printf (emit->out, "%" G_GUINT64_FORMAT ".%02u", hundredths / 100,
                          (guint) (hundredths % 100));
}

void
json_emit_bool (JsonEmit *emit, const char *key, gboolean value)
{
  begin (emit, key);
  g_string_append (emit->out, value ? "true" : "false");
}
