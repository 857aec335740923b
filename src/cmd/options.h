/* The command line by table: one row per option, filled into a plain struct.
 *
 * Reading stops at the first word that is no option, or behind "--". "--name=VALUE",
 * "--name VALUE", "-n VALUE", "-nVALUE", "-n=VALUE" and a bundle of flags ("-df") are read, and
 * "-name" for a whole long name, since callers write "-no-subreaper"; of a flag also "--name=true"
 * and "--name=false", since those of runc are so. Strings are words of argv as they are, in no
 * encoding.
 *
 * Members by row macro:
 *   OPTION_FLAG     gboolean
 *   OPTION_STRING   const char *   the last one counts
 *   OPTION_WORD     const char *   the same; an empty one is none, as with runc
 *   OPTION_STRINGS  GPtrArray *    of const char *, in order; NULL: never given
 *   OPTION_UINT     guint
 *   OPTION_IGNORED  no member: accepted without effect, since other runtimes have it */
#pragma once

#include <glib.h>
#include <stddef.h>

typedef enum {
  OPTION_KIND_FLAG,
  OPTION_KIND_STRING,
  OPTION_KIND_WORD,
  OPTION_KIND_STRINGS,
  OPTION_KIND_UINT,
  OPTION_KIND_IGNORED,
} OptionKind;

typedef struct {
  OptionKind kind;
  char letter;           /* 0: only a long name */
  const char *name;      /* without dashes; NULL ends a table */
  const char *argument;  /* what its value is called; NULL: it takes none */
  const char *help;      /* NULL: not shown */
  gsize offset;          /* of the member */
} Option;

/* The offset of member @m of struct @S, which must be of type @T. */
#define OPTION_OFFSET(S, m, T)                                                                 \
  (offsetof (S, m)                                                                             \
   + 0 * sizeof (struct {                                                                      \
       _Static_assert (__builtin_types_compatible_p (__typeof__ (((S *) NULL)->m), T),         \
                       "a row needs a member of type " #T);                                    \
       int unused;                                                                             \
     }))

/* (struct, member, letter, "name", "what it does") */
#define OPTION_FLAG(S, m, letter, name, help) \
  { OPTION_KIND_FLAG, letter, name, NULL, help, OPTION_OFFSET (S, m, gboolean) }

/* (struct, member, letter, "name", "VALUE", "what it does") */
#define OPTION_STRING(S, m, letter, name, argument, help) \
  { OPTION_KIND_STRING, letter, name, argument, help, OPTION_OFFSET (S, m, const char *) }
#define OPTION_WORD(S, m, letter, name, argument, help) \
  { OPTION_KIND_WORD, letter, name, argument, help, OPTION_OFFSET (S, m, const char *) }
#define OPTION_STRINGS(S, m, letter, name, argument, help) \
  { OPTION_KIND_STRINGS, letter, name, argument, help, OPTION_OFFSET (S, m, GPtrArray *) }
#define OPTION_UINT(S, m, letter, name, argument, help) \
  { OPTION_KIND_UINT, letter, name, argument, help, OPTION_OFFSET (S, m, guint) }

/* ("name", "VALUE" or NULL, "what it does") */
#define OPTION_IGNORED(name, argument, help) { OPTION_KIND_IGNORED, 0, name, argument, help, 0 }

#define OPTION_END { .name = NULL }

/* A table and the struct that its options go into. */
typedef struct {
  const Option *options;
  gpointer values;
  const Option *seen;  /* the last option of it that was given; NULL: none */
} OptionSet;

/* Reads the options at the start of @args (NULL-terminated, without the program's name) into
 * @sets, whose first table with a name wins. Returns where the arguments begin, NULL on error. */
char **options_parse (OptionSet *sets, gsize n_sets, char **args, GError **error);

/* Frees what options_parse() has allocated for the options in @values. */
void options_clear (const Option *options, gpointer values);

/* Prints one line for each option of @options that has a help text. */
void options_print (const Option *options);

/* Returns the word among @count @words that @typo was probably meant to be, or NULL. */
const char *options_near (const char *typo, const char *const *words, gsize count);
