/* bwrap-oci ps */
#include "config.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "cmd/table.h"
#include "run/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What ps(1) can say of a full process table. */
#define OUTPUT_MAX ((gsize) 64 * 1024 * 1024)

typedef struct {
  const char *format;
} Options;

static const Option options[] = {
  OPTION_STRING (Options, format, 'f', "format", "FORMAT", "\"table\" or \"json\""),
  OPTION_END
};

static void
print_json (const GArray *pids)
{
  (void) putchar ('[');
  for (guint i = 0; i < pids->len; i++)
    (void) printf ("%s%d", i > 0 ? "," : "", (int) g_array_index (pids, pid_t, i));
  (void) puts ("]");
}

static void
print_pids (const GArray *pids, gboolean coloured)
{
  table_print_header ("PID", coloured);
  for (guint i = 0; i < pids->len; i++)
    (void) printf ("%d\n", (int) g_array_index (pids, pid_t, i));
}

/* The path of ps(1); NULL: it is not installed. */
static char *
find_ps (const char *path)
{
  g_autofree char *folders = g_strconcat (path != NULL ? path : "", ":/usr/bin:/bin", NULL);
  g_auto (GStrv) names = g_strsplit (folders, ":", -1);

  for (char **name = names; *name != NULL; name++)
    {
      g_autofree char *file = g_strconcat (*name, "/ps", NULL);

      if (**name == '/' && faccessat (AT_FDCWD, file, X_OK, 0) == 0)
        return g_steal_pointer (&file);
    }
  return NULL;
}

/* What ps(1) says when it is called with @args, or as "ps -ef". */
static char *
ps_output (const char *program, char **args, GError **error)
{
  static const char *const usual[] = { "ps", "-ef", NULL };
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  SpawnRequest request = { .program = program, .argv = usual, .n_fds = 1 };
  SpawnFd output = { .target = STDOUT_FILENO };
  char *text = NULL;
  int ends[2];
  autofd ours = -1, theirs = -1;
  gboolean ok;
  pid_t pid;

  g_ptr_array_add (argv, (gpointer) "ps");
  for (; *args != NULL; args++)
    g_ptr_array_add (argv, *args);
  g_ptr_array_add (argv, NULL);
  if (argv->len > 2)
    request.argv = (const char *const *) argv->pdata;
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return throw_null_errno (error, "pipe");
  ours = ends[0];
  theirs = output.source = ends[1];
  request.fds = &output;
  if (!spawn (&request, &pid, NULL, error))
    return NULL;
  fd_clear (&theirs);
  ok = fd_read_all (ours, OUTPUT_MAX, &text, NULL, error);
  fd_clear (&ours);
  if (proc_reap (pid) != 0 && ok)
    {
      g_clear_pointer (&text, g_free);
      throw (error, "%s has failed", program);
    }
  return text;
}

/* The word of this index in @line, as a number; -1 if it is none. */
static gint64
word_number (const char *line, int index)
{
  line += strspn (line, " ");
  for (; index > 0 && *line != '\0'; index--)
    {
      line += strcspn (line, " ");
      line += strspn (line, " ");
    }
  return g_ascii_isdigit (*line) ? g_ascii_strtoll (line, NULL, 10) : -1;
}

/* Prints the header of @text and the lines whose column PID names one of @pids. */
static gboolean
print_lines (const char *text, const GArray *pids, gboolean coloured, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_auto (GStrv) words = g_strsplit_set (lines[0] != NULL ? lines[0] : "", " ", -1);
  int column = 0;
  char **word;

  for (word = words; *word != NULL && strcmp (*word, "PID") != 0; word++)
    column += **word != '\0';
  if (*word == NULL)
    return throw (error, "ps: there is no column PID in what it says");
  table_print_header (lines[0], coloured);
  for (char **line = lines + 1; *line != NULL; line++)
    for (guint i = 0; i < pids->len; i++)
      if (word_number (*line, column) == g_array_index (pids, pid_t, i))
        (void) puts (*line);
  return TRUE;
}

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  gboolean json = g_strcmp0 (given->format, "json") == 0;
  gboolean coloured = table_is_coloured (context);
  g_autofree char *program = find_ps (context->environment.path);
  g_autofree char *text = NULL;
  g_autoptr (Container) container = NULL;
  g_autoptr (Store) store = NULL;
  g_autoptr (GArray) pids = NULL;

  if (given->format != NULL && !json && strcmp (given->format, "table") != 0)
    return throw_fd (error, "invalid format \"%s\": expected table or json", given->format);
  store = cmd_open_store (context, FALSE, error);
  container = store != NULL ? container_open (store, args[0], error) : NULL;
  pids = container != NULL ? container_pids (container, error) : NULL;
  if (pids == NULL)
    return -1;
  if (json)
    print_json (pids);
  else if (program == NULL)
    print_pids (pids, coloured);
  else
    {
      text = ps_output (program, args + 1, error);
      return text != NULL && print_lines (text, pids, coloured, error) ? 0 : -1;
    }
  return 0;
}

const Command cmd_ps = {
  .name = "ps",
  .arguments = "ID [PS-OPTION...]",
  .summary = "list the processes of a container",
  .options = options,
  .options_size = sizeof (Options),
  .min_args = 1,
  .max_args = -1,
  .takes_id = TRUE,
  .early_options = TRUE,
  .run = run,
};
