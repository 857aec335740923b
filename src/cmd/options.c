/* The command line by table; see options.h. */
#include "config.h"

#include "cmd/options.h"

#include "base/error.h"
#include "base/names.h"

#include <stdio.h>
#include <string.h>

/* The farthest that a typo can be from the word that was meant, in letters. */
#define NEAR_MAX 2

typedef struct {
  OptionSet *sets;
  gsize n_sets;
  char **next;  /* the word after the one that is being read */
  GError **error;
} Parser;

/* An option that was found, and the set it is in. */
typedef struct {
  const Option *option;
  OptionSet *set;
} Match;

static gboolean
find_long (const Parser *p, const char *name, gsize length, Match *ret_match)
{
  for (gsize i = 0; i < p->n_sets; i++)
    for (const Option *o = p->sets[i].options; o != NULL && o->name != NULL; o++)
      if (strncmp (o->name, name, length) == 0 && o->name[length] == '\0')
        {
          *ret_match = (Match) { o, &p->sets[i] };
          return TRUE;
        }
  return FALSE;
}

static gboolean
find_letter (const Parser *p, char letter, Match *ret_match)
{
  for (gsize i = 0; i < p->n_sets; i++)
    for (const Option *o = p->sets[i].options; o != NULL && o->name != NULL; o++)
      if (o->letter == letter)
        {
          *ret_match = (Match) { o, &p->sets[i] };
          return TRUE;
        }
  return FALSE;
}

static gboolean
set_uint (const Option *option, guint *member, const char *value, GError **error)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT32, &number, NULL))
    return throw (error, "option --%s: expected a number, got \"%s\"", option->name, value);
  *member = (guint) number;
  return TRUE;
}

/* What may stand behind the "=" of a flag. */
static const Name truths[] = {
  { "true", TRUE },  { "1", TRUE },  { "t", TRUE },
  { "false", FALSE }, { "0", FALSE }, { "f", FALSE },
  { NULL, 0 },
};

/* Reads the @value of a flag; NULL: it stands alone. */
static gboolean
read_flag (const Option *option, const char *value, gboolean *ret_set, GError **error)
{
  g_autofree char *word = g_ascii_strdown (value != NULL ? value : "true", -1);
  const Name *truth = name_find (truths, word);

  if (truth == NULL)
    return throw (error, "option --%s: expected true or false, got \"%s\"", option->name, value);
  *ret_set = (gboolean) truth->value;
  return TRUE;
}

/* Stores what @match was given; @value is NULL for one that was given none. */
static gboolean
store_value (const Parser *p, const Match *match, const char *value)
{
  gpointer member = (char *) match->set->values + match->option->offset;
  GPtrArray **strings = member;
  gboolean ignored;

  match->set->seen = match->option;
  switch (match->option->kind)
    {
    case OPTION_KIND_FLAG:
      return read_flag (match->option, value, member, p->error);
    case OPTION_KIND_STRING:
      *(const char **) member = value;
      return TRUE;
    case OPTION_KIND_WORD:
      *(const char **) member = value != NULL && *value != '\0' ? value : NULL;
      return TRUE;
    case OPTION_KIND_STRINGS:
      if (*strings == NULL)
        *strings = g_ptr_array_new ();
      g_ptr_array_add (*strings, (gpointer) value);
      return TRUE;
    case OPTION_KIND_UINT:
      return set_uint (match->option, member, value, p->error);
    case OPTION_KIND_IGNORED:
    default:
      return match->option->argument != NULL
             || read_flag (match->option, value, &ignored, p->error);
    }
}

/* Stores @match with the value that is @attached to it (NULL: none), or else the next word. */
static gboolean
take (Parser *p, const Match *match, const char *attached)
{
  const Option *option = match->option;

  if (option->argument != NULL && attached == NULL)
    {
      if (*p->next == NULL)
        return throw (p->error, "option --%s requires an argument", option->name);
      attached = *p->next++;
    }
  return store_value (p, match, attached);
}

