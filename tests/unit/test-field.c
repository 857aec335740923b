/* The engine of the field tables, on tables made up for it. */
#include "config.h"

#include "json/field.h"

#include <string.h>

static const Name colours[] = { { "red", 0 }, { "blue", 7 }, { NULL, 0 } };

typedef struct {
  char *key;
  OptInt32 weight;
} Inner;

typedef struct {
  OptBool flag;
  OptInt32 small;
  OptUint32 percent;
  OptInt64 large;
  OptUint64 huge;
  char *name;
  char *path;
  char **words;
  GArray *numbers;
  int colour;
  GArray *palette;
  GPtrArray *pairs;
  Inner *inner;
  Inner *always;
  GPtrArray *list;
  GPtrArray *map;
  char *label;
  OptInt64 limit;
} Outer;

static const Field inner_fields[] = {
  FIELD_INT32 (Inner, weight, "weight", "a weight"),
  FIELD_END,
};

static const FieldType inner_type = { "inner", sizeof (Inner), inner_fields };

#define REFUSED .support = FIELD_REFUSED, .reason = "not here"

static const Field outer_fields[] = {
  FIELD_BOOL (Outer, flag, "flag", ""),
  FIELD_INT32 (Outer, small, "small", "", .min = -10, .max = 10),
  FIELD_UINT32 (Outer, percent, "percent", "", .min = 1, .max = 100),
  FIELD_INT64 (Outer, large, "large", ""),
  FIELD_UINT64 (Outer, huge, "huge", ""),
  FIELD_STRING (Outer, name, "name", "", .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY),
  FIELD_STRING (Outer, path, "path", "", .flags = FIELD_ABSOLUTE | FIELD_EMPTY_ABSENT),
  FIELD_STRINGS (Outer, words, "words", "", .flags = FIELD_NOT_EMPTY),
  FIELD_UINT32S (Outer, numbers, "numbers", "", .max = 1000),
  FIELD_NAME (Outer, colour, colours, "colour", "", .flags = FIELD_EMPTY_ABSENT),
  FIELD_NAMES (Outer, palette, colours, "palette", ""),
  FIELD_PAIRS (Outer, pairs, "pairs", ""),
  FIELD_OBJECT (Outer, inner, Inner, inner_type, "inner", "", .flags = FIELD_OLD_ARRAY),
  FIELD_OBJECT (Outer, always, Inner, inner_type, "always", "", .flags = FIELD_ALWAYS),
  FIELD_OBJECTS (Outer, list, inner_type, "list", ""),
  FIELD_MAP (Outer, map, Inner, inner_type, "map", "", REFUSED),
  FIELD_STRING (Outer, label, "label", "", REFUSED),
  FIELD_INT64 (Outer, limit, "limit", "", .flags = FIELD_UNLIMITED, REFUSED),
  FIELD_NOTHING ("other", "", .support = FIELD_IGNORED, .reason = "of no use"),
  FIELD_END,
};

static const FieldType outer_type = { "outer", sizeof (Outer), outer_fields };

static void
free_outer (Outer *outer)
{
  field_free (&outer_type, outer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Outer, free_outer)

static void
free_note (gpointer note)
{
  field_note_free (note);
}

static Outer *
read_outer (const char *json, GPtrArray *notes, GError **error)
{
  g_autoptr (JsonText) text = json_text_parse (json, strlen (json), error);

  g_assert_no_error (*error);
  return field_read (&outer_type, json_text_root (text), "", notes, error);
}

static void
test_field_all (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Outer) o = read_outer (
    "{\"flag\":true,\"small\":-10,\"percent\":100,\"large\":-9223372036854775808,"
    "\"huge\":18446744073709551615,\"name\":\"n\",\"path\":\"/p\",\"words\":[\"a\",\"b\"],"
    "\"numbers\":[1,1000],\"colour\":\"blue\",\"palette\":[\"blue\",\"red\"],"
    "\"pairs\":{\"z\":\"1\",\"a\":\"\"},\"inner\":{\"weight\":5},\"always\":{\"weight\":6},"
    "\"list\":[{},{\"weight\":7}],\"map\":{\"eth0\":{\"weight\":8}},\"label\":\"l\",\"limit\":1,"
    "\"other\":[1]}",
    NULL, &error);

  g_assert_no_error (error);
  g_assert_true (o->flag.set && o->flag.value);
  g_assert_cmpint (o->small.value, ==, -10);
  g_assert_cmpuint (o->percent.value, ==, 100);
  g_assert_cmpint (o->large.value, ==, G_MININT64);
  g_assert_cmpuint (o->huge.value, ==, G_MAXUINT64);
  g_assert_cmpstr (o->path, ==, "/p");
  g_assert_cmpuint (g_strv_length (o->words), ==, 2);
  g_assert_cmpuint (g_array_index (o->numbers, guint32, 1), ==, 1000);
  g_assert_cmpint (o->colour, ==, 7);
  g_assert_cmpuint (g_array_index (o->palette, guint32, 0), ==, 7);
  g_assert_cmpstr (((OciPair *) g_ptr_array_index (o->pairs, 0))->key, ==, "z");
  g_assert_cmpstr (((OciPair *) g_ptr_array_index (o->pairs, 1))->value, ==, "");
  g_assert_cmpint (o->inner->weight.value, ==, 5);
  g_assert_cmpint (o->always->weight.value, ==, 6);
  g_assert_false (((Inner *) g_ptr_array_index (o->list, 0))->weight.set);
  g_assert_cmpstr (((Inner *) g_ptr_array_index (o->map, 0))->key, ==, "eth0");
  g_assert_cmpint (o->limit.value, ==, 1);
}

