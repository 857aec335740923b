/* JSON objects to plain structs and back to nothing, by declarative tables.
 *
 * A struct has a FieldType, the type has one Field per property. The same row reads the property,
 * checks its type and simple limits, frees the member, documents it, and says whether it is done,
 * ignored or refused here: so the rows are the support matrix as well. The macros below check at
 * compile time that the struct member is of the C type that the row fills.
 *
 * Members by row macro:
 *   FIELD_BOOL        OptBool
 *   FIELD_INT32 ...   OptInt32, OptUint32, OptInt64, OptUint64
 *   FIELD_STRING      char *       NULL: absent
 *   FIELD_STRINGS     char **      NULL-terminated; NULL: absent
 *   FIELD_UINT32S     GArray *     of guint32; NULL: absent
 *   FIELD_NAME        int          the value from a Name table; -1: absent
 *   FIELD_NAMES       GArray *     of guint32, the values from a Name table; NULL: absent
 *   FIELD_PAIRS       GPtrArray *  of OciPair, in file order; NULL: absent
 *   FIELD_OBJECT      T *          NULL: absent (but see FIELD_ALWAYS)
 *   FIELD_OBJECTS     GPtrArray *  of T; NULL: absent
 *   FIELD_MAP         GPtrArray *  of T, which has a member "char *key"; NULL: absent
 *   FIELD_NOTHING     no member: valid, but only noted
 *
 * The elements of a GPtrArray belong to the struct: field_free() frees them.
 *
 * JSON null is "absent" for optional arrays, maps and objects, since Go programs write it for nil
 * slices, maps and pointers; anywhere else it is an error. */
#pragma once

#include "base/names.h"
#include "json/parse.h"

#include <stddef.h>

typedef struct {
  gboolean set;
  gboolean value;
} OptBool;

typedef struct {
  gboolean set;
  gint32 value;
} OptInt32;

typedef struct {
  gboolean set;
  guint32 value;
} OptUint32;

typedef struct {
  gboolean set;
  gint64 value;
} OptInt64;

typedef struct {
  gboolean set;
  guint64 value;
} OptUint64;

/* One entry of a map of strings; the key is never empty. */
typedef struct {
  char *key;
  char *value;
} OciPair;

typedef enum {
  FIELD_DONE,     /* has its effect, or fails */
  FIELD_IGNORED,  /* valid, without effect here; said at debug level only */
  FIELD_REFUSED,  /* valid, impossible here: create fails by name */
} FieldSupport;

typedef enum {
  FIELD_REQUIRED = 1 << 0,      /* absent or null is an error */
  FIELD_NOT_EMPTY = 1 << 1,     /* "" is an error, also as an element */
  FIELD_ABSOLUTE = 1 << 2,      /* a string, or every element, starts with '/' */
  FIELD_EMPTY_ABSENT = 1 << 3,  /* "" is the same as absent (required or not) */
  FIELD_UNLIMITED = 1 << 4,     /* the numbers 0 and -1 ask for nothing, so are not noted */
  FIELD_OLD_ARRAY = 1 << 5,     /* an object; an array (before runtime-spec 1.0) is only noted */
  FIELD_ALWAYS = 1 << 6,        /* an object that is there, with defaults, even when absent */
} FieldFlags;

typedef enum {
  FIELD_KIND_NOTHING,
  FIELD_KIND_BOOL,
  FIELD_KIND_INT32,
  FIELD_KIND_UINT32,
  FIELD_KIND_INT64,
  FIELD_KIND_UINT64,
  FIELD_KIND_STRING,
  FIELD_KIND_STRINGS,
  FIELD_KIND_UINT32S,
  FIELD_KIND_NAME,
  FIELD_KIND_NAMES,
  FIELD_KIND_PAIRS,
  FIELD_KIND_OBJECT,
  FIELD_KIND_OBJECTS,
  FIELD_KIND_MAP,
} FieldKind;

typedef struct Field Field;
typedef struct FieldType FieldType;

/* One property. Rows are written with the macros below; everything after @doc is optional. */
struct Field {
  const char *name;  /* in JSON; NULL ends a table */
  const char *doc;   /* one line for people */
  FieldKind kind;
  FieldFlags flags;
  FieldSupport support;
  const char *reason;     /* why it is ignored or refused */
  gsize offset;           /* of the member */
  gint64 min;             /* of a number; min and max 0: all of the member's type */
  guint64 max;            /* of a number, 0: the end of the member's type */
  const FieldType *type;  /* of an object, or of the elements */
  const Name *names;      /* of an enumeration */
  gsize key_offset;       /* of the member "key" of a map's elements */
};

/* One struct. */
struct FieldType {
  const char *name;  /* for people: "process", "mount" */
  gsize size;        /* of the struct */
  const Field *fields;
};

