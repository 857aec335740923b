/* JSON documents in the form that other runtimes give them. */
#pragma once

#include <json-glib/json-glib.h>

/* Adds a member to the object that @builder is in. */
void document_string (JsonBuilder *builder, const char *key, const char *value);
void document_int (JsonBuilder *builder, const char *key, gint64 value);
void document_bool (JsonBuilder *builder, const char *key, gboolean value);

/* The same, an array of strings that ends with NULL. */
void document_strings (JsonBuilder *builder, const char *key, const char *const *values);

/* Returns what @builder has built as text without a newline at the end: on one line, or with
 * each level indented by @indent_width times @indent_char. Transfer: full. */
GString *document_format (JsonBuilder *builder, guint indent_width, gunichar indent_char);

/* As document_format() on one line. Transfer: full. */
GString *document_format_line (JsonBuilder *builder);
