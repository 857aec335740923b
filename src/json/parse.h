/* A strict reader of JSON (RFC 8259) into a small read-only tree.
 *
 * Lenient readers disagree about comments, equal keys, NUL, large numbers and text after the
 * end, and a configuration that two programs read differently is a hole. So this one takes the
 * RFC and nothing else, and keeps every number of 64 bits exact. */
#pragma once

#include <glib.h>

#define JSON_TEXT_MAX_LENGTH ((gsize) 16 * 1024 * 1024)
#define JSON_TEXT_MAX_DEPTH 64

typedef enum {
  JSON_KIND_NULL,
  JSON_KIND_BOOLEAN,
  JSON_KIND_UNSIGNED,  /* an integer from 0 to the end of uint64 */
  JSON_KIND_NEGATIVE,  /* an integer from the start of int64 to -1 */
  JSON_KIND_NUMBER,    /* any other number (fraction, exponent, out of range), kept as its text */
  JSON_KIND_STRING,
  JSON_KIND_ARRAY,
  JSON_KIND_OBJECT,
} JsonKind;

typedef struct JsonValue JsonValue;
typedef struct JsonMember JsonMember;

/* One value; it belongs to its JsonText. */
struct JsonValue {
  JsonKind kind;
  guint32 length;  /* items of an array, members of an object, bytes of a string or number */
  union {
    gboolean boolean;
    guint64 natural;            /* JSON_KIND_UNSIGNED */
    gint64 negative;            /* JSON_KIND_NEGATIVE */
    const char *string;         /* JSON_KIND_STRING, JSON_KIND_NUMBER: UTF-8, no NUL inside */
    const JsonValue *items;     /* JSON_KIND_ARRAY */
    const JsonMember *members;  /* JSON_KIND_OBJECT, in the order of the file */
  };
};

/* One member of an object. */
struct JsonMember {
  const char *key;
  JsonValue value;
};

/* A parsed text: owns all its values and strings. */
typedef struct JsonText JsonText;

/* Reads @length bytes of @text, whose top level must be an object. A byte order mark at the
 * start is skipped (RFC 8259 section 8.1 allows that).
 * Errors, one line each: "parse error at line L, column C: ..." (columns count characters from
 * 1) for whatever is not JSON, for invalid UTF-8, an unpaired surrogate, NUL, a duplicate key and
 * more than JSON_TEXT_MAX_DEPTH levels; "too large" beyond JSON_TEXT_MAX_LENGTH; "the top level
 * must be an object". Transfer: full. */
JsonText *json_text_parse (const char *text, gsize length, GError **error);

/* Frees @text (NULL allowed) with all its values. */
void json_text_free (JsonText *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (JsonText, json_text_free)

/* Returns the top level object. Transfer: none. */
const JsonValue *json_text_root (const JsonText *text);

/* Returns the value of @key in the object @object, or NULL; NULL too if @object is no object.
 * Transfer: none. */
const JsonValue *json_value_member (const JsonValue *object, const char *key);

/* Returns what @value is, for messages: "a string", "a number", "null" ... */
const char *json_value_kind_name (const JsonValue *value);
