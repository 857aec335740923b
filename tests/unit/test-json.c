/* The strict reader, the one-line writer, and the field tables' engine. */
#include "config.h"

#include "json/emit.h"
#include "json/field.h"
#include "json/parse.h"

#include <string.h>

/* --- parse --- */

typedef struct {
  const char *name;
  const char *text;
  gsize length;          /* 0: strlen */
  const char *expected;  /* a part of the message; NULL: accepted */
} TextCase;

static const TextCase text_cases[] = {
  { "empty-object", "{}", 0, NULL },
  { "space", " \t\r\n{ \"a\" : [ ] } \n", 0, NULL },
  { "bom", "\xef\xbb\xbf{}", 0, NULL },
  { "values", "{\"a\":[true,false,null,0,-1,0.5,1e3,-0,\"\"]}", 0, NULL },
  { "slash-escape", "{\"a\":\"\\/\"}", 0, NULL },
  { "same-key-elsewhere", "{\"a\":{\"a\":1},\"b\":{\"a\":1}}", 0, NULL },
  { "del", "{\"a\":\"\x7f\"}", 0, NULL },
  { "empty", "", 0, "parse error at line 1, column 1: the text ends where a value is needed" },
  { "spaces", "  \n ", 0, "parse error at line 2, column 2" },
  { "array", "[{}]", 0, "the top level must be an object, not an array" },
  { "string", "\"a\"", 0, "must be an object, not a string" },
  { "number", "12", 0, "must be an object, not a number" },
  { "null", "null", 0, "must be an object, not null" },
  { "trailing", "{}\n{}", 0, "parse error at line 2, column 1: text after the end" },
  { "trailing-nul", "{}\0", 3, "parse error at line 1, column 3: NUL byte" },
  { "truncated-object", "{\"a\":1", 0, "column 7: expected ',' or '}'" },
  { "truncated-array", "{\"a\":[1", 0, "expected ',' or ']'" },
  { "truncated-string", "{\"a", 0, "column 2: the string that starts here does not end" },
  { "truncated-escape", "{\"a\\", 0, "parse error" },
  { "truncated-unicode", "{\"a\\u00", 0, "four hexadecimal digits" },
  { "truncated-word", "{\"a\":tru", 0, "expected a value" },
  { "comma-object", "{\"a\":1,}", 0, "parse error at line 1, column 8: expected a key in quotes" },
  { "comma-array", "{\"a\":[1,]}", 0, "parse error at line 1, column 9: expected a value" },
  { "comma-first", "{\"a\":[,1]}", 0, "parse error" },
  { "comma-missing", "{\"a\":1 \"b\":2}", 0, "parse error" },
  { "comment", "{/* */}", 0, "parse error" },
  { "comment-line", "{} // x", 0, "parse error" },
  { "single-quotes", "{'a':1}", 0, "parse error" },
  { "bare-key", "{a:1}", 0, "parse error" },
  { "no-colon", "{\"a\" 1}", 0, "expected ':'" },
  { "nan", "{\"a\":NaN}", 0, "parse error" },
  { "infinity", "{\"a\":-Infinity}", 0, "parse error" },
  { "upper", "{\"a\":TRUE}", 0, "parse error" },
  { "octal", "{\"a\":0644}", 0, "parse error" },
  { "hex", "{\"a\":0x10}", 0, "parse error" },
  { "plus", "{\"a\":+1}", 0, "parse error" },
  { "point", "{\"a\":1.}", 0, "parse error" },
  { "point-first", "{\"a\":.5}", 0, "parse error" },
  { "exponent", "{\"a\":1e}", 0, "parse error" },
  { "minus", "{\"a\":-}", 0, "parse error" },
  { "bad-escape", "{\"a\":\"\\x41\"}", 0, "unknown escape" },
  { "raw-newline", "{\"a\":\"x\ny\"}", 0, "control character 0x0a" },
  { "raw-tab", "{\"a\":\"\t\"}", 0, "control character 0x09" },
  { "raw-nul", "{\"a\":\"x\0y\"}", 12, "NUL byte" },
  { "escaped-nul", "{\"a\":\"x\\u0000y\"}", 0, "NUL character" },
  { "escaped-nul-key", "{\"x\\u0000y\":1}", 0, "NUL character" },
  { "surrogate-high", "{\"a\":\"\\ud800\"}", 0, "surrogate" },
  { "surrogate-low", "{\"a\":\"\\udc00\"}", 0, "surrogate" },
  { "surrogate-twice", "{\"a\":\"\\ud800\\ud800\"}", 0, "surrogate" },
  { "surrogate-end", "{\"a\":\"\\ud800", 0, "surrogate" },
  { "surrogate-bytes", "{\"a\":\"\xed\xa0\x80\"}", 0, "invalid UTF-8" },
  { "utf8-lone", "{\"a\":\"\x80\"}", 0, "parse error at line 1, column 7: invalid UTF-8" },
  { "utf8-overlong", "{\"a\":\"\xc0\xaf\"}", 0, "invalid UTF-8" },
  { "utf8-cut", "{\"a\":\"\xe2\x82\"}", 0, "invalid UTF-8" },
  { "utf8-large", "{\"a\":\"\xf4\x90\x80\x80\"}", 0, "invalid UTF-8" },
  { "utf-16", "\xff\xfe{\0}\0", 6, "invalid UTF-8" },
  { "elf", "\x7f" "ELF\x02\x01\x01\0", 8, "parse error" },
  { "duplicate", "{\n\"a\":1,\"b\":2,\"a\":3}", 0,
    "parse error at line 1, column 1: duplicate key \"a\"" },
  { "duplicate-deep", "{\"x\":[{\"a\":1,\"a\":1}]}", 0, "column 7: duplicate key \"a\"" },
  { "duplicate-escaped", "{\"a\":1,\"\\u0061\":1}", 0, "duplicate key \"a\"" },
  { "column-in-characters", "{\"\xc3\xa9\xc3\xa9\":x}", 0, "column 7: expected a value" },
};

