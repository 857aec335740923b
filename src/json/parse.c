/* The reader goes over the text once, by recursive descent of at most JSON_TEXT_MAX_DEPTH calls.
 *
 * Memory: the bytes of all strings fit into one buffer as long as the text, since each is shorter
 * than its quoted form. The children of an array or object are collected on one shared stack and
 * moved to their final place when it ends, so that a value costs 16 bytes and a member 24. */
#include "config.h"

#include "json/parse.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((gsize) 32 * 1024)

/* Up to this many members are compared each with each, more are sorted. */
#define DUPLICATES_SMALL 16

struct JsonText {
  JsonValue root;
  char *strings;
  GPtrArray *blocks;  /* of memory for items and members */
  char *block_free;   /* the unused rest of the last block */
  gsize block_left;
};

typedef struct {
  JsonText *text;
  const char *start;
  const char *at;
  const char *end;
  char *strings;  /* the unused rest of text->strings */
  GArray *stack;  /* of JsonMember: children of what is being read; the key is NULL in arrays */
  guint depth;
  GError **error;
} Reader;

static gboolean read_value (Reader *r, JsonValue *ret_value);

/* Says what is wrong at @where, which lies in the text. */
G_GNUC_PRINTF (3, 4)
static gboolean
fail (Reader *r, const char *where, const char *format, ...)
{
  g_autofree char *message = NULL;
  guint line = 1;
  guint column = 1;
  va_list args;

  for (const char *p = r->start; p < where; p++)
    if (*p == '\n')
      {
        line++;
        column = 1;
      }
    else if ((*p & 0xc0) != 0x80)
      column++;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  return throw (r->error, "parse error at line %u, column %u: %s", line, column, message);
}

static gpointer
allocate (JsonText *text, gsize size)
{
  char *place;

  if (size == 0)
    return NULL;
  if (size > text->block_left)
    {
      gsize block_size = MAX (size, BLOCK_SIZE);

      text->block_free = g_malloc (block_size);
      text->block_left = block_size;
      g_ptr_array_add (text->blocks, text->block_free);
    }
  place = text->block_free;
  text->block_free += size;
  text->block_left -= size;
  return place;
}

static void
skip_space (Reader *r)
{
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
    r->at++;
}

/* Goes past @c if it comes next, space aside. */
static gboolean
take (Reader *r, char c)
{
  skip_space (r);
  if (r->at == r->end || *r->at != c)
    return FALSE;
  r->at++;
  return TRUE;
}

/* Reads the four digits of \uXXXX. */
static gboolean
read_hex (Reader *r, gunichar *ret_code)
{
  gunichar code = 0;

  for (int i = 0; i < 4; i++, r->at++)
    {
      int digit = r->at < r->end ? g_ascii_xdigit_value (*r->at) : -1;

      if (digit < 0)
        return fail (r, r->at, "expected four hexadecimal digits after \\u");
      code = code * 16 + (gunichar) digit;
    }
  *ret_code = code;
  return TRUE;
}

