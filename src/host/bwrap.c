/* Which options bwrap has; see bwrap.h.
 *
 * bwrap is somebody else's program and may be anything: it is run without environment, in a
 * process group of its own, for a limited time, and only so much of its output is read. */
#include "config.h"

#include "host/bwrap.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/names.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "host/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CACHE_FILE ".probe"
#define CACHE_LINES_MAX 8
#define CACHE_SIZE_MAX 4096
#define OUTPUT_MAX ((gsize) 64 * 1024)
#define VERSION_MAX 64
#define TIME_LIMIT_MS 5000

/* What a bwrap without the needed options is answered with. */
#define REMEDY "bubblewrap 0.5.0 or newer is needed (apt install bubblewrap)"

static const Name option_names[] = {
  { "--args", BWRAP_ARGS },
  { "--as-pid-1", BWRAP_AS_PID_1 },
  { "--no-reaper", BWRAP_NO_REAPER },
  { "--cap-add", BWRAP_CAP_ADD },
  { "--info-fd", BWRAP_INFO_FD },
  { "--userns-block-fd", BWRAP_USERNS_BLOCK_FD },
  { "--bind-fd", BWRAP_BIND_FD },
  { "--perms", BWRAP_PERMS },
  { "--pidns", BWRAP_PIDNS },
  { "--userns", BWRAP_USERNS },
  { "--size", BWRAP_SIZE },
  { NULL, 0 },
};

/* Any one of each row will do; the first is what messages ask for. */
static const BwrapOptions needed[] = {
  BWRAP_ARGS,
  BWRAP_AS_PID_1 | BWRAP_NO_REAPER,
  BWRAP_CAP_ADD,
  BWRAP_INFO_FD,
  BWRAP_USERNS_BLOCK_FD,
  BWRAP_PERMS,
};

BwrapOptions
bwrap_parse_help (const char *text)
{
  BwrapOptions options = 0;

  /* "    --args FD                    Parse NUL-separated args from FD" */
  for (const char *line = text; line != NULL; line = strchr (line, '\n'))
    {
      g_autofree char *word = NULL;
      const Name *option;

      line += strspn (line, " \t\n");
      word = g_strndup (line, strcspn (line, " \t\n"));
      option = name_find (option_names, word);
      if (option != NULL)
        options |= (BwrapOptions) option->value;
    }
  return options;
}

/* --- running it ------------------------------------------------------------------------- */

/* One run of a program whose output is wanted. */
typedef struct {
  const char *path;
  const char *argument;
  pid_t pid;
  int pidfd;
  int output;  /* the reading end */
} Run;