/* The offset of member @m of struct @S, which must be of type @T. */
#define FIELD_OFFSET(S, m, T)                                                                  \
  (offsetof (S, m)                                                                             \
   + 0 * sizeof (struct {                                                                      \
       _Static_assert (__builtin_types_compatible_p (__typeof__ (((S *) NULL)->m), T),         \
                       "a row needs a member of type " #T);                                    \
       int unused;                                                                             \
     }))

#define FIELD_ROW(S, m, T, kind_, json, doc_, ...) \
  { .name = json, .doc = doc_, .kind = kind_, .offset = FIELD_OFFSET (S, m, T), __VA_ARGS__ }

/* (struct, member, "jsonName", "what it is", further members of the row as initializers) */
#define FIELD_BOOL(S, m, ...) FIELD_ROW (S, m, OptBool, FIELD_KIND_BOOL, __VA_ARGS__, )
#define FIELD_INT32(S, m, ...) FIELD_ROW (S, m, OptInt32, FIELD_KIND_INT32, __VA_ARGS__, )
#define FIELD_UINT32(S, m, ...) FIELD_ROW (S, m, OptUint32, FIELD_KIND_UINT32, __VA_ARGS__, )
#define FIELD_INT64(S, m, ...) FIELD_ROW (S, m, OptInt64, FIELD_KIND_INT64, __VA_ARGS__, )
#define FIELD_UINT64(S, m, ...) FIELD_ROW (S, m, OptUint64, FIELD_KIND_UINT64, __VA_ARGS__, )
#define FIELD_STRING(S, m, ...) FIELD_ROW (S, m, char *, FIELD_KIND_STRING, __VA_ARGS__, )
#define FIELD_STRINGS(S, m, ...) FIELD_ROW (S, m, char **, FIELD_KIND_STRINGS, __VA_ARGS__, )
#define FIELD_UINT32S(S, m, ...) FIELD_ROW (S, m, GArray *, FIELD_KIND_UINT32S, __VA_ARGS__, )
#define FIELD_PAIRS(S, m, ...) FIELD_ROW (S, m, GPtrArray *, FIELD_KIND_PAIRS, __VA_ARGS__, )

/* (struct, member, Name table, "jsonName", "what it is", ...) */
#define FIELD_NAME(S, m, table, ...) \
  FIELD_ROW (S, m, int, FIELD_KIND_NAME, __VA_ARGS__, .names = table)
#define FIELD_NAMES(S, m, table, ...) \
  FIELD_ROW (S, m, GArray *, FIELD_KIND_NAMES, __VA_ARGS__, .names = table)

/* (struct, member, type of the object, its FieldType, "jsonName", "what it is", ...) */
#define FIELD_OBJECT(S, m, T, field_type, ...) \
  FIELD_ROW (S, m, T *, FIELD_KIND_OBJECT, __VA_ARGS__, .type = &field_type)

/* (struct, member, FieldType of the elements, "jsonName", "what it is", ...) */
#define FIELD_OBJECTS(S, m, field_type, ...) \
  FIELD_ROW (S, m, GPtrArray *, FIELD_KIND_OBJECTS, __VA_ARGS__, .type = &field_type)

/* The same, the elements being structs of type T. */
#define FIELD_MAP(S, m, T, field_type, ...)                                                    \
  FIELD_ROW (S, m, GPtrArray *, FIELD_KIND_MAP, __VA_ARGS__, .type = &field_type,              \
             .key_offset = FIELD_OFFSET (T, key, char *))

/* ("jsonName", "what it is", ...) */
#define FIELD_NOTHING(json, ...) { .name = json, .kind = FIELD_KIND_NOTHING, .doc = __VA_ARGS__ }

#define FIELD_END { .name = NULL }

/* What a reader of a document should know about one property that is in it. */
typedef struct {
  char *pointer;         /* "/process/selinuxLabel" (RFC 6901) */
  FieldSupport support;  /* FIELD_IGNORED or FIELD_REFUSED */
  const char *reason;    /* static; never NULL */
  gboolean unknown;      /* not a property of the specification at all */
} FieldNote;

void field_note_free (FieldNote *note);

/* Reads the object @value into a new struct of @type; free it with field_free(). @at is the
 * pointer of @value itself, "" for the top. @notes (NULL: not wanted) is an array of FieldNote
 * that gets one element for each ignored, refused or unknown property with a value that asks for
 * something (not null, false, "", [] or {}); nothing is noted below a noted property.
 * Errors: "POINTER: what is wrong". Transfer: full. */
gpointer field_read (const FieldType *type, const JsonValue *value, const char *at,
                     GPtrArray *notes, GError **error);

/* Frees @object (NULL allowed), a struct of @type, with everything in it. */
void field_free (const FieldType *type, gpointer object);

/* Returns the row of @type for the property @name, NULL: there is none. */
const Field *field_find (const FieldType *type, const char *name);

/* Called for each row below a type. @path is as "linux.resources.devices[].allow", a map's
 * elements are "{}"; @support and @reason include what the rows above say. */
typedef void (*FieldVisit) (const char *path, const Field *field, FieldSupport support,
                            const char *reason, gpointer data);

/* Visits all rows of @type and of the types below it, in table order, a parent first. */
void field_walk (const FieldType *type, FieldVisit visit, gpointer data);

/* Returns "done", "ignored" or "refused". */
const char *field_support_name (FieldSupport support);

/* Returns the number of elements of @array, 0 for NULL. */
static inline guint
field_count (const GPtrArray *array)
{
  return array != NULL ? array->len : 0;
}