static void
test_field_absent (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (free_note);
  g_autoptr (Outer) o = read_outer (
    "{\"name\":\"n\",\"path\":\"\",\"words\":null,\"numbers\":null,\"colour\":\"\","
    "\"palette\":null,"
    "\"pairs\":null,\"inner\":null,\"always\":null,\"list\":null,\"map\":null,\"other\":null,"
    "\"stranger\":null}",
    notes, &error);

  g_assert_no_error (error);
  g_assert_false (o->flag.set);
  g_assert_null (o->path);
  g_assert_null (o->words);
  g_assert_null (o->numbers);
  g_assert_cmpint (o->colour, ==, -1);
  g_assert_null (o->palette);
  g_assert_null (o->pairs);
  g_assert_null (o->inner);
  g_assert_nonnull (o->always);
  g_assert_cmpuint (field_count (o->list), ==, 0);
  g_assert_null (o->map);
  g_assert_cmpuint (notes->len, ==, 0);
}

typedef struct {
  const char *name;
  const char *json;     /* the members besides "name" */
  const char *message;  /* all of it */
} FieldCase;

static const FieldCase field_cases[] = {
  { "bool", "\"flag\":1", "/flag: expected a boolean, got a number" },
  { "bool-string", "\"flag\":\"true\"", "/flag: expected a boolean, got a string" },
  { "null-scalar", "\"flag\":null", "/flag: expected a boolean, got null" },
  { "null-string", "\"path\":null", "/path: expected a string, got null" },
  { "small", "\"small\":11", "/small: 11 is out of range (-10 to 10)" },
  { "small-negative", "\"small\":-11", "/small: -11 is out of range (-10 to 10)" },
  { "percent-zero", "\"percent\":0", "/percent: 0 is out of range (1 to 100)" },
  { "percent-minus", "\"percent\":-1", "/percent: -1 is out of range (1 to 100)" },
  { "large", "\"large\":9223372036854775808",
    "/large: 9223372036854775808 is out of range (-9223372036854775808 to 9223372036854775807)" },
  { "huge", "\"huge\":18446744073709551616",
    "/huge: 18446744073709551616 is out of range (0 to 18446744073709551615)" },
  { "fraction", "\"huge\":0.5", "/huge: expected an integer, got 0.5" },
  { "exponent", "\"huge\":1e2", "/huge: expected an integer, got 1e2" },
  { "number-string", "\"huge\":\"1\"", "/huge: expected a number, got a string" },
  { "relative", "\"path\":\"a\\nb\"", "/path: must be an absolute path, got \"a\\x0ab\"" },
  { "words-number", "\"words\":[\"a\",1]", "/words/1: expected a string, got a number" },
  { "words-null", "\"words\":[null]", "/words/0: expected a string, got null" },
  { "words-empty", "\"words\":[\"\"]", "/words/0: must not be empty" },
  { "words-object", "\"words\":{}", "/words: expected an array, got an object" },
  { "numbers", "\"numbers\":[0,1001]", "/numbers/1: 1001 is out of range (0 to 1000)" },
  { "numbers-fraction", "\"numbers\":[0.5]", "/numbers/0: expected an integer, got 0.5" },
  { "colour", "\"colour\":\"green\"", "/colour: unknown value \"green\"" },
  { "palette", "\"palette\":[\"red\",\"\"]", "/palette/1: unknown value \"\"" },
  { "pairs", "\"pairs\":{\"a/b~c\":1}", "/pairs/a~1b~0c: expected a string, got a number" },
  { "pairs-key", "\"pairs\":{\"\":\"x\"}", "/pairs: must not have an empty key" },
  { "inner", "\"inner\":{\"weight\":2147483648}",
    "/inner/weight: 2147483648 is out of range (-2147483648 to 2147483647)" },
  { "inner-null", "\"inner\":{\"weight\":null}", "/inner/weight: expected a number, got null" },
  { "list", "\"list\":[{},{\"weight\":\"\"}]", "/list/1/weight: expected a number, got a string" },
  { "list-null", "\"list\":[null]", "/list/0: expected an object, got null" },
  { "map", "\"map\":{\"e\":{\"weight\":[]}}", "/map/e/weight: expected a number, got an array" },
  { "map-string", "\"map\":{\"e\":\"\"}", "/map/e: expected an object, got a string" },
  { "refused-type", "\"label\":5", "/label: expected a string, got a number" },
};