/* Reads what follows "\u", and the second half of a surrogate pair (RFC 8259 section 7). */
static gboolean
read_unicode (Reader *r, gunichar *ret_code)
{
  const char *start = r->at - 2;
  gunichar code = 0;
  gunichar low;

  if (!read_hex (r, &code))
    return FALSE;
  if (code == 0)
    return fail (r, start, "NUL character in a string");
  if (code >= 0xd800 && code <= 0xdfff)
    {
      if (code >= 0xdc00 || r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
        return fail (r, start, "unpaired surrogate");
      r->at += 2;
      if (!read_hex (r, &low))
        return FALSE;
      if (low < 0xdc00 || low > 0xdfff)
        return fail (r, start, "unpaired surrogate");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
  *ret_code = code;
  return TRUE;
}

/* Reads an escape sequence, of which the backslash comes next, and appends the character. */
static gboolean
read_escape (Reader *r, char **out)
{
  static const char plain[128] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
  };
  const char *start = r->at++;
  gunichar code = 0;
  guchar c;

  c = r->at < r->end ? (guchar) *r->at : 0;
  if (c < sizeof plain && plain[c] != '\0')
    {
      *(*out)++ = plain[c];
      r->at++;
      return TRUE;
    }
  if (c != 'u')
    return fail (r, start, "unknown escape sequence");
  r->at++;
  if (!read_unicode (r, &code))
    return FALSE;
  *out += g_unichar_to_utf8 (code, *out);
  return TRUE;
}

/* Reads a string, of which the quote comes next. */
static gboolean
read_string (Reader *r, const char **ret_string, guint32 *ret_length)
{
  const char *start = r->at++;
  char *string = r->strings;
  char *out = string;

  for (;;)
    {
      const char *run = r->at;

      while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (guchar) *r->at >= 0x20)
        r->at++;
      memcpy (out, run, (gsize) (r->at - run));
      out += r->at - run;
      if (r->at == r->end)
        return fail (r, start, "the string that starts here does not end");
      if (*r->at == '"')
        break;
      if (*r->at != '\\')
        return fail (r, r->at, "control character 0x%02x in a string", (guint) *r->at);
      if (!read_escape (r, &out))
        return FALSE;
    }
  r->at++;
  *out = '\0';
  r->strings = out + 1;
  *ret_string = string;
  *ret_length = (guint32) (out - string);
  return TRUE;
}

static gboolean
skip_digits (Reader *r)
{
  const char *start = r->at;

  while (r->at < r->end && g_ascii_isdigit (*r->at))
    r->at++;
  return r->at > start;
}

/* Goes past a number (RFC 8259 section 6) and says whether it is an integer. */
static gboolean
skip_number (Reader *r, gboolean *ret_integer)
{
  gboolean integer = TRUE;

  if (*r->at == '-')
    r->at++;
  if (r->at < r->end && *r->at == '0')
    r->at++;
  else if (!skip_digits (r))
    return fail (r, r->at, "expected a digit");
  if (r->at < r->end && *r->at == '.')
    {
      integer = FALSE;
      r->at++;
      if (!skip_digits (r))
        return fail (r, r->at, "expected a digit after the decimal point");
    }
  if (r->at < r->end && (*r->at == 'e' || *r->at == 'E'))
    {
      integer = FALSE;
      r->at++;
      if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
        r->at++;
      if (!skip_digits (r))
        return fail (r, r->at, "expected a digit in the exponent");
    }
  *ret_integer = integer;
  return TRUE;
}

/* The text of a number that is kept takes one byte more than it has, for NUL. The '[', ',' or ':'
 * before it gave that byte. */
static gboolean
read_number (Reader *r, JsonValue *ret_value)
{
  const char *start = r->at;
  char *copy = r->strings;
  gboolean integer = FALSE;
  gsize length;

  if (!skip_number (r, &integer))
    return FALSE;
  length = (gsize) (r->at - start);
  memcpy (copy, start, length);
  copy[length] = '\0';

  if (integer && g_ascii_string_to_unsigned (copy, 10, 0, G_MAXUINT64, &ret_value->natural, NULL))
    ret_value->kind = JSON_KIND_UNSIGNED;
  else if (integer
           && g_ascii_string_to_signed (copy, 10, G_MININT64, 0, &ret_value->negative, NULL))
    /* "-0" has the same bits as 0 */
    ret_value->kind = ret_value->negative < 0 ? JSON_KIND_NEGATIVE : JSON_KIND_UNSIGNED;
  else
    {
      ret_value->kind = JSON_KIND_NUMBER;
      ret_value->string = copy;
      ret_value->length = (guint32) length;
      r->strings += length + 1;
    }
  return TRUE;
}

