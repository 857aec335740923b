/* What the init reports, received and put into words. */
#pragma once

#include "init/ops.h"

#include <glib.h>

/* Receives one report on @socket; *@ret_fd (NULL: none is wanted) gets the descriptor that came
 * with it, or -1. Returns 1, 0 at the end of the connection, -1 with an error. */
int report_receive (int socket, struct report *ret_report, int *ret_fd, GError **error);

/* Whether @report is of a kind that is not among *@heard, a bit for each: each comes once at most,
 * so that who sends for ever ends here. Else an error. */
gboolean report_once (guint32 *heard, const struct report *report, GError **error);

/* Sets the error for a report that nobody waits for; always returns FALSE. */
gboolean report_meaningless (const struct report *report, GError **error);

/* Tells the init on @socket to go on. */
gboolean command_send (int socket, enum command command, GError **error);

/* Turns a report of failure into an error; always returns FALSE. @pointer and @what are those of
 * the Plan's row ("" or NULL: none): "config.json: POINTER: WHAT: STEP: DETAIL: system error".
 * For the lookup of the program and its execve the words are those that callers match. */
gboolean report_to_error (const struct report *report, const char *pointer, const char *what,
                          GError **error);