static void
test_text (gconstpointer data)
{
  const TextCase *c = data;
  gsize length = c->length > 0 ? c->length : strlen (c->text);
  /* without a NUL behind it, so that a read beyond the end shows */
  g_autofree char *copy = g_memdup2 (c->text, length);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonText) text = json_text_parse (copy, length, &error);

  if (c->expected == NULL)
    {
      g_assert_no_error (error);
      g_assert_nonnull (text);
      return;
    }
  g_assert_null (text);
  g_assert_nonnull (error);
  if (strstr (error->message, c->expected) == NULL)
    g_error ("\"%s\" lacks \"%s\"", error->message, c->expected);
  g_assert_null (strchr (error->message, '\n'));
}

static JsonText *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonText *result = json_text_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return result;
}

static void
test_numbers (void)
{
  g_autoptr (JsonText) text = parse ("{\"a\":[0,-0,18446744073709551615,18446744073709551616,"
                                     "-9223372036854775808,-9223372036854775809,1.0,1e2]}");
  const JsonValue *array = json_value_member (json_text_root (text), "a");
  const JsonValue *v = array->items;

  g_assert_cmpuint (array->length, ==, 8);
  g_assert_cmpint (v[0].kind, ==, JSON_KIND_UNSIGNED);
  g_assert_cmpint (v[1].kind, ==, JSON_KIND_UNSIGNED);
  g_assert_cmpuint (v[1].natural, ==, 0);
  g_assert_cmpint (v[2].kind, ==, JSON_KIND_UNSIGNED);
  g_assert_cmpuint (v[2].natural, ==, G_MAXUINT64);
  g_assert_cmpint (v[3].kind, ==, JSON_KIND_NUMBER);
  g_assert_cmpstr (v[3].string, ==, "18446744073709551616");
  g_assert_cmpint (v[4].kind, ==, JSON_KIND_NEGATIVE);
  g_assert_cmpint (v[4].negative, ==, G_MININT64);
  g_assert_cmpint (v[5].kind, ==, JSON_KIND_NUMBER);
  g_assert_cmpint (v[6].kind, ==, JSON_KIND_NUMBER);
  g_assert_cmpstr (v[6].string, ==, "1.0");
  g_assert_cmpstr (v[7].string, ==, "1e2");
}

static void
test_strings (void)
{
  g_autoptr (JsonText) text = parse ("{\"k\\u00e9y\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u20AC"
                                     "\\ud83d\\ude00\xf0\x9f\x98\x80\"}");
  const JsonMember *member = json_text_root (text)->members;

  g_assert_cmpstr (member->key, ==, "k\xc3\xa9y");
  g_assert_cmpstr (member->value.string, ==,
                   "\"\\/\b\f\n\r\t\xe2\x82\xac\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
  g_assert_cmpuint (member->value.length, ==, strlen (member->value.string));
  g_assert_null (json_value_member (json_text_root (text), "nothing"));
  g_assert_null (json_value_member (&member->value, "nothing"));
}

/* Returns "{"a":" and @n levels more. Transfer: full. */
static char *
nested (guint n, char opening, char closing)
{
  g_autofree char *open = g_strnfill (n, opening);
  g_autofree char *close = g_strnfill (n, closing);

  return g_strdup_printf ("{\"a\":%s%s}", open, close);
}

static void
test_depth (void)
{
  g_autofree char *fits = nested (JSON_TEXT_MAX_DEPTH - 1, '[', ']');
  g_autofree char *deep = nested (JSON_TEXT_MAX_DEPTH, '[', ']');
  g_autofree char *abyss = nested (1000000, '[', ']');
  g_autoptr (JsonText) text = parse (fits);
  g_autoptr (GError) error = NULL;

  g_assert_null (json_text_parse (deep, strlen (deep), &error));
  g_assert_nonnull (strstr (error->message, "nested too deep (more than 64 levels)"));
  g_clear_error (&error);
  g_assert_null (json_text_parse (abyss, strlen (abyss), &error));
  g_assert_nonnull (strstr (error->message, "nested too deep"));
}

/* Objects beyond DUPLICATES_SMALL are looked through in another way. */
static void
test_duplicate_in_many (void)
{
  g_autoptr (GString) json = g_string_new ("{");
  g_autoptr (JsonText) text = NULL;
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 1000; i++)
    g_string_append_printf (json, "\"k%d\":%d,", i, i);
  g_string_append (json, "\"last\":0}");
  text = parse (json->str);
  g_assert_cmpuint (json_text_root (text)->length, ==, 1001);
  g_assert_cmpstr (json_text_root (text)->members[999].key, ==, "k999");

  g_string_truncate (json, json->len - 1);
  g_string_append (json, ",\"k500\":0}");
  g_assert_null (json_text_parse (json->str, json->len, &error));
  g_assert_nonnull (strstr (error->message, "duplicate key \"k500\""));
}

