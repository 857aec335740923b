/* Starting programs: who has to be admitted first. */
#include "config.h"

#include "base/error.h"
#include "base/proc.h"
#include "base/spawn.h"

#include <errno.h>
#include <sys/wait.h>

typedef struct {
  gboolean answer;
  pid_t pid;       /* who was asked for */
  char *program;   /* what it was then */
} Gate;

static gboolean
ask (pid_t pid, gpointer data, GError **error)
{
  Gate *gate = data;
  g_autofree char *link = g_strdup_printf ("/proc/%d/exe", (int) pid);

  gate->pid = pid;
  gate->program = g_file_read_link (link, NULL);
  return gate->answer || throw (error, "not today");
}

static const char *const argv[] = { "sh", "-c", "exit 7", NULL };

static void
test_admitted (void)
{
  Gate gate = { .answer = TRUE };
  const SpawnRequest request = { .program = "/bin/sh", .argv = argv, .admit = ask,
                                 .admit_data = &gate };
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GError) error = NULL;
  pid_t pid;

  g_assert_true (spawn (&request, &pid, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (gate.pid, ==, pid);
  /* it was still we */
  g_assert_cmpstr (gate.program, ==, self);
  g_assert_cmpint (WEXITSTATUS (proc_reap (pid)), ==, 7);
  g_free (gate.program);
}

static void
test_turned_away (void)
{
  Gate gate = { .answer = FALSE };
  const SpawnRequest request = { .program = "/bin/sh", .argv = argv, .admit = ask,
                                 .admit_data = &gate };
  g_autoptr (GError) error = NULL;
  pid_t pid = -5;

  g_assert_false (spawn (&request, &pid, NULL, &error));
  g_assert_cmpstr (error->message, ==, "not today");
  g_assert_cmpint (pid, ==, -5);
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
  g_assert_cmpint (errno, ==, ECHILD);
  g_free (gate.program);
}

int
main (int argc, char **args)
{
  g_test_init (&argc, &args, NULL);
  g_test_add_func ("/spawn/admitted", test_admitted);
  g_test_add_func ("/spawn/turned-away", test_turned_away);
  return g_test_run ();
}
