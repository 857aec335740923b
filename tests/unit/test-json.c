/* The strict reader and the one-line writer. */
#include "config.h"

#include "json/emit.h"
#include "json/parse.h"

#include <string.h>

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

  g_assert_nonnull (text);
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
  json_emit_hundredths (&emit, "h", 1205);
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
                   "\"u\":18446744073709551615,\"h\":12.05,\"yes\":true,\"no\":false,"
                   "\"list\":[\"a\",\"b\"],"
                   "\"nothing\":[],\"deep\":[{},[-1]]}");
  text = parse (out->str);
  g_assert_cmpstr (json_value_member (json_text_root (text), "s")->string, ==,
                   "q\" b\\ n\n e\x1b u\xc3\xa9 \x7f");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (text_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/json/text/%s", text_cases[i].name);

      g_test_add_data_func (path, &text_cases[i], test_text);
    }
  g_test_add_func ("/json/numbers", test_numbers);
  g_test_add_func ("/json/strings", test_strings);
  g_test_add_func ("/json/depth", test_depth);
  g_test_add_func ("/json/duplicate-in-many", test_duplicate_in_many);
  g_test_add_func ("/json/too-large", test_too_large);
  g_test_add_func ("/json/emit", test_emit);
  return g_test_run ();
}
