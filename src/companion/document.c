/* JSON documents; see document.h. */
#include "config.h"

#include "companion/document.h"

void
document_string (JsonBuilder *builder, const char *key, const char *value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_string_value (builder, value);
}

void
document_int (JsonBuilder *builder, const char *key, gint64 value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_int_value (builder, value);
}

void
document_bool (JsonBuilder *builder, const char *key, gboolean value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_boolean_value (builder, value);
}

void
document_strings (JsonBuilder *builder, const char *key, const char *const *values)
{
  json_builder_set_member_name (builder, key);
  json_builder_begin_array (builder);
  for (; *values != NULL; values++)
    json_builder_add_string_value (builder, *values);
  json_builder_end_array (builder);
}

/* json-glib writes a space on both sides of a colon, the others only behind it. */
static GString *
without_space_before_colon (const char *text)
{
  GString *out = g_string_new (NULL);
  gboolean in_string = FALSE;

  for (; *text != '\0'; text++)
    {
      if (!in_string && text[0] == ' ' && text[1] == ':')
        continue;
      if (*text == '"')
        in_string = !in_string;
      g_string_append_c (out, *text);
      if (in_string && *text == '\\')
        g_string_append_c (out, *++text);
    }
  return out;
}

static GString *
format (JsonBuilder *builder, JsonGenerator *generator)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = NULL;

  json_generator_set_root (generator, root);
  text = json_generator_to_data (generator, NULL);
  return without_space_before_colon (text);
}

GString *
document_format (JsonBuilder *builder, guint indent_width, gunichar indent_char)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();

  json_generator_set_pretty (generator, TRUE);
  json_generator_set_indent (generator, indent_width);
  json_generator_set_indent_char (generator, indent_char);
  return format (builder, generator);
}

GString *
document_format_line (JsonBuilder *builder)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();

  return format (builder, generator);
}
