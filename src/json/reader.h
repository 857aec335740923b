/* Between field.c and reader.c only: where a reader is, and the readers by kind of row. */
#pragma once

#include "json/field.h"

typedef struct {
  GString *at;       /* the JSON pointer of the value that is being read */
  gint64 index;      /* an element of it by which an error is to be named; -1: none */
  GPtrArray *notes;  /* of FieldNote; NULL: not wanted here */
  GError **error;
} FieldReader;

/* Fails at the place where @r is: sets the error, returns FALSE. Keys can be long: the message is
 * cut. */
gboolean field_fail (FieldReader *r, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Goes on to the member @key, or the element @index, of the value that @r is at. Returns what
 * field_leave() needs to go back. */
gsize field_enter (FieldReader *r, const char *key);
gsize field_enter_index (FieldReader *r, guint index);
void field_leave (FieldReader *r, gsize before);

/* Fails unless @value is of @kind, JSON_KIND_NUMBER standing for all numbers. @expected is what the
 * message calls it. */
gboolean field_expect (FieldReader *r, const JsonValue *value, JsonKind kind,
                       const char *expected);

/* Fails if @key is empty. */
gboolean field_check_key (FieldReader *r, const char *key);

/* Reads @value, which is of the kind of JSON that @field needs, into @member. */
typedef gboolean FieldRead (FieldReader *r, const Field *field, const JsonValue *value,
                            gpointer member);

FieldRead field_read_bool;
FieldRead field_read_int32;
FieldRead field_read_uint32;
FieldRead field_read_int64;
FieldRead field_read_uint64;
FieldRead field_read_string;
FieldRead field_read_strings;
FieldRead field_read_uint32s;
FieldRead field_read_name;
FieldRead field_read_names;
FieldRead field_read_pairs;

/* Frees what is in @member and makes it absent. */
typedef void FieldClear (const Field *field, gpointer member);

FieldClear field_clear_string;
FieldClear field_clear_strings;
FieldClear field_clear_numbers;
FieldClear field_clear_pairs;
