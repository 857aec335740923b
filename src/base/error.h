/* One-line errors: the callee says what failed with the context only it knows.
 *
 * Every message ends up as "bwrap-oci: WHERE: WHAT" on stderr, so none of them
 * holds a newline or a raw control character (error_escape sees to that). */
#pragma once

#include <glib.h>

#define RUNTIME_ERROR (runtime_error_quark ())

/* The code of a RUNTIME_ERROR is the exit status the command ends with. */
typedef enum {
  RUNTIME_ERROR_FAILED = 1,
  RUNTIME_ERROR_NOT_EXECUTABLE = 126,
  RUNTIME_ERROR_NOT_FOUND = 127,
  RUNTIME_ERROR_EXEC = 255,
} RuntimeErrorCode;

GQuark runtime_error_quark (void);

/* Sets @error from @format. */
void error_set (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* As error_set(), with ": strerror (errno)" appended; keeps errno. */
void error_set_errno (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* As error_set(), with an exit status other than 1. */
void error_set_code (GError **error, RuntimeErrorCode code, const char *format, ...)
  G_GNUC_PRINTF (3, 4);

/* What throw() returns: always, as who reads only the caller can see, be it a compiler. */
static inline gboolean
thrown (void)
{
  return FALSE;
}

/* The same as the value of a function that failed: "return throw (error, ...)". */
#define throw(...) (error_set (__VA_ARGS__), thrown ())
#define throw_errno(...) (error_set_errno (__VA_ARGS__), thrown ())
#define throw_code(...) (error_set_code (__VA_ARGS__), thrown ())

/* For functions that return a pointer or a descriptor. */
#define throw_null(...) (error_set (__VA_ARGS__), NULL)
#define throw_null_errno(...) (error_set_errno (__VA_ARGS__), NULL)
#define throw_fd_errno(...) (error_set_errno (__VA_ARGS__), -1)
#define throw_fd(...) (error_set (__VA_ARGS__), -1)

/* Returns @text with control characters and invalid UTF-8 written as \xNN.
 * Transfer: full. */
char *error_escape (const char *text);
