/* Golden plans: each folder here is a case, a configuration and what is known of the machine
 * (world.h), with the plan that has to come of it, byte for byte:
 *
 *   config.json       or the line "config" of facts
 *   facts             what differs from the usual machine; may be missing
 *   expected.json     the plan as --dry-run --json has it, an element a line
 *   expected.txt      the plan as --dry-run has it, its notes behind it
 *   expected.plain    as --dry-run --plain, its losses behind it; if facts have "plain"
 *   expected.error    instead of all: the message, where there must be no plan
 *
 * BLESS=1 in the environment writes what is expected anew:
 * BLESS=1 make check TESTS=tests/plan/golden */
#include "config.h"

#include "plan/plain.h"
#include "plan/print.h"
#include "world.h"

#include <glib/gstdio.h>
#include <string.h>

static char *
case_file (const char *name, const char *file)
{
  return g_test_build_filename (G_TEST_DIST, "tests", "plan", name, file, NULL);
}

/* --- comparing ------------------------------------------------------------- */

/* Returns @json, one line, with every member of the top and every element of its arrays on a line
 * of its own. Transfer: full. */
static char *
spread (const char *json)
{
  GString *out = g_string_new (NULL);
  gboolean quoted = FALSE;
  int depth = 0;

  for (const char *p = json; *p != '\0'; p++)
    {
      gboolean closes = !quoted && (*p == '}' || *p == ']');
      gboolean opens = !quoted && (*p == '{' || *p == '[');

      depth -= closes;
      if (closes && depth < 2 && p[-1] != '[' && p[-1] != '{')
        g_string_append_printf (out, "\n%*s", 2 * depth, "");
      g_string_append_c (out, *p);
      if (quoted && *p == '\\')
        g_string_append_c (out, *++p);
      else if (*p == '"')
        quoted = !quoted;
      depth += opens;
      if (!quoted && depth <= 2 && ((opens && p[1] != ']' && p[1] != '}') || *p == ','))
        g_string_append_printf (out, "\n%*s", 2 * depth, "");
    }
  return g_string_free (out, FALSE);
}

/* The first line of @text and @other that differs, as text for people. Transfer: full. */
static char *
first_difference (const char *expected, const char *got)
{
  g_auto (GStrv) before = g_strsplit (expected, "\n", -1);
  g_auto (GStrv) after = g_strsplit (got, "\n", -1);
  guint i = 0;

  while (before[i] != NULL && after[i] != NULL && strcmp (before[i], after[i]) == 0)
    i++;
  return g_strdup_printf ("line %u\n  expected: %s\n  got:      %s", i + 1,
                          before[i] != NULL ? before[i] : "(the end)",
                          after[i] != NULL ? after[i] : "(the end)");
}

#define HINT "; BLESS=1 make check TESTS=tests/plan/golden writes it"

/* Compares @text with the file @file of case @name; NULL @text: there must be no such file. */
static void
compare (const char *name, const char *file, const char *text)
{
  g_autofree char *path = case_file (name, file);
  g_autofree char *expected = NULL;
  g_autoptr (GError) error = NULL;

  if (g_getenv ("BLESS") != NULL)
    {
      if (text == NULL)
        (void) g_unlink (path);
      else
        g_file_set_contents (path, text, -1, &error);
      g_assert_no_error (error);
      return;
    }
  (void) g_file_get_contents (path, &expected, NULL, NULL);
  if (g_strcmp0 (expected, text) == 0)
    return;
  if (expected != NULL && text != NULL)
    {
      g_autofree char *difference = first_difference (expected, text);

      g_test_message ("%s/%s: %s", name, file, difference);
      g_test_message ("%s/%s: is not what was expected" HINT, name, file);
    }
  else if (text != NULL)
    g_test_message ("%s/%s: is not there" HINT ":\n%s", name, file, text);
  else
    g_test_message ("%s/%s: there should be none" HINT, name, file);
  g_test_fail ();
}

/* The command for a shell. */
static char *
plain_text (const Case *golden)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Plain) plain = plain_new (golden->spec, golden->facts, &error);
  g_autoptr (GString) losses = NULL;

  g_assert_true ((plain == NULL) == (error != NULL));
  if (plain == NULL)
    return g_strconcat ("error: ", error->message, "\n", NULL);
  losses = plain_format_losses (plain);
  return g_strconcat (plain->command->str, "\n", losses->str, NULL);
}

static void
test_case (gconstpointer data)
{
  const char *name = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (Case) golden = case_read (name, &error);
  g_autoptr (Plan) plan = NULL;
  g_autofree char *json = NULL, *text = NULL, *plain = NULL, *message = NULL;

  if (golden != NULL)
    plan = plan_new (golden->spec, golden->facts, &golden->options, &error);
  g_assert_true ((plan == NULL) == (error != NULL));
  if (plan != NULL)
    {
      g_autoptr (GString) line = plan_format_json (plan);
      g_autoptr (GString) lines = plan_format_text (plan, golden->facts, &golden->options);
      g_autoptr (GString) notes = plan_format_notes (plan);

      json = spread (line->str);
      text = g_strconcat (lines->str, notes->str, NULL);
    }
  else
    message = g_strconcat (error->message, "\n", NULL);
  if (golden != NULL && golden->plain)
    plain = plain_text (golden);
  compare (name, "expected.plain", plain);
  compare (name, "expected.json", json);
  compare (name, "expected.txt", text);
  compare (name, "expected.error", message);
}

/* As if the caller had said "-k": one case that fails is no reason to leave the others out. */
static void
init_keep_going (int argc, char **argv)
{
  g_autofree char **arguments = g_new0 (char *, (gsize) argc + 2);

  for (int i = 0; i < argc; i++)
    arguments[i] = argv[i];
  arguments[argc++] = (char *) "-k";
  g_test_init (&argc, &arguments, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) names = NULL;

  init_keep_going (argc, argv);
  names = case_names ();
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_strconcat ("/plan/", g_ptr_array_index (names, i), NULL);

      g_test_add_data_func (path, g_ptr_array_index (names, i), test_case);
    }
  return g_test_run ();
}