static void
test_too_large (void)
{
  gsize length = JSON_TEXT_MAX_LENGTH;
  g_autofree char *fits = g_strnfill (length + 1, ' ');
  g_autoptr (JsonText) text = NULL;
  g_autoptr (GError) error = NULL;

  fits[0] = '{';
  fits[length - 1] = '}';
  text = json_text_parse (fits, length, &error);
  g_assert_no_error (error);
  g_assert_null (json_text_parse (fits, length + 1, &error));
  g_assert_nonnull (strstr (error->message, "too large"));
}

/* --- emit --- */

static void
test_emit (void)
{
  static const char *const list[] = { "a", "b", NULL };
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (JsonText) text = NULL;
  JsonEmit emit;

  json_emit_init (&emit, out);
  json_emit_object (&emit, NULL);
  json_emit_string (&emit, "s", "q\" b\\ n\n e\x1b u\xc3\xa9 \x7f");
  json_emit_string (&emit, "none", NULL);
  json_emit_string (&emit, "bad", "x\xffy");
  json_emit_int (&emit, "i", G_MININT64);
  json_emit_uint (&emit, "u", G_MAXUINT64);
  json_emit_bool (&emit, "yes", TRUE);
  json_emit_bool (&emit, "no", FALSE);
  json_emit_strings (&emit, "list", list);
  json_emit_strings (&emit, "nothing", NULL);
  json_emit_array (&emit, "deep");
  json_emit_object (&emit, NULL);
  json_emit_object_end (&emit);
  json_emit_array (&emit, NULL);
  json_emit_int (&emit, NULL, -1);
  json_emit_array_end (&emit);
  json_emit_array_end (&emit);
  json_emit_object_end (&emit);

  g_assert_cmpstr (out->str, ==,
                   "{\"s\":\"q\\\" b\\\\ n\\u000a e\\u001b u\xc3\xa9 \x7f\",\"none\":null,"
                   "\"bad\":\"x\xef\xbf\xbdy\",\"i\":-9223372036854775808,"
                   "\"u\":18446744073709551615,\"yes\":true,\"no\":false,\"list\":[\"a\",\"b\"],"
                   "\"nothing\":[],\"deep\":[{},[-1]]}");
  text = parse (out->str);
  g_assert_cmpstr (json_value_member (json_text_root (text), "s")->string, ==,
                   "q\" b\\ n\n e\x1b u\xc3\xa9 \x7f");
}

/* --- field --- */

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
  g_autoptr (JsonText) text = parse (json);

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
    "{\"name\":\"n\",\"path\":\"\",\"words\":null,\"numbers\":null,\"colour\":\"\",\"palette\":null,"
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

static void
add_cases (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (text_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/json/text/%s", text_cases[i].name);

      g_test_add_data_func (path, &text_cases[i], test_text);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (field_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/json/field/error/%s", field_cases[i].name);

      g_test_add_data_func (path, &field_cases[i], test_field_error);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_cases ();
  g_test_add_func ("/json/numbers", test_numbers);
  g_test_add_func ("/json/strings", test_strings);
  g_test_add_func ("/json/depth", test_depth);
  g_test_add_func ("/json/duplicate-in-many", test_duplicate_in_many);
  g_test_add_func ("/json/too-large", test_too_large);
  g_test_add_func ("/json/emit", test_emit);
  g_test_add_func ("/json/field/all", test_field_all);
  g_test_add_func ("/json/field/absent", test_field_absent);
  g_test_add_func ("/json/field/required", test_field_required);
  g_test_add_func ("/json/field/notes", test_field_notes);
  g_test_add_func ("/json/field/no-notes", test_field_no_notes);
  g_test_add_func ("/json/field/walk", test_field_walk);
  return g_test_run ();
}
