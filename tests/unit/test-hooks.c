/* Hooks outside of any container, the state that they read, and what is passed on of
 * notifications. */
#include "config.h"

#include "base/fd.h"
#include "base/proc.h"
#include "run/hooks.h"
#include "run/notify.h"
#include "spec/spec.h"
#include "spec/state.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SPEC(kind, rest) \
  "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"hooks\":{\"" kind "\":" \
  "[{\"path\":\"/bin/sh\"," rest "}]}}"
/* How a message about the only hook begins. */
#define HOOK "error running createRuntime hook #0: "
#define SCRIPT(text) SPEC ("createRuntime", "\"args\":[\"sh\",\"-c\",\"" text "\"]")

/* --- the state --- */

static void
test_state (void)
{
  OciPair pair = { (char *) "a\"b", (char *) "c\n" };
  g_autoptr (GPtrArray) pairs = g_ptr_array_new ();
  OciState state = { .oci_version = "1.0.2", .id = "c1", .status = "created", .bundle = "/b",
                     .pid = 7 };
  g_autoptr (GString) plain = oci_state_format (&state);
  g_autoptr (GString) full = NULL, head = NULL, gone = NULL;

  g_assert_cmpstr (plain->str, ==, "{\"ociVersion\":\"1.0.2\",\"id\":\"c1\",\"status\":\"created\","
                                   "\"bundle\":\"/b\",\"pid\":7}\n");
  g_ptr_array_add (pairs, &pair);
  state.annotations = pairs;
  full = oci_state_format (&state);
  g_assert_nonnull (strstr (full->str, ",\"annotations\":{\"a\\\"b\":\"c\\u000a\"},"));
  head = oci_state_format_head (&state);
  g_string_append (head, "7}\n");
  g_assert_cmpstr (head->str, ==, full->str);
  state.pid = 0;
  gone = oci_state_format (&state);
  g_assert_null (strstr (gone->str, "pid"));
}

/* --- running --- */

/* What comes of the hooks of configuration @text: NULL, or the message. Transfer: full. */
static char *
outcome (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (OciSpec) spec = oci_spec_parse (text, strlen (text), "config.json", &error);
  g_autoptr (ContainerRecord) record = record_new ("c1");
  HookRequest request = { .record = record, .pid = getpid () };

  g_assert_no_error (error);
  record->oci_version = g_strdup ("1.0.2");
  record->bundle = g_strdup ("/");
  record->annotations = spec->annotations != NULL ? g_ptr_array_ref (spec->annotations) : NULL;
  request.hooks = spec->hooks;
  if (hooks_run (&request, HOOK_CREATE_RUNTIME, &error))
    return NULL;
  return g_strdup (error->message);
}

static const struct {
  const char *config;
  const char *message;  /* NULL: success */
} runs[] = {
  { SCRIPT ("exit 0"), NULL },
  { SCRIPT ("exec <&-"), NULL },
  { SCRIPT ("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"), NULL },
  { SCRIPT ("sleep 3 >/dev/null 2>&1 </dev/null & exit 0"), NULL },
  { SCRIPT ("sleep 3 & exit 0"), NULL },
  { SCRIPT ("grep -q '\\\"status\\\":\\\"creating\\\"'"), NULL },
  { SCRIPT ("test $(pwd) = /"), NULL },
  { SCRIPT ("exit 3"), HOOK "/bin/sh: exited with 3" },
  { SCRIPT ("echo a; echo b; exit 3"), HOOK "/bin/sh: exited with 3: a b" },
  { SCRIPT ("echo a; echo b >&2; exit 3"), HOOK "/bin/sh: exited with 3: b" },
  { SCRIPT ("kill -9 $$"), HOOK "/bin/sh: signal: killed" },
  { SPEC ("createRuntime", "\"args\":[\"sh\",\"-c\",\"sleep 100\"],\"timeout\":1"),
    HOOK "/bin/sh: hook ran past specified timeout of 1.0s" },
  { SPEC ("createRuntime", "\"args\":[\"sh\",\"-c\",\"exit 0\"],\"timeout\":9223372036854775807"),
    NULL },
  { SPEC ("poststart", "\"args\":[\"sh\",\"-c\",\"exit 1\"]"), NULL },
};

static void
test_runs (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      g_autofree char *message = outcome (runs[i].config);

      g_assert_cmpstr (message, ==, runs[i].message);
    }
}

static void
test_working_directory_stays (void)
{
  g_autofree char *before = g_get_current_dir (), *after = NULL, *message = NULL;

  message = outcome (SCRIPT ("exit 0"));
  after = g_get_current_dir ();
  g_assert_cmpstr (before, ==, after);
}

