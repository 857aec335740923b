/* Subordinate ids; see subid.h. */
#include "config.h"

#include "host/subid.h"

#include "base/ask.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"

#include <fcntl.h>
#include <string.h>

/* Beyond these a file is not read: a subuid file of 100000 users has 3 MiB. */
#define SUBID_SIZE_MAX ((gsize) 16 * 1024 * 1024)
#define PASSWD_SIZE_MAX ((gsize) 1024 * 1024)
#define NSSWITCH_SIZE_MAX ((gsize) 64 * 1024)

/* --- parsing ------------------------------------------------------------------------------ */

/* A piece of a text. */
typedef struct {
  const char *start;
  gsize length;
} Span;

/* Cuts the part of *@rest before the first @separator off into @ret_part. FALSE: nothing is left.
 * A separator at the very end is not followed by an empty part. */
static gboolean
span_cut (Span *rest, char separator, Span *ret_part)
{
  const char *end;

  if (rest->length == 0)
    return FALSE;
  end = memchr (rest->start, separator, rest->length);
  ret_part->start = rest->start;
  ret_part->length = end != NULL ? (gsize) (end - rest->start) : rest->length;
  rest->start += ret_part->length + (end != NULL);
  rest->length -= ret_part->length + (end != NULL);
  return TRUE;
}

static gboolean
span_equals (Span span, const char *text)
{
  return strlen (text) == span.length && memcmp (span.start, text, span.length) == 0;
}

/* Reads a number of decimal digits up to @max. */
static gboolean
span_number (Span span, guint64 max, guint64 *ret_value)
{
  guint64 value = 0;

  if (span.length == 0 || span.length > 10)
    return FALSE;
  for (gsize i = 0; i < span.length; i++)
    {
      if (!g_ascii_isdigit (span.start[i]))
        return FALSE;
      value = value * 10 + (guint64) (span.start[i] - '0');
    }
  if (value > max)
    return FALSE;
  *ret_value = value;
  return TRUE;
}

/* Reads "OWNER:FIRST:COUNT" if the owner is the user. The id 4294967295 is none, so no range may
 * reach it. */
static gboolean
parse_line (Span line, const char *user, uid_t uid, IdRange *ret_range)
{
  Span owner, first_part, count_part;
  guint64 number, first, count;

  if (!span_cut (&line, ':', &owner) || !span_cut (&line, ':', &first_part))
    return FALSE;
  count_part = line;
  if (!(user != NULL && span_equals (owner, user))
      && !(span_number (owner, G_MAXUINT32, &number) && number == uid))
    return FALSE;
  if (!span_number (first_part, G_MAXUINT32 - 1, &first)
      || !span_number (count_part, G_MAXUINT32, &count) || count == 0
      || first + count > G_MAXUINT32)
    return FALSE;
  *ret_range = (IdRange) { .first = (guint32) first, .count = (guint32) count };
  return TRUE;
}

void
subid_parse (const char *text, gsize length, const char *user, uid_t uid, GArray *ranges)
{
  Span rest = { text, length }, line;

  while (span_cut (&rest, '\n', &line))
    {
      IdRange range;

      if (parse_line (line, user, uid, &range))
        g_array_append_val (ranges, range);
    }
}

void
subid_clip (GArray *ranges, const GArray *map)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (IdRange));

  g_array_append_vals (all, ranges->data, ranges->len);
  g_array_set_size (ranges, 0);
  for (guint i = 0; i < all->len; i++)
    for (guint j = 0; j < map->len; j++)
      {
        const IdRange *range = &g_array_index (all, IdRange, i);
        const IdRange *here = &g_array_index (map, IdRange, j);
        guint64 first = MAX (range->first, here->inside);
        guint64 end = MIN ((guint64) range->first + range->count,
                           (guint64) here->inside + here->count);
        IdRange part = { .first = (guint32) first, .count = (guint32) (end - first) };

        if (first < end)
          g_array_append_val (ranges, part);
      }
}

/* --- where to look ------------------------------------------------------------------------ */

/* What nsswitch.conf(5) says of the two databases that matter here. */
typedef struct {
  gboolean passwd_files;  /* /etc/passwd is asked first */
  gboolean subid_files;   /* no plugin is asked */
} Databases;

/* Returns the first source of a line "DATABASE: SOURCE ...", cut out of @line, which is what
 * follows the colon. */
static Span
first_source (Span line)
{
  Span word = { line.start, 0 };

  while (line.length > 0 && g_ascii_isspace (*line.start))
    {
      line.start++;
      line.length--;
    }
  word.start = line.start;
  while (word.length < line.length && !g_ascii_isspace (word.start[word.length])
         && strchr ("[#", word.start[word.length]) == NULL)
    word.length++;
  return word;
}

