/* One-line errors; see error.h. */
#include "config.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

GQuark
runtime_error_quark (void)
{
  return g_quark_from_static_string ("bwrap-oci-error");
}

char *
error_escape (const char *text)
{
  GString *out = g_string_sized_new (strlen (text));

  while (*text != '\0')
    {
      gunichar c = g_utf8_get_char_validated (text, -1);
      gsize length = 1;

      if (c != (gunichar) -1 && c != (gunichar) -2 && !g_unichar_iscntrl (c))
        {
          length = (gsize) (g_utf8_next_char (text) - text);
          g_string_append_len (out, text, (gssize) length);
        }
      else
        g_string_append_printf (out, "\\x%02x", (unsigned char) *text);
      text += length;
    }
  return g_string_free (out, FALSE);
}

static void fill_error (GError **error, int code, const char *system, const char *format,
                       va_list args) G_GNUC_PRINTF (4, 0);

static void
fill_error (GError **error, int code, const char *system, const char *format, va_list args)
{
  g_autofree char *message = NULL;
  g_autofree char *safe = NULL;

  if (error == NULL)
    return;
  message = g_strdup_vprintf (format, args);
  safe = error_escape (message);
  if (system != NULL)
    g_set_error (error, RUNTIME_ERROR, code, "%s: %s", safe, system);
  else
    g_set_error_literal (error, RUNTIME_ERROR, code, safe);
}

void
error_set (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  fill_error (error, RUNTIME_ERROR_FAILED, NULL, format, args);
  va_end (args);
}

void
error_set_errno (GError **error, const char *format, ...)
{
  int saved = errno;
  va_list args;

  va_start (args, format);
  fill_error (error, RUNTIME_ERROR_FAILED, g_strerror (saved), format, args);
  va_end (args);
  errno = saved;
}

void
error_set_code (GError **error, RuntimeErrorCode code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  fill_error (error, code, NULL, format, args);
  va_end (args);
}