/* A signal that asks us to end, sent by the hook itself, ends the hook and no more. */
static void
test_interrupted (void)
{
  gint64 start = g_get_monotonic_time ();
  g_autofree char *message = outcome (SCRIPT ("kill -TERM $PPID; sleep 100"));
  sigset_t mask;

  g_assert_cmpstr (message, ==, HOOK "/bin/sh: interrupted by signal 15");
  g_assert_cmpint (g_get_monotonic_time () - start, <, 20 * G_USEC_PER_SEC);
  sigprocmask (SIG_SETMASK, NULL, &mask);
  g_assert_false (sigismember (&mask, SIGTERM));
}

static void
test_inner_pid (void)
{
  g_autoptr (GError) error = NULL;
  pid_t inner = 0;

  g_assert_true (proc_inner_pid (getpid (), &inner, &error));
  g_assert_cmpint (inner, ==, getpid ());
  g_assert_false (proc_inner_pid (G_MAXINT32, &inner, &error));
  g_assert_nonnull (error);
}

static void
test_count_descriptors (void)
{
  int first = fcntl (0, F_DUPFD_CLOEXEC, 100), second = fcntl (0, F_DUPFD_CLOEXEC, 101);

  g_assert_cmpint (first, ==, 100);
  g_assert_cmpint (second, ==, 101);
  g_assert_cmpuint (fd_count_from (100), ==, 2);
  g_assert_cmpuint (fd_count_from (101), ==, 1);
  g_assert_cmpuint (fd_count_from (102), ==, 0);
  close (first);
  g_assert_cmpuint (fd_count_from (100), ==, 0);
  close (second);
}

/* --- notifications --- */

static const struct {
  const char *address;
  gboolean usable;
} addresses[] = {
  { "/run/systemd/notify", TRUE },
  { "@name", TRUE },
  { "", FALSE },
  { "/", FALSE },
  { "@", FALSE },
  { "relative", FALSE },
  { "vsock:2:1234", FALSE },
  { "/\xff", FALSE },
};

static void
test_addresses (void)
{
  g_autofree char *longest = g_strnfill (107, 'x'), *longer = g_strnfill (108, 'x');

  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    g_assert_cmpint (notify_is_address (addresses[i].address), ==, addresses[i].usable);
  *longest = *longer = '@';
  g_assert_true (notify_is_address (longest));
  g_assert_false (notify_is_address (longer));
}

static const struct {
  const char *said;
  const char *passed_on;  /* "": nothing is */
  gboolean ready;
} words[] = {
  { "READY=1", "READY=1\nMAINPID=42\n", TRUE },
  { "STATUS=a\nREADY=1\n", "STATUS=a\nREADY=1\nMAINPID=42\n", TRUE },
  { "READY=0", "READY=0\n", FALSE },
  { "XREADY=1", "", FALSE },
  { "STATUS=READY=1", "STATUS=READY=1\n", FALSE },
  { "WATCHDOG=1", "WATCHDOG=1\n", FALSE },
  { "EXTEND_TIMEOUT_USEC=7\nRELOADING=1\nMONOTONIC_USEC=3",
    "EXTEND_TIMEOUT_USEC=7\nRELOADING=1\nMONOTONIC_USEC=3\n", FALSE },
  { "MAINPID=1\nSTOPPING=1\nFDSTORE=1\nNOTIFYACCESS=all", "STOPPING=1\n", FALSE },
  { "BARRIER=1", "", FALSE },
  { "", "", FALSE },
  { "\n\n=\nSTATUS", "", FALSE },
};

static void
test_words (void)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_autofree char *outer = g_strdup_printf ("@bwrap-oci-test-%d", (int) getpid ());
  int manager = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), ends[2];
  Notify notify = { .outer = outer, .main_pid = 42 };
  char text[256];

  memcpy (address.sun_path + 1, outer + 1, strlen (outer) - 1);
  g_assert_cmpint (bind (manager, (struct sockaddr *) &address,
                         (socklen_t) (offsetof (struct sockaddr_un, sun_path) + strlen (outer))),
                   ==, 0);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  notify.socket = ends[0];
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      ssize_t n;

      g_assert_cmpint (send (ends[1], words[i].said, strlen (words[i].said), 0), >=, 0);
      g_assert_cmpint (notify_relay (&notify), ==, words[i].ready);
      n = recv (manager, text, sizeof text - 1, MSG_DONTWAIT);
      text[MAX (n, 0)] = '\0';
      g_assert_cmpstr (text, ==, words[i].passed_on);
    }
  close (ends[0]);
  close (ends[1]);
  close (manager);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hooks/state", test_state);
  g_test_add_func ("/hooks/runs", test_runs);
  g_test_add_func ("/hooks/working-directory", test_working_directory_stays);
  g_test_add_func ("/hooks/interrupted", test_interrupted);
  g_test_add_func ("/hooks/inner-pid", test_inner_pid);
  g_test_add_func ("/hooks/count-descriptors", test_count_descriptors);
  g_test_add_func ("/notify/addresses", test_addresses);
  g_test_add_func ("/notify/words", test_words);
  return g_test_run ();
}