static Databases
read_databases (int directory)
{
  Databases found = { .passwd_files = FALSE, .subid_files = TRUE };
  g_autofree char *text = NULL;
  Span rest, line, name;
  gsize length;

  text = fd_read_file_at (directory, "nsswitch.conf", NSSWITCH_SIZE_MAX, &length, NULL);
  if (text == NULL)
    return found;
  rest = (Span) { text, length };
  while (span_cut (&rest, '\n', &line))
    {
      if (!span_cut (&line, ':', &name))
        continue;
      if (span_equals (name, "passwd"))
        found.passwd_files = span_equals (first_source (line), "files");
      else if (span_equals (name, "subid"))
        found.subid_files = first_source (line).length == 0
                            || span_equals (first_source (line), "files");
    }
  return found;
}

/* Finds the login name of @uid in the passwd file; NULL: not there. It is read here first because
 * to ask takes a program. Transfer: full. */
static char *
find_in_passwd (int directory, uid_t uid)
{
  g_autofree char *text = NULL;
  Span rest, line, name, password, number;
  guint64 value;
  gsize length;

  text = fd_read_file_at (directory, "passwd", PASSWD_SIZE_MAX, &length, NULL);
  if (text == NULL)
    return NULL;
  rest = (Span) { text, length };
  while (span_cut (&rest, '\n', &line))
    if (span_cut (&line, ':', &name) && span_cut (&line, ':', &password)
        && span_cut (&line, ':', &number) && span_number (number, G_MAXUINT32, &value)
        && value == uid && name.length > 0)
      return g_strndup (name.start, name.length);
  return NULL;
}

/* --- asking the companion ----------------------------------------------------------------- */

/* Asks for what other sources than files know: they are plugins, which are not loaded here.
 * Transfer: full. */
static char *
ask (const char *command, const char *argument, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  g_autofree char *answer = NULL;
  int status;

  g_ptr_array_add (words, (gpointer) command);
  g_ptr_array_add (words, (gpointer) argument);
  answer = ask_companion (words, &status, error);
  if (answer == NULL || status == 0)
    return g_steal_pointer (&answer);
  return throw_null (error, "%s", answer);
}

static char *
find_user (int directory, const Databases *databases, uid_t uid)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *number = NULL;
  g_autofree char *user = NULL;

  if (databases->passwd_files)
    user = find_in_passwd (directory, uid);
  if (user != NULL)
    return g_steal_pointer (&user);
  number = g_strdup_printf ("%u", uid);
  user = ask ("user", number, &error);
  if (user == NULL)
    log_warning ("the name of uid %u cannot be asked for: %s", uid, error->message);
  return user != NULL && *user != '\0' ? g_steal_pointer (&user) : NULL;
}

char *
host_user_name (uid_t uid)
{
  autofd fd = open (USERS_DIRECTORY, O_PATH | O_DIRECTORY | O_CLOEXEC);
  Databases databases = read_databases (fd);

  return find_user (fd, &databases, uid);
}

/* Asks for the ranges of the user. They come in lines as the files have them, of the owners "uid"
 * and "gid". */
static gboolean
ask_ranges (MachineFacts *facts)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *lines = ask ("sub-ids", facts->user, &error);

  if (lines != NULL)
    {
      subid_parse (lines, strlen (lines), "uid", facts->uid, facts->sub_uids);
      subid_parse (lines, strlen (lines), "gid", facts->uid, facts->sub_gids);
      return TRUE;
    }
  log_warning ("nsswitch.conf: the source of subid cannot be asked, so the files are: %s",
               error->message);
  return FALSE;
}

/* --- all of it ---------------------------------------------------------------------------- */

static void
read_ranges (int directory, const char *name, const MachineFacts *facts, GArray *ranges)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize length;

  text = fd_read_file_at (directory, name, SUBID_SIZE_MAX, &length, &error);
  if (text != NULL)
    subid_parse (text, length, facts->user, facts->uid, ranges);
  else
    log_debug ("sub-ids: %s", error->message);
}

void
host_subid_probe (MachineFacts *facts, const char *directory)
{
  autofd fd = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  Databases databases;
  gboolean known = FALSE;

  if (fd < 0)
    return;
  databases = read_databases (fd);
  facts->user = find_user (fd, &databases, facts->uid);
  if (!databases.subid_files && facts->user != NULL)
    known = ask_ranges (facts);
  if (!known)
    {
      read_ranges (fd, "subuid", facts, facts->sub_uids);
      read_ranges (fd, "subgid", facts, facts->sub_gids);
    }
  subid_clip (facts->sub_uids, facts->uid_map);
  subid_clip (facts->sub_gids, facts->gid_map);
}