static void
run_clear (Run *run)
{
  (void) spawn_kill_group (&run->pid);
  fd_clear (&run->pidfd);
  fd_clear (&run->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static gboolean
run_start (Run *run, GError **error)
{
  const char *const argv[] = { run->path, run->argument, NULL };
  autofd null = -1, output = -1;
  SpawnFd fds[3];
  SpawnRequest request = { 0 };
  int ends[2];

  null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0)
    return throw_errno (error, "open /dev/null");
  if (pipe2 (ends, O_CLOEXEC | O_NONBLOCK) < 0)
    return throw_errno (error, "pipe");
  run->output = ends[0];
  output = ends[1];
  fds[0] = (SpawnFd) { null, STDIN_FILENO };
  fds[1] = (SpawnFd) { output, STDOUT_FILENO };
  fds[2] = (SpawnFd) { output, STDERR_FILENO };
  request.program = run->path;
  request.argv = argv;
  request.fds = fds;
  request.n_fds = G_N_ELEMENTS (fds);
  request.new_group = TRUE;
  return spawn (&request, &run->pid, &run->pidfd, error);
}

/* Appends what can be read now to @text. Returns FALSE at its end or beyond OUTPUT_MAX. */
static gboolean
run_read (Run *run, GString *text)
{
  char buffer[4096];

  while (text->len <= OUTPUT_MAX)
    {
      ssize_t n = read (run->output, buffer, sizeof buffer);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return n < 0 && errno == EAGAIN;
      g_string_append_len (text, buffer, n);
    }
  return FALSE;
}

/* Reads until the program has ended, its output has been too much, or time is up. A child that it
 * left behind and that holds the pipe is not waited for. */
static gboolean
run_collect (Run *run, GString *text, GError **error)
{
  gint64 end = g_get_monotonic_time () + (gint64) TIME_LIMIT_MS * 1000;
  struct pollfd fds[2] = {
    { .fd = run->pidfd, .events = POLLIN },
    { .fd = run->output, .events = POLLIN },
  };

  while (fds[0].revents == 0)
    {
      gint64 left = (end - g_get_monotonic_time ()) / 1000;

      if (left <= 0)
        return throw (error, "%s: %s took longer than %d seconds", run->path, run->argument,
                      TIME_LIMIT_MS / 1000);
      if (poll (fds, G_N_ELEMENTS (fds), (int) left) < 0 && errno != EINTR)
        return throw_errno (error, "poll");
      if (fds[1].revents != 0 && !run_read (run, text))
        fds[1].fd = -1;
      if (text->len > OUTPUT_MAX)
        return throw (error, "%s: %s printed more than %d KiB", run->path, run->argument,
                      (int) (OUTPUT_MAX / 1024));
    }
  (void) run_read (run, text);
  return TRUE;
}

/* Returns the first line of @text that is not empty, at most @limit bytes of it. */
static char *
first_line (const char *text, gsize limit)
{
  text += strspn (text, " \t\r\n");
  return g_strndup (text, MIN (strcspn (text, "\r\n"), limit));
}

/* Whether a program was not started because this process or its user may have no more of what that
 * takes: no other program helps then. */
static gboolean
is_shortage (int number)
{
  return number == EAGAIN || number == EMFILE || number == ENFILE || number == ENOMEM;
}

/* Runs "@path @argument" and returns what it printed, NULL if it failed; @ret_shortage (may be
 * NULL) says then whether it is not to blame. */
static char *
ask (const char *path, const char *argument, gboolean *ret_shortage, GError **error)
{
  g_auto (Run) run = { .path = path, .argument = argument, .pidfd = -1, .output = -1 };
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *line = NULL;
  int status;

  if (!run_start (&run, error))
    {
      if (ret_shortage != NULL)
        *ret_shortage = is_shortage (errno);
      return NULL;
    }
  if (!run_collect (&run, text, error))
    return NULL;
  status = spawn_kill_group (&run.pid);
  if (status == 0)
    return g_string_free (g_steal_pointer (&text), FALSE);
  line = first_line (text->str, 200);
  if (WIFSIGNALED (status))
    return throw_null (error, "%s: %s ended by signal %d", path, argument, WTERMSIG (status));
  return throw_null (error, "%s: %s failed: %s", path, argument,
                     line[0] != '\0' ? line : "no message");
}

/* --- what it says ------------------------------------------------------------------------ */

/* Returns the first needed option that is not in @options, or NULL. */
static const char *
missing_option (BwrapOptions options)
{
  for (gsize i = 0; i < G_N_ELEMENTS (needed); i++)
    if ((options & needed[i]) == 0)
      return name_of (option_names, needed[i] & (~needed[i] + 1));
  return NULL;
}

/* Returns why a bwrap with @facts cannot be used, or NULL. Transfer: full. */
static char *
find_problem (const BwrapFacts *facts)
{
  const char *missing = missing_option (facts->options);

  if (facts->set_user_id)
    return g_strdup_printf ("%s: is set-user-ID root; one without privilege is needed"
                            " (chmod u-s %s)", facts->path, facts->path);
  if (facts->options == 0)
    return g_strdup_printf ("%s: --help lists none of its options; " REMEDY, facts->path);
  if (missing != NULL)
    return g_strdup_printf ("%s (%s): has no %s; " REMEDY, facts->path,
                            facts->version != NULL ? facts->version : "unknown version", missing);
  return NULL;
}

/* Asks the program itself. */
static gboolean
ask_options (BwrapFacts *facts, gboolean *ret_shortage, GError **error)
{
  g_autofree char *help = NULL, *version = NULL, *line = NULL;

  help = ask (facts->path, "--help", ret_shortage, error);
  if (help == NULL)
    return FALSE;
  facts->options = bwrap_parse_help (help);
  version = ask (facts->path, "--version", NULL, NULL);
  if (version == NULL)
    return TRUE;
  line = first_line (version, VERSION_MAX);
  facts->version = error_escape (line);
  return TRUE;
}

/* --- the cache --------------------------------------------------------------------------- */

/* Returns what the line of the file @st begins with. It also tells apart builds of ours that know
 * other options. NULL if the boot is not known. Transfer: full. */
static char *
cache_key (const struct stat *st)
{
  const char *boot = proc_boot_id (NULL);

  if (boot == NULL)
    return NULL;
  return g_strdup_printf ("%s/%u %s %" G_GINT64_MODIFIER "x:%" G_GINT64_MODIFIER "u"
                          " %" G_GINT64_MODIFIER "d %" G_GINT64_MODIFIER "d.%09ld ",
                          PACKAGE_VERSION, (unsigned) G_N_ELEMENTS (option_names), boot,
                          (guint64) st->st_dev, (guint64) st->st_ino, (gint64) st->st_size,
                          (gint64) st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

/* Takes "OPTIONS VERSION" out of the line that begins with @key. */
static gboolean
cache_find (const char *text, const char *key, BwrapFacts *facts)
{
  for (const char *line = text; line != NULL && *line != '\0';)
    {
      const char *end = strchr (line, '\n');
      char *rest;
      guint64 options;

      if (end == NULL)
        return FALSE;
      if (g_str_has_prefix (line, key))
        {
          options = g_ascii_strtoull (line + strlen (key), &rest, 16);
          if (rest + 1 >= end || *rest != ' ' || options == 0 || options > G_MAXUINT32)
            return FALSE;
          facts->options = (BwrapOptions) options;
          facts->version = g_strndup (rest + 1, (gsize) (end - rest - 1));
          return TRUE;
        }
      line = end + 1;
    }
  return FALSE;
}

/* Writes the newest lines of @text (NULL: none), then the one of @facts. */
static void
cache_add (int root_fd, const char *text, const char *key, const BwrapFacts *facts)
{
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  g_autoptr (GString) out = g_string_new (NULL);
  guint n = g_strv_length (lines);

  if (n > 0)
    n--;  /* what follows the last newline is no line */
  for (guint i = n > CACHE_LINES_MAX - 1 ? n - (CACHE_LINES_MAX - 1) : 0; i < n; i++)
    g_string_append_printf (out, "%s\n", lines[i]);
  g_string_append_printf (out, "%s%x %s\n", key, (unsigned) facts->options, facts->version);
  cache_store (root_fd, CACHE_FILE, out->str, out->len);
}

/* Looks at the cache, then at the program. */
static gboolean
find_options (BwrapFacts *facts, const struct stat *st, int root_fd, gboolean *ret_shortage,
              GError **error)
{
  g_autofree char *key = NULL, *text = NULL;

  if (root_fd >= 0)
    key = cache_key (st);
  if (key != NULL && cache_load (root_fd, CACHE_FILE, CACHE_SIZE_MAX, &text, NULL)
      && cache_find (text, key, facts))
    return TRUE;
  log_debug ("%s: asking for its options", facts->path);
  if (!ask_options (facts, ret_shortage, error))
    return FALSE;
  /* only what works: the next command asks a broken one again */
  if (key != NULL && missing_option (facts->options) == NULL && facts->version != NULL)
    cache_add (root_fd, text, key, facts);
  return TRUE;
}

void
host_bwrap_probe (BwrapFacts *facts, const char *path, int root_fd)
{
  g_autoptr (GError) error = NULL;
  gboolean shortage = FALSE;
  struct stat st;

  *facts = (BwrapFacts) { .path = g_canonicalize_filename (path, NULL) };
  if (stat (facts->path, &st) < 0)
    throw_errno (&error, "%s", facts->path);
  else if (!S_ISREG (st.st_mode))
    throw (&error, "%s: is not a program", facts->path);
  else
    {
      facts->set_user_id = (st.st_mode & S_ISUID) != 0;
      if (!facts->set_user_id)
        (void) find_options (facts, &st, root_fd, &shortage, &error);
    }
  if (error != NULL)
    facts->problem = g_strconcat (error->message, shortage ? NULL : "; " REMEDY, NULL);
  else
    facts->problem = find_problem (facts);
}
