/* The command line by table. */
#include "config.h"

#include "cmd/options.h"

#include <string.h>

typedef struct {
  gboolean force;
  gboolean detach;
  const char *root;
  guint number;
  GPtrArray *words;
} Values;

static const Option options[] = {
  OPTION_FLAG (Values, force, 'f', "force", "kill it"),
  OPTION_FLAG (Values, detach, 'd', "detach", "go on"),
  OPTION_STRING (Values, root, 'r', "root", "DIR", "where"),
  OPTION_WORD (Values, root, 0, "way", "DIR", "where, or nowhere"),
  OPTION_UINT (Values, number, 0, "number", "N", "how many"),
  OPTION_STRINGS (Values, words, 'w', "word", "WORD", "what"),
  OPTION_IGNORED ("no-subreaper", NULL, NULL),
  OPTION_IGNORED ("criu", "PATH", NULL),
  OPTION_END,
};

typedef struct {
  const char *name;
  const char *args;    /* separated by spaces */
  const char *rest;    /* what is left, joined again; NULL: an error */
  const char *result;  /* the values as text, or a part of the message */
} Case;

static const Case cases[] = {
  { "nothing", "", "", "" },
  { "arguments", "a b", "a b", "" },
  { "flag", "--force a", "a", "force " },
  { "letter", "-f a", "a", "force " },
  { "bundle", "-fd a", "a", "force detach " },
  { "bundle-with-value", "-fr /x a", "a", "force root=/x " },
  { "bundle-with-value-inside", "-fr/x a", "a", "force root=/x " },
  { "value", "--root /x a", "a", "root=/x " },
  { "value-equals", "--root=/x a", "a", "root=/x " },
  { "value-letter", "-r /x a", "a", "root=/x " },
  { "value-letter-equals", "-r=/x a", "a", "root=/x " },
  { "value-empty", "--root= a", "a", "root= " },
  { "word", "--way=/x a", "a", "root=/x " },
  { "word-empty", "--way=/x --way= a", "a", "" },
  { "flag-true", "--force=true -d=1 a", "a", "force detach " },
  { "flag-false", "-fd --force=False -d=f a", "a", "" },
  { "flag-false-bundle", "-fd=false a", "a", "force " },
  { "ignored-flag", "--no-subreaper=false a", "a", "" },
  { "value-like-option", "--root --force a", "a", "root=--force " },
  { "value-twice", "--root x --root y", "", "root=y " },
  { "single-dash", "-root /x -no-subreaper -force", "", "force root=/x " },
  { "ignored", "--no-subreaper --criu /bin/criu a", "a", "" },
  { "number", "--number 12", "", "number=12 " },
  { "words", "-w a --word b c", "c", "words=a,b " },
  { "end", "-- --force", "--force", "" },
  { "dash", "- --force", "- --force", "" },
  { "after-arguments", "a --force", "a --force", "" },
  { "unknown", "--frobnicate", NULL, "unknown option --frobnicate" },
  { "unknown-letter", "-x", NULL, "unknown option -x" },
  { "unknown-in-bundle", "-fx", NULL, "unknown option -fx" },
  { "near", "--forse", NULL, "unknown option --forse (did you mean --force?)" },
  { "near-equals", "--rot=/x", NULL, "unknown option --rot=/x (did you mean --root?)" },
  { "prefix", "--for", NULL, "unknown option --for" },
  { "missing-value", "--root", NULL, "option --root requires an argument" },
  { "missing-value-letter", "-r", NULL, "option --root requires an argument" },
  { "value-for-flag", "--force=yes", NULL,
    "option --force: expected true or false, got \"yes\"" },
  { "value-for-letter", "-f=", NULL, "option --force: expected true or false, got \"\"" },
  { "value-for-ignored", "--no-subreaper=no", NULL, "option --no-subreaper: expected true or" },
  { "not-a-number", "--number x", NULL, "option --number: expected a number, got \"x\"" },
  { "negative", "--number -1", NULL, "expected a number" },
  { "huge", "--number 4294967296", NULL, "expected a number" },
};

static char *
describe (const Values *values)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (values->force)
    g_string_append (text, "force ");
  if (values->detach)
    g_string_append (text, "detach ");
  if (values->root != NULL)
    g_string_append_printf (text, "root=%s ", values->root);
  if (values->number != 0)
    g_string_append_printf (text, "number=%u ", values->number);
  for (guint i = 0; values->words != NULL && i < values->words->len; i++)
    g_string_append_printf (text, "%s%s", i == 0 ? "words=" : ",",
                            (const char *) g_ptr_array_index (values->words, i));
  if (values->words != NULL)
    g_string_append_c (text, ' ');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  g_auto (GStrv) args = g_strsplit (c->args, " ", -1);
  g_autoptr (GError) error = NULL;
  g_autofree char *result = NULL;
  Values values = { 0 };
  OptionSet set = { options, &values, NULL };
  char **rest;

  if (*c->args == '\0')
    g_clear_pointer (&args[0], g_free);
  rest = options_parse (&set, 1, args, &error);
  result = describe (&values);
  options_clear (options, &values);
  g_assert_null (values.words);
  if (c->rest == NULL)
    {
      g_assert_null (rest);
      g_assert_nonnull (strstr (error->message, c->result));
    }
  else
    {
      g_autofree char *joined = rest != NULL ? g_strjoinv (" ", rest) : NULL;

      g_assert_no_error (error);
      g_assert_cmpstr (joined, ==, c->rest);
      g_assert_cmpstr (result, ==, c->result);
    }
}

/* Two tables: the first that has a name gets it. */
static void
test_sets (void)
{
  static const Option second_options[] = {
    OPTION_STRING (Values, root, 0, "root", "DIR", NULL),
    OPTION_STRING (Values, root, 'b', "bundle", "DIR", NULL),
    OPTION_END,
  };
  Values first = { 0 }, second = { 0 };
  OptionSet sets[] = { { options, &first, NULL }, { second_options, &second, NULL } };
  char *args[] = { (char *) "--root", (char *) "/a", (char *) "-b", (char *) "/b", NULL };

  g_assert_nonnull (options_parse (sets, 2, args, NULL));
  g_assert_cmpstr (first.root, ==, "/a");
  g_assert_cmpstr (second.root, ==, "/b");
  g_assert_cmpstr (sets[1].seen->name, ==, "bundle");
}

static void
test_near (void)
{
  static const char *const words[] = { "run", "start", "state", "list", "kill", "delete" };

  g_assert_cmpstr (options_near ("strat", words, 6), ==, "start");
  g_assert_cmpstr (options_near ("lst", words, 6), ==, "list");
  g_assert_cmpstr (options_near ("deelte", words, 6), ==, "delete");
  g_assert_null (options_near ("frobnicate", words, 6));
  g_assert_null (options_near ("", words, 6));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/options/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/sets", test_sets);
  g_test_add_func ("/near", test_near);
  return g_test_run ();
}