static gboolean
unknown (const Parser *p, const char *word)
{
  const char *name = word + strspn (word, "-");
  g_autofree char *typo = g_strndup (name, strcspn (name, "="));
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *near;

  for (gsize i = 0; i < p->n_sets; i++)
    for (const Option *o = p->sets[i].options; o != NULL && o->name != NULL; o++)
      g_ptr_array_add (names, (gpointer) o->name);
  near = options_near (typo, (const char *const *) names->pdata, names->len);
  if (near != NULL)
    return throw (p->error, "unknown option %s (did you mean --%s?)", word, near);
  return throw (p->error, "unknown option %s", word);
}

/* A word "-abc": flags, the last of which may be an option with a value. */
static gboolean
read_letters (Parser *p, const char *word)
{
  for (const char *letter = word + 1; *letter != '\0'; letter++)
    {
      const char *rest = letter[1] != '\0' ? letter + 1 : NULL;
      Match match;

      if (!find_letter (p, *letter, &match))
        return unknown (p, word);
      if (match.option->argument != NULL)
        return take (p, &match, rest != NULL && *rest == '=' ? rest + 1 : rest);
      if (rest != NULL && *rest == '=')
        return take (p, &match, rest + 1);
      if (!take (p, &match, NULL))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_word (Parser *p, const char *word)
{
  gboolean two_dashes = word[1] == '-';
  const char *name = word + (two_dashes ? 2 : 1);
  gsize length = strcspn (name, "=");
  Match match;

  if (length > 1 && find_long (p, name, length, &match))
    return take (p, &match, name[length] == '=' ? name + length + 1 : NULL);
  return two_dashes ? unknown (p, word) : read_letters (p, word);
}

char **
options_parse (OptionSet *sets, gsize n_sets, char **args, GError **error)
{
  Parser parser = { sets, n_sets, args, error };

  for (;;)
    {
      const char *word = *parser.next;

      if (word == NULL || word[0] != '-' || word[1] == '\0')
        return parser.next;
      parser.next++;
      if (strcmp (word, "--") == 0)
        return parser.next;
      if (!read_word (&parser, word))
        return NULL;
    }
}

void
options_clear (const Option *options, gpointer values)
{
  for (const Option *o = options; o != NULL && o->name != NULL; o++)
    if (o->kind == OPTION_KIND_STRINGS)
      g_clear_pointer ((GPtrArray **) (gpointer) ((char *) values + o->offset), g_ptr_array_unref);
}

void
options_print (const Option *options)
{
  for (const Option *o = options; o != NULL && o->name != NULL; o++)
    {
      g_autofree char *left = NULL;

      if (o->help == NULL)
        continue;
      left = g_strdup_printf ("%c%c%c --%s%s%s", o->letter != 0 ? '-' : ' ',
                              o->letter != 0 ? o->letter : ' ', o->letter != 0 ? ',' : ' ', o->name,
                              o->argument != NULL ? " " : "",
                              o->argument != NULL ? o->argument : "");
      (void) printf ("  %-30s  %s\n", left, o->help);
    }
}

/* The number of letters to insert, remove or replace to get from @a to @b (Levenshtein). */
static guint
distance (const char *a, const char *b)
{
  gsize length = strlen (b);
  g_autofree guint *row = g_new (guint, length + 1);

  for (gsize j = 0; j <= length; j++)
    row[j] = (guint) j;
  for (guint i = 1; *a != '\0'; i++, a++)
    {
      guint diagonal = row[0];

      row[0] = i;
      for (gsize j = 1; j <= length; j++)
        {
          guint replaced = diagonal + (*a != b[j - 1]);

          diagonal = row[j];
          row[j] = MIN (replaced, MIN (row[j], row[j - 1]) + 1);
        }
    }
  return row[length];
}

const char *
options_near (const char *typo, const char *const *words, gsize count)
{
  guint best = NEAR_MAX + 1;
  const char *near = NULL;

  for (gsize i = 0; i < count; i++)
    {
      guint d = distance (typo, words[i]);

      if (d < best && d < strlen (words[i]))
        {
          best = d;
          near = words[i];
        }
    }
  return near;
}
