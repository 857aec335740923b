/* Golden plans: each folder here is a case, a configuration and what is known of the machine
 * (world.h), with the plan that has to come of it, byte for byte:
 *
 *   config.json       or the line "config" of facts
 *   facts             what differs from the usual machine; may be missing
 *   expected.json     the plan as --dry-run --json has it, an element a line
 *   expected.txt      the plan as --dry-run has it, its notes behind it
 *   expected.error    instead of both: the message, where there must be no plan
 *
 * BLESS=1 in the environment writes what is expected anew. */
#include "config.h"

#include "plan/print.h"
#include "world.h"

#include <glib/gstdio.h>
#include <string.h>

static char *
data_file (const char *folder, const char *name)
{
  return g_test_build_filename (G_TEST_DIST, "tests", folder, name, NULL);
}

static char *
case_file (const char *name, const char *file)
{
  return g_test_build_filename (G_TEST_DIST, "tests", "plan", name, file, NULL);
}

static char *
read_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* --- the configuration ----------------------------------------------------- */

/* As many mounts as were asked for, to stand where "@many" stands. */
static char *
many_mounts (guint64 n)
{
  GString *text = g_string_new (NULL);

  for (guint64 i = 0; i < n; i++)
    g_string_append_printf (text, "%s{\"destination\":\"/mnt/%" G_GUINT64_FORMAT "\","
                            "\"type\":\"bind\",\"source\":\"/srv\"}", i > 0 ? "," : "", i);
  return g_string_free (text, FALSE);
}

static char *
read_config (World *world, const char *name)
{
  const char *recorded = world_value (world, "config");
  g_autofree char *path = strcmp (recorded, "none") == 0 ? case_file (name, "config.json")
                                                         : data_file ("data/configs", recorded);
  g_autofree char *text = read_file (path);
  g_autoptr (GString) config = g_string_new (text);
  g_autofree char *many = many_mounts (g_ascii_strtoull (world_value (world, "many_mounts"), NULL,
                                                         10));

  g_string_replace (config, "\"@many\"", many, 0);
  /* a recorded one has the name of a host's path where an absolute path belongs */
  g_string_replace (config, "\"@", "\"/@", 0);
  return g_string_free (g_steal_pointer (&config), FALSE);
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
    }
  else
    g_test_message ("%s/%s: %s", name, file, text != NULL ? text : "there should be none");
  g_test_fail ();
}

static void
test_case (gconstpointer data)
{
  const char *name = data;
  g_autofree char *usual = data_file ("plan", "facts");
  g_autofree char *own = case_file (name, "facts");
  g_autoptr (World) world = world_read (usual, own);
  g_autofree char *config = read_config (world, name);
  g_autoptr (GError) error = NULL;
  g_autoptr (OciSpec) spec = oci_spec_parse (config, strlen (config), "config.json", &error);
  g_autoptr (HostFacts) facts = NULL;
  g_autoptr (Plan) plan = NULL;
  g_autofree char *json = NULL, *text = NULL, *message = NULL;
  PlanOptions options;

  world_options (world, &options);
  if (spec != NULL)
    {
      facts = world_facts (world, spec);
      plan = plan_new (spec, facts, &options, &error);
    }
  g_assert_true ((plan == NULL) == (error != NULL));
  if (plan != NULL)
    {
      g_autoptr (GString) line = plan_format_json (plan);
      g_autoptr (GString) lines = plan_format_text (plan, facts, &options);
      g_autoptr (GString) notes = plan_format_notes (plan);

      json = spread (line->str);
      text = g_strconcat (lines->str, notes->str, NULL);
    }
  else
    message = g_strconcat (error->message, "\n", NULL);
  compare (name, "expected.json", json);
  compare (name, "expected.txt", text);
  compare (name, "expected.error", message);
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
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
  g_autoptr (GPtrArray) cases = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;

  init_keep_going (argc, argv);
  folder = g_test_build_filename (G_TEST_DIST, "tests", "plan", NULL);
  dir = g_dir_open (folder, 0, NULL);
  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR) && *name != '.')
        g_ptr_array_add (cases, g_strdup (name));
    }
  g_ptr_array_sort (cases, by_name);
  for (guint i = 0; i < cases->len; i++)
    {
      g_autofree char *path = g_strconcat ("/plan/", g_ptr_array_index (cases, i), NULL);

      g_test_add_data_func (path, g_ptr_array_index (cases, i), test_case);
    }
  return g_test_run ();
}
