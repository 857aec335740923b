/* Messages: stderr, and the file of --log as text or JSON lines. */
#pragma once

#include <glib.h>

typedef enum {
  LOG_ERROR,
  LOG_WARNING,
  LOG_DEBUG,
} LogLevel;

typedef enum {
  LOG_TEXT,
  LOG_JSON,
} LogFormat;

/* Sends messages to @path (NULL: stderr only), which is made if missing and
 * appended to. Debug messages are dropped unless @debug. */
gboolean log_open (const char *path, LogFormat format, gboolean debug, GError **error);

/* The descriptor of that file; -1: there is none. */
int log_descriptor (void);

/* Says why the command failed: on stderr always, as "bwrap-oci: MESSAGE", and as one
 * record of the log. */
void log_failure (const char *message);

/* A warning goes to a text log or, with --debug and no such log, to stderr; never to a JSON log,
 * which callers read as one object (a command that succeeds is silent). */
void log_warning (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* As log_warning(), with --debug only. */
void log_debug (const char *format, ...) G_GNUC_PRINTF (1, 2);