static gboolean
read_word (Reader *r, JsonValue *ret_value)
{
  static const struct {
    const char *word;
    JsonKind kind;
    gboolean boolean;
  } words[] = {
    { "true", JSON_KIND_BOOLEAN, TRUE },
    { "false", JSON_KIND_BOOLEAN, FALSE },
    { "null", JSON_KIND_NULL, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize length = strlen (words[i].word);

      if ((gsize) (r->end - r->at) >= length && memcmp (r->at, words[i].word, length) == 0)
        {
          r->at += length;
          ret_value->kind = words[i].kind;
          ret_value->boolean = words[i].boolean;
          return TRUE;
        }
    }
  return fail (r, r->at, r->at == r->end ? "the text ends where a value is needed"
                                         : "expected a value");
}

static gboolean
read_array (Reader *r, JsonValue *ret_value)
{
  guint base = r->stack->len;
  JsonValue *items;
  guint n;

  r->at++;
  if (!take (r, ']'))
    {
      do
        {
          JsonMember item = { NULL };

          if (!read_value (r, &item.value))
            return FALSE;
          g_array_append_val (r->stack, item);
        }
      while (take (r, ','));
      if (!take (r, ']'))
        return fail (r, r->at, "expected ',' or ']'");
    }

  n = r->stack->len - base;
  items = allocate (r->text, n * sizeof *items);
  for (guint i = 0; i < n; i++)
    items[i] = g_array_index (r->stack, JsonMember, base + i).value;
  g_array_set_size (r->stack, base);
  *ret_value = (JsonValue) { .kind = JSON_KIND_ARRAY, .length = n, .items = items };
  return TRUE;
}

static int
compare_keys (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Returns a key that is in @members more than once, or NULL. Sorting has no worst case that a
 * crafted file could bring about, as a hash table has. */
static const char *
find_duplicate (const JsonMember *members, guint n)
{
  g_autofree const char **keys = NULL;

  if (n <= DUPLICATES_SMALL)
    {
      for (guint i = 1; i < n; i++)
        for (guint j = 0; j < i; j++)
          if (strcmp (members[i].key, members[j].key) == 0)
            return members[i].key;
      return NULL;
    }

  keys = g_new (const char *, n);
  for (guint i = 0; i < n; i++)
    keys[i] = members[i].key;
  qsort (keys, n, sizeof *keys, compare_keys);
  for (guint i = 1; i < n; i++)
    if (strcmp (keys[i - 1], keys[i]) == 0)
      return keys[i];
  return NULL;
}

static gboolean
read_member (Reader *r, JsonMember *ret_member)
{
  guint32 length;

  skip_space (r);
  if (r->at == r->end || *r->at != '"')
    return fail (r, r->at, "expected a key in quotes");
  if (!read_string (r, &ret_member->key, &length))
    return FALSE;
  if (!take (r, ':'))
    return fail (r, r->at, "expected ':'");
  return read_value (r, &ret_member->value);
}

static gboolean
read_object (Reader *r, JsonValue *ret_value)
{
  const char *start = r->at++;
  guint base = r->stack->len;
  JsonMember *members;
  const char *duplicate;
  guint n;

  if (!take (r, '}'))
    {
      do
        {
          JsonMember member = { NULL };

          if (!read_member (r, &member))
            return FALSE;
          g_array_append_val (r->stack, member);
        }
      while (take (r, ','));
      if (!take (r, '}'))
        return fail (r, r->at, "expected ',' or '}'");
    }

  n = r->stack->len - base;
  members = allocate (r->text, n * sizeof *members);
  if (n > 0)
    memcpy (members, &g_array_index (r->stack, JsonMember, base), n * sizeof *members);
  g_array_set_size (r->stack, base);
  duplicate = find_duplicate (members, n);
  if (duplicate != NULL)
    return fail (r, start, "duplicate key \"%.100s\" in the object that starts here", duplicate);
  *ret_value = (JsonValue) { .kind = JSON_KIND_OBJECT, .length = n, .members = members };
  return TRUE;
}

static gboolean
read_container (Reader *r, JsonValue *ret_value)
{
  gboolean ok;

  if (r->depth == JSON_TEXT_MAX_DEPTH)
    return fail (r, r->at, "nested too deep (more than %d levels)", JSON_TEXT_MAX_DEPTH);
  r->depth++;
  ok = *r->at == '[' ? read_array (r, ret_value) : read_object (r, ret_value);
  r->depth--;
  return ok;
}

static gboolean
read_value (Reader *r, JsonValue *ret_value)
{
  char c = '\0';

  skip_space (r);
  if (r->at < r->end)
    c = *r->at;
  if (c == '{' || c == '[')
    return read_container (r, ret_value);
  if (c == '"')
    {
      ret_value->kind = JSON_KIND_STRING;
      return read_string (r, &ret_value->string, &ret_value->length);
    }
  if (c == '-' || g_ascii_isdigit (c))
    return read_number (r, ret_value);
  return read_word (r, ret_value);
}

/* Everything after this can take for granted that the text is UTF-8 without NUL. */
static gboolean
check_encoding (Reader *r)
{
  const char *bad;

  if (g_utf8_validate_len (r->at, (gsize) (r->end - r->at), &bad))
    return TRUE;
  return fail (r, bad, *bad == '\0' ? "NUL byte" : "invalid UTF-8");
}

static gboolean
read_text (Reader *r)
{
  JsonValue *root = &r->text->root;

  if (r->end - r->at >= 3 && memcmp (r->at, "\xef\xbb\xbf", 3) == 0)
    r->at += 3;
  if (!check_encoding (r) || !read_value (r, root))
    return FALSE;
  skip_space (r);
  if (r->at < r->end)
    return fail (r, r->at, "text after the end");
  if (root->kind != JSON_KIND_OBJECT)
    return throw (r->error, "the top level must be an object, not %s", json_value_kind_name (root));
  return TRUE;
}

JsonText *
json_text_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (GArray) stack = NULL;
  g_autoptr (JsonText) result = NULL;
  Reader r;

  if (length > JSON_TEXT_MAX_LENGTH)
    return throw_null (error, "too large: %" G_GSIZE_FORMAT " bytes, at most %" G_GSIZE_FORMAT,
                       length, JSON_TEXT_MAX_LENGTH);
  if (length == 0)
    text = "";  /* it may be NULL then, which is not to be computed with */
  stack = g_array_sized_new (FALSE, FALSE, sizeof (JsonMember), 64);
  result = g_new0 (JsonText, 1);
  result->blocks = g_ptr_array_new_with_free_func (g_free);
  result->strings = g_malloc (length + 1);
  r = (Reader) {
    .text = result,
    .start = text,
    .at = text,
    .end = text + length,
    .strings = result->strings,
    .stack = stack,
    .error = error,
  };
  if (!read_text (&r))
    return NULL;
  return g_steal_pointer (&result);
}

void
json_text_free (JsonText *text)
{
  if (text == NULL)
    return;
  g_ptr_array_unref (text->blocks);
  g_free (text->strings);
  g_free (text);
}

const JsonValue *
json_text_root (const JsonText *text)
{
  return &text->root;
}

const JsonValue *
json_value_member (const JsonValue *object, const char *key)
{
  if (object->kind != JSON_KIND_OBJECT)
    return NULL;
  for (guint32 i = 0; i < object->length; i++)
    if (strcmp (object->members[i].key, key) == 0)
      return &object->members[i].value;
  return NULL;
}

const char *
json_value_kind_name (const JsonValue *value)
{
  static const char *const names[] = {
    [JSON_KIND_NULL] = "null",
    [JSON_KIND_BOOLEAN] = "a boolean",
    [JSON_KIND_UNSIGNED] = "a number",
    [JSON_KIND_NEGATIVE] = "a number",
    [JSON_KIND_NUMBER] = "a number",
    [JSON_KIND_STRING] = "a string",
    [JSON_KIND_ARRAY] = "an array",
    [JSON_KIND_OBJECT] = "an object",
  };

  return names[value->kind];
}
