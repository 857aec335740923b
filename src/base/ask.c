/* Asking the companion; see ask.h. */
#include "config.h"

#include "base/ask.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/self.h"
#include "base/spawn.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define COMPANION "bwrap-oci-gio"
#define ANSWER_MAX ((gsize) 1024 * 1024)

char *
ask_companion (const GPtrArray *words, int *ret_status, GError **error)
{
  /* what goes wrong is part of the answer, so that it needs no log */
  static const char *const head[] = { COMPANION, "", "text", "" };
  g_autofree char *program = self_find_program (COMPANION, error);
  g_autofree char *answer = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  SpawnRequest request = { .program = program, .n_fds = 1 };
  autofd read_end = -1, write_end = -1;
  int ends[2];
  SpawnFd out;
  gsize length;
  pid_t pid;

  if (program == NULL)
    return NULL;
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return throw_null_errno (error, "pipe");
  read_end = ends[0];
  write_end = ends[1];
  out = (SpawnFd) { write_end, STDOUT_FILENO };
  for (gsize i = 0; i < G_N_ELEMENTS (head); i++)
    g_ptr_array_add (argv, (gpointer) head[i]);
  for (guint i = 0; i < words->len; i++)
    g_ptr_array_add (argv, g_ptr_array_index (words, i));
  g_ptr_array_add (argv, NULL);
  request.argv = (const char *const *) argv->pdata;
  request.fds = &out;
  if (!spawn (&request, &pid, NULL, error))
    return NULL;
  fd_clear (&write_end);
  if (!fd_read_all (read_end, ANSWER_MAX, &answer, &length, error))
    {
      spawn_kill (&pid);
      return NULL;
    }
  *ret_status = proc_reap (pid);
  g_strchomp (answer);
  if (*ret_status != 0 && *answer == '\0')
    {
      g_free (answer);
      answer = g_strdup (COMPANION " has ended without a word");
    }
  return g_steal_pointer (&answer);
}
