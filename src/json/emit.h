/* Writes one JSON document on one line: log records, the recorded state.
 *
 * Commas are put where they are needed; the caller opens and closes in order. Documents for
 * people are the companion program's. */
#pragma once

#include <glib.h>

/* Keep the members private; start it with json_emit_init(). */
typedef struct {
  GString *out;
  gboolean comma;  /* a value ends just before the next one */
} JsonEmit;

/* Starts to append to @out, which stays the caller's. */
void json_emit_init (JsonEmit *emit, GString *out);

/* In each of these @key is the member's name inside an object, NULL inside an array or at the
 * top. */
void json_emit_object (JsonEmit *emit, const char *key);
void json_emit_object_end (JsonEmit *emit);
void json_emit_array (JsonEmit *emit, const char *key);
void json_emit_array_end (JsonEmit *emit);

/* A NULL @value is written as null. Bytes that are not UTF-8 become U+FFFD. */
void json_emit_string (JsonEmit *emit, const char *key, const char *value);
void json_emit_strings (JsonEmit *emit, const char *key, const char *const *values);
void json_emit_int (JsonEmit *emit, const char *key, gint64 value);
void json_emit_uint (JsonEmit *emit, const char *key, guint64 value);
/* @hundredths of one, with its two digits behind the point. */
void json_emit_hundredths (JsonEmit *emit, const char *key, guint64 hundredths);
void json_emit_bool (JsonEmit *emit, const char *key, gboolean value);
