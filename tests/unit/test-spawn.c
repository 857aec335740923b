/* Starting programs, and waiting for them: who has to be admitted first, what is said of failures,
 * and signals. */
#include "config.h"

#include "base/error.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "run/interrupt.h"

#include <errno.h>
#include <signal.h>
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

/* What the child says of itself, in memory that it shares with us. */
static void
test_failed (void)
{
  const struct {
    SpawnRequest request;
    const char *message;
  } cases[] = {
    { { .program = "/none", .argv = argv }, "/none: exec: No such file or directory" },
    { { .program = "/bin/sh", .argv = argv, .directory = "/none" },
      "/bin/sh: chdir: No such file or directory" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      pid_t pid = -5;
      int pidfd = -5;

      g_assert_false (spawn (&cases[i].request, &pid, &pidfd, &error));
      g_assert_cmpstr (error->message, ==, cases[i].message);
      g_assert_cmpint (pid, ==, -5);
      g_assert_cmpint (pidfd, ==, -5);
      g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
      g_assert_cmpint (errno, ==, ECHILD);
    }
}

/* The program has none blocked, whatever we have; we have what we had. */
static void
test_signals (void)
{
  static const char *const look[]
    = { "sh", "-c",
        "while read -r key value; do [ \"$key\" != SigBlk: ] || break; done </proc/self/status;"
        " [ \"$value\" = 0000000000000000 ]",
        NULL };
  Gate gate = { .answer = TRUE };
  const SpawnRequest requests[] = {
    { .program = "/bin/sh", .argv = look },
    { .program = "/bin/sh", .argv = look, .admit = ask, .admit_data = &gate },
  };
  sigset_t own, before, after;

  sigemptyset (&own);
  sigaddset (&own, SIGUSR1);
  g_assert_cmpint (sigprocmask (SIG_BLOCK, &own, NULL), ==, 0);
  g_assert_cmpint (sigprocmask (SIG_BLOCK, NULL, &before), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      pid_t pid;

      g_assert_true (spawn (&requests[i], &pid, NULL, NULL));
      g_assert_cmpint (proc_reap (pid), ==, 0);
      g_assert_cmpint (sigprocmask (SIG_BLOCK, NULL, &after), ==, 0);
      for (int signal = 1; signal < SIGRTMAX; signal++)
        g_assert_cmpint (sigismember (&after, signal), ==, sigismember (&before, signal));
    }
  g_free (gate.program);
}

/* A signal that comes when what was waited for is there is left for who has it next. */
static void
test_interrupt (void)
{
  g_auto (Interrupt) interrupt = INTERRUPT_INIT;
  g_autoptr (GError) error = NULL;
  int ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  g_assert_true (interrupt_open (&interrupt, NULL));
  g_assert_cmpint (raise (SIGTERM), ==, 0);
  g_assert_cmpint (close (ends[1]), ==, 0);
  g_assert_true (interrupt_wait (&interrupt, ends[0], NULL));
  g_assert_false (interrupt_check (&interrupt, &error));
  g_assert_cmpstr (error->message, ==, "interrupted by signal 15");
  g_clear_error (&error);
  g_assert_cmpint (close (ends[0]), ==, 0);

  g_assert_cmpint (pipe (ends), ==, 0);
  g_assert_cmpint (raise (SIGINT), ==, 0);
  g_assert_false (interrupt_await (&interrupt, ends[0], "nobody", &error));
  g_assert_cmpstr (error->message, ==, "interrupted by signal 2");
  g_assert_cmpint (close (ends[0]), ==, 0);
  g_assert_cmpint (close (ends[1]), ==, 0);
}

int
main (int argc, char **args)
{
  g_test_init (&argc, &args, NULL);
  g_test_add_func ("/spawn/admitted", test_admitted);
  g_test_add_func ("/spawn/turned-away", test_turned_away);
  g_test_add_func ("/spawn/failed", test_failed);
  g_test_add_func ("/spawn/signals", test_signals);
  g_test_add_func ("/spawn/interrupt", test_interrupt);
  return g_test_run ();
}
