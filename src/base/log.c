/* Messages; see log.h. The only mutable statics of the program. */
#include "config.h"

#include "base/log.h"

#include "base/error.h"
#include "base/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int log_fd = -1;
static LogFormat log_format = LOG_TEXT;
static gboolean log_debugging = FALSE;

static const char *const level_names[] = {
  [LOG_ERROR] = "error",
  [LOG_WARNING] = "warning",
  [LOG_DEBUG] = "debug",
};

gboolean
log_open (const char *path, LogFormat format, gboolean debug, GError **error)
{
  log_format = format;
  log_debugging = debug;
  if (path == NULL)
    return TRUE;
  log_fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
  if (log_fd < 0)
    return throw_errno (error, "open log file %s", path);
  return TRUE;
}

int
log_descriptor (void)
{
  return log_fd;
}

static void
append_quoted (GString *line, const char *text)
{
  g_string_append_c (line, '"');
  for (; *text != '\0'; text++)
    {
      if (*text == '"' || *text == '\\')
        g_string_append_c (line, '\\');
      g_string_append_c (line, *text);
    }
  g_string_append_c (line, '"');
}

/* One write(2), so that lines of several processes do not mix. */
static void
write_record (LogLevel level, const char *message)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  g_autoptr (GString) line = g_string_new (NULL);

  if (log_fd < 0)
    return;
  if (log_format == LOG_JSON)
    g_string_append_printf (line, "{\"level\":\"%s\",\"msg\":", level_names[level]);
  else
    g_string_append_printf (line, "time=\"%s\" level=%s msg=", time, level_names[level]);
  append_quoted (line, message);
  if (log_format == LOG_JSON)
    g_string_append_printf (line, ",\"time\":\"%s\"}", time);
  g_string_append_c (line, '\n');
  (void) !write (log_fd, line->str, line->len);
}

void
log_failure (const char *message)
{
  g_autofree char *safe = error_escape (message);

  (void) fprintf (stderr, "bwrap-oci: %s\n", safe);
  write_record (LOG_ERROR, safe);
}

static void log_quiet (LogLevel level, const char *format, va_list args) G_GNUC_PRINTF (2, 0);

static void
log_quiet (LogLevel level, const char *format, va_list args)
{
  g_autofree char *message = NULL;
  g_autofree char *safe = NULL;

  if (!log_debugging && (level == LOG_DEBUG || log_fd < 0 || log_format == LOG_JSON))
    return;
  message = g_strdup_vprintf (format, args);
  safe = error_escape (message);
  if (log_fd >= 0 && log_format == LOG_TEXT)
    write_record (level, safe);
  else
    (void) fprintf (stderr, "bwrap-oci: %s: %s\n", level_names[level], safe);
}

void
log_warning (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  log_quiet (LOG_WARNING, format, args);
  va_end (args);
}

void
log_debug (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  log_quiet (LOG_DEBUG, format, args);
  va_end (args);
}