static void
test_field_error (gconstpointer data)
{
  const FieldCase *c = data;
  g_autofree char *json = g_strdup_printf ("{\"name\":\"n\",%s}", c->json);
  g_autoptr (GError) error = NULL;
  g_autoptr (Outer) o = read_outer (json, NULL, &error);

  g_assert_null (o);
  g_assert_cmpstr (error->message, ==, c->message);
}

static void
test_field_required (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (read_outer ("{}", NULL, &error));
  g_assert_cmpstr (error->message, ==, "/name: is missing");
  g_clear_error (&error);
  g_assert_null (read_outer ("{\"name\":null}", NULL, &error));
  g_assert_cmpstr (error->message, ==, "/name: expected a string, got null");
  g_clear_error (&error);
  g_assert_null (read_outer ("{\"name\":\"\"}", NULL, &error));
  g_assert_cmpstr (error->message, ==, "/name: must not be empty");
}

static void
test_field_notes (void)
{
  static const struct {
    const char *pointer;
    FieldSupport support;
    gboolean unknown;
  } expected[] = {
    { "/label", FIELD_REFUSED, FALSE },
    { "/limit", FIELD_REFUSED, FALSE },
    { "/map", FIELD_REFUSED, FALSE },
    { "/other", FIELD_IGNORED, FALSE },
    { "/inner", FIELD_IGNORED, FALSE },
    { "/list/0/stranger", FIELD_IGNORED, TRUE },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (free_note);
  g_autoptr (Outer) o = read_outer (
    "{\"name\":\"n\",\"label\":\"x\",\"limit\":5,\"map\":{\"a\":{\"weight\":1,\"stranger\":1}},"
    "\"other\":{\"x\":1},\"inner\":[1],\"list\":[{\"stranger\":0}],"
    "\"empty\":{\"a\":[],\"b\":{\"c\":\"\",\"d\":false}}}",
    notes, &error);

  g_assert_no_error (error);
  g_assert_null (o->inner);
  g_assert_cmpuint (notes->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < notes->len; i++)
    {
      const FieldNote *note = g_ptr_array_index (notes, i);

      g_assert_cmpstr (note->pointer, ==, expected[i].pointer);
      g_assert_cmpint (note->support, ==, expected[i].support);
      g_assert_cmpint (note->unknown, ==, expected[i].unknown);
      g_assert_nonnull (note->reason);
    }
}

static void
test_field_no_notes (void)
{
  static const char *const limits[] = { "0", "-1" };

  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autofree char *json
        = g_strdup_printf ("{\"name\":\"n\",\"label\":\"\",\"limit\":%s,\"map\":{},\"other\":[],"
                           "\"inner\":[]}", limits[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (free_note);
      g_autoptr (Outer) o = read_outer (json, notes, &error);

      g_assert_no_error (error);
      g_assert_nonnull (o);
      g_assert_cmpuint (notes->len, ==, 0);
    }
}

static void
collect (const char *path, const Field *field, FieldSupport support, const char *reason,
         gpointer data)
{
  g_string_append_printf (data, "%s %s\n", path, field_support_name (support));
}

static void
test_field_walk (void)
{
  g_autoptr (GString) out = g_string_new (NULL);

  field_walk (&outer_type, collect, out);
  g_assert_true (g_str_has_prefix (out->str, "flag done\nsmall done\n"));
  g_assert_nonnull (strstr (out->str, "\ninner done\ninner.weight done\n"));
  g_assert_nonnull (strstr (out->str, "\nlist done\nlist[].weight done\n"));
  g_assert_nonnull (strstr (out->str, "\nmap refused\nmap{}.weight refused\n"));
  g_assert_nonnull (strstr (out->str, "\nother ignored\n"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (field_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/field/error/%s", field_cases[i].name);

      g_test_add_data_func (path, &field_cases[i], test_field_error);
    }
  g_test_add_func ("/field/all", test_field_all);
  g_test_add_func ("/field/absent", test_field_absent);
  g_test_add_func ("/field/required", test_field_required);
  g_test_add_func ("/field/notes", test_field_notes);
  g_test_add_func ("/field/no-notes", test_field_no_notes);
  g_test_add_func ("/field/walk", test_field_walk);
  return g_test_run ();
}
