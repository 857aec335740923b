/* The system call filter: what a program answers is compared with what the rules say, read
 * straight from the configuration, on many random calls (filter.h). */
#include "config.h"

#include "filter.h"
#include "run/seccomp.h"
#include "spec/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static guint32
pick (guint n)
{
  return (guint32) g_test_rand_int_range (0, (gint32) n);
}

static void
check_program (const OciSeccomp *seccomp, GBytes *program, guint n)
{
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());

  filter_check (seccomp, program, random, n);
}

/* Whether the kernel takes @program, which a child tries. */
static void
check_kernel (GBytes *program, guint32 flags)
{
  gsize size;
  const void *code = g_bytes_get_data (program, &size);
  struct sock_fprog loaded = { (unsigned short) (size / sizeof (struct sock_filter)),
                               (struct sock_filter *) code };
  int status;
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      (void) prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      (void) prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
      if (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &loaded) < 0)
        _exit (77);
      /* it may not be allowed to exit */
      (void) syscall (SYS_exit_group, 0);
      __builtin_trap ();
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_false (WIFEXITED (status) && WEXITSTATUS (status) == 77);
}

static GBytes *
make (const OciSeccomp *seccomp)
{
  g_autoptr (GError) error = NULL;
  GBytes *program = NULL;
  guint32 flags;

  (void) seccomp_program (seccomp, -1, &program, &flags, &error);
  g_assert_no_error (error);
  return program;
}

static guint32
flags_of (const OciSeccomp *seccomp)
{
  g_autoptr (GBytes) program = NULL;
  guint32 flags;

  g_assert_true (seccomp_program (seccomp, -1, &program, &flags, NULL));
  return flags;
}

static void
free_seccomp (OciSeccomp *seccomp)
{
  field_free (&oci_seccomp_type, seccomp);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (OciSeccomp, free_seccomp)

static OciSeccomp *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonText) json = json_text_parse (text, strlen (text), &error);
  OciSeccomp *seccomp;

  g_assert_no_error (error);
  seccomp = field_read (&oci_seccomp_type, json_text_root (json), "", NULL, &error);
  g_assert_no_error (error);
  return seccomp;
}

/* The filter of a recorded configuration. */
static OciSpec *
recorded (const char *name)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "tests", "data", "configs", name,
                                                 NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) config = NULL;
  OciSpec *spec;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  config = g_string_new (text);
  g_string_replace (config, "\"@", "\"/@", 0);
  spec = oci_spec_parse (config->str, config->len, name, &error);
  g_assert_no_error (error);
  g_assert_nonnull (spec->linux_->seccomp);
  return spec;
}

/* --- what libseccomp makes ------------------------------------------------------------------ */

static struct scmp_arg_cmp
peer_condition (const OciSyscallArg *arg)
{
  static const enum scmp_compare operators[]
      = { SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE,       SCMP_CMP_EQ,
          SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ };

  return (struct scmp_arg_cmp) { arg->index.value, operators[arg->op], arg->value.value,
                                 arg->value_two.value };
}

static void
peer_add (scmp_filter_ctx filter, const OciSyscall *rule)
{
  struct scmp_arg_cmp conditions[6];
  guint n = field_count (rule->args);

  for (guint i = 0; i < n; i++)
    conditions[i] = peer_condition (g_ptr_array_index (rule->args, i));
  for (char **name = rule->names; *name != NULL; name++)
    {
      int number = seccomp_syscall_resolve_name (*name);

      if (number != __NR_SCMP_ERROR)
        g_assert_cmpint (seccomp_rule_add_array (filter,
                                                 filter_answer (rule->action, &rule->errno_ret),
                                                 number, n, conditions),
                         ==, 0);
    }
}

/* The program that runc and crun would make. */
static GBytes *
peer_program (const OciSeccomp *seccomp)
{
  guint32 default_answer = filter_answer (seccomp->default_action, &seccomp->default_errno_ret);
  scmp_filter_ctx filter = seccomp_init (default_answer);
  FILE *file = tmpfile ();
  char *data;
  long size;

  for (guint i = 0; seccomp->architectures != NULL && i < seccomp->architectures->len; i++)
    (void) seccomp_arch_add (filter, g_array_index (seccomp->architectures, guint32, i));
  for (guint i = 0; i < seccomp->syscalls->len; i++)
    {
      const OciSyscall *rule = g_ptr_array_index (seccomp->syscalls, i);

      if (filter_answer (rule->action, &rule->errno_ret) != default_answer)
        peer_add (filter, rule);
    }
  g_assert_cmpint (seccomp_export_bpf (filter, fileno (file)), ==, 0);
  seccomp_release (filter);
  g_assert_cmpint (fseek (file, 0, SEEK_END), ==, 0);
  size = ftell (file);
  rewind (file);
  data = g_malloc ((gsize) size);
  g_assert_cmpuint (fread (data, 1, (gsize) size, file), ==, size);
  (void) fclose (file);
  return g_bytes_new_take (data, (gsize) size);
}

/* --- the tests ------------------------------------------------------------------------------ */

static void
test_recorded (gconstpointer name)
{
  g_autoptr (OciSpec) spec = recorded (name);
  const OciSeccomp *seccomp = spec->linux_->seccomp;
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GBytes) program = make (seccomp);
  g_autoptr (GBytes) peers = NULL;
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  FilterRules rules;

  g_test_message ("%d us, %d instructions", (int) (g_get_monotonic_time () - start),
                  (int) (g_bytes_get_size (program) / sizeof (struct sock_filter)));
  check_program (seccomp, program, 200000);
  check_kernel (program, flags_of (seccomp));

  peers = peer_program (seccomp);
  filter_rules_init (&rules, seccomp);
  for (int i = 0; i < 200000; i++)
    {
      struct seccomp_data data;
      guint32 token;

      filter_random_call (random, seccomp, &data);
      token = (guint32) data.nr & X32_BIT ? SCMP_ARCH_X32 : data.arch;
      if (!filter_is_newer (&rules, token, (guint32) data.nr))
        g_assert_cmpuint (filter_interpret (program, &data), ==, filter_interpret (peers, &data));
    }
}

static const char *const made[] = {
  "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
  "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}",
  "{\"defaultAction\":\"SCMP_ACT_KILL\",\"syscalls\":[]}",
  "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],\"syscalls\":["
  "{\"names\":[\"mkdir\",\"getcwd\",\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\"},"
  "{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_KILL\"},"
  "{\"names\":[\"chmod\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65535},"
  "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_LOG\"}]}",
  /* two conditions on one argument: either will do */
  "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":5,\"syscalls\":["
  "{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
  "{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQ\"},"
  "{\"index\":0,\"value\":8,\"op\":\"SCMP_CMP_EQ\"},"
  "{\"index\":1,\"value\":3,\"op\":\"SCMP_CMP_GT\"}]}]}",
  /* both of these */
  "{\"defaultAction\":\"SCMP_ACT_TRAP\",\"architectures\":[\"SCMP_ARCH_X32\"],\"syscalls\":["
  "{\"names\":[\"clone\",\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
  "{\"index\":0,\"value\":2114060288,\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"},"
  "{\"index\":1,\"value\":4294967296,\"op\":\"SCMP_CMP_LE\"}]}]}",
  /* a rule that is the default's changes nothing */
  "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
  "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1},"
  "{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":2},"
  "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
};

static void
test_made (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (made); i++)
    {
      g_autoptr (OciSeccomp) seccomp = parse (made[i]);
      g_autoptr (GBytes) program = make (seccomp);

      check_program (seccomp, program, 20000);
      check_kernel (program, 0);
    }
}

static const char *const rule_actions[] = {
  "\"action\":\"SCMP_ACT_ALLOW\"",
  "\"action\":\"SCMP_ACT_ERRNO\"",
  "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38",
  "\"action\":\"SCMP_ACT_TRAP\"",
  "\"action\":\"SCMP_ACT_KILL_PROCESS\"",
  "\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":7",
};

static void
append_names (GString *text)
{
  g_string_append (text, "{\"names\":[");
  for (guint n = 1 + pick (20), i = 0; i < n; i++)
    {
      g_autofree char *name = NULL;

      while (name == NULL)
        name = seccomp_syscall_resolve_num_arch (pick (2) ? SCMP_ARCH_X86 : SCMP_ARCH_X86_64,
                                                 (int) pick (450));
      g_string_append_printf (text, "%s\"%s\"", i > 0 ? "," : "", name);
    }
  g_string_append (text, "]");
}

static void
append_conditions (GString *text)
{
  g_string_append (text, ",\"args\":[");
  for (guint n = 1 + pick (4), i = 0; i < n; i++)
    g_string_append_printf (text,
                            "%s{\"index\":%u,\"value\":%" G_GUINT64_FORMAT
                            ",\"valueTwo\":%" G_GUINT64_FORMAT ",\"op\":\"%s\"}",
                            i > 0 ? "," : "", pick (6), filter_values[pick (FILTER_VALUES)],
                            filter_values[pick (FILTER_VALUES)],
                            oci_seccomp_operators[pick (7)].name);
  g_string_append (text, "]");
}

static char *
random_profile (void)
{
  static const char *const defaults[] = { "ALLOW", "ERRNO", "KILL", "KILL_PROCESS", "TRAP", "LOG" };
  static const char *const architectures[] = {
    "",
    "\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"],",
    "\"architectures\":[\"SCMP_ARCH_X86\"],",
    "\"architectures\":[\"SCMP_ARCH_AARCH64\",\"SCMP_ARCH_ARM\",\"SCMP_ARCH_AARCH64\"],",
  };
  g_autoptr (GString) text = g_string_new ("{");

  g_string_append (text, architectures[pick (G_N_ELEMENTS (architectures))]);
  g_string_append_printf (text, "\"defaultAction\":\"SCMP_ACT_%s\",\"syscalls\":[",
                          defaults[pick (G_N_ELEMENTS (defaults))]);
  for (guint n = pick (pick (4) ? 8 : 30), i = 0; i < n; i++)
    {
      g_string_append (text, i > 0 ? "," : "");
      append_names (text);
      g_string_append_printf (text, ",%s", rule_actions[pick (G_N_ELEMENTS (rule_actions))]);
      if (pick (3) == 0)
        append_conditions (text);
      g_string_append (text, "}");
    }
  g_string_append (text, "]}");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_random (void)
{
  guint n = g_test_slow () ? 5000 : 200, too_long = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text = random_profile ();
      g_autoptr (OciSeccomp) seccomp = parse (text);
      g_autoptr (GBytes) program = NULL;
      g_autoptr (GError) error = NULL;
      guint32 flags;

      if (!seccomp_program (seccomp, -1, &program, &flags, &error))
        {
          g_assert_true (g_pattern_match_simple ("config.json: /linux/seccomp: * instructions are"
                                                 " more than the 4096 that the kernel takes",
                                                 error->message));
          too_long++;
          continue;
        }
      check_program (seccomp, program, 3000);
      if (i % 10 == 0)
        check_kernel (program, 0);
    }
  g_test_message ("%u of %u were too long", too_long, n);
  g_assert_cmpuint (too_long, <, n / 4);
}

/* What the kernel does is what the interpreter here says. */
static void
test_live (void)
{
  g_autoptr (OciSeccomp) seccomp
      = parse ("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],"
               "\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\","
               "\"errnoRet\":99},{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ERRNO\","
               "\"errnoRet\":98,\"args\":[{\"index\":0,\"value\":4294967296,"
               "\"op\":\"SCMP_CMP_GE\"}]}]}");
  g_autoptr (GBytes) program = make (seccomp);
  gsize size;
  const void *code = g_bytes_get_data (program, &size);
  struct sock_fprog loaded = { (unsigned short) (size / sizeof (struct sock_filter)),
                               (struct sock_filter *) code };
  int status;
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      (void) prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      if (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags_of (seccomp), &loaded) < 0)
        _exit (1);
      if (syscall (SYS_getppid) != -1 || errno != 99)
        _exit (2);
      if (syscall (SYS_personality, 0x100000000ul) != -1 || errno != 98)
        _exit (3);
      if (syscall (SYS_personality, 0xfffffffful) < 0)
        _exit (4);
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

static void
test_flags (void)
{
  static const struct {
    const char *text;
    guint32 flags;
  } cases[] = {
    { "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
    { "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[]}", 0 },
    { "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\","
      "\"SECCOMP_FILTER_FLAG_TSYNC\",\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]}",
      SECCOMP_FILTER_FLAG_LOG },
    { "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":["
      "\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"],\"syscalls\":[{\"names\":[\"mkdir\"],"
      "\"action\":\"SCMP_ACT_NOTIFY\"}]}",
      1 << 5 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (OciSeccomp) seccomp = parse (cases[i].text);

      g_assert_cmpuint (flags_of (seccomp), ==, cases[i].flags);
      g_assert_cmpint (seccomp_notifies (seccomp), ==, i == 3);
    }
}

/* The number of files in ".cache" below @root_fd. */
static guint
count_cached (const char *root)
{
  g_autofree char *path = g_build_filename (root, ".cache", NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (directory != NULL && g_dir_read_name (directory) != NULL)
    n++;
  return n;
}

static GBytes *
make_cached (const char *text, const char *root)
{
  g_autoptr (OciSeccomp) seccomp = parse (text);
  g_autoptr (GError) error = NULL;
  GBytes *program = NULL;
  int root_fd = open (root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  guint32 flags;

  (void) seccomp_program (seccomp, root_fd, &program, &flags, &error);
  g_assert_no_error (error);
  (void) close (root_fd);
  return program;
}

/* Puts @length bytes into the one cached file. */
static void
spoil (const char *root, const char *data, gssize length)
{
  g_autofree char *path = g_build_filename (root, ".cache", NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  g_autofree char *file = g_build_filename (path, g_dir_read_name (directory), NULL);

  g_assert_true (g_file_set_contents (file, data, length, NULL));
}

static void
remove_cached (const char *root)
{
  g_autofree char *path = g_build_filename (root, ".cache", NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      g_assert_cmpint (g_unlink (file), ==, 0);
    }
  g_assert_cmpint (g_rmdir (path), ==, 0);
}

static void
test_cache (void)
{
  g_autofree char *root = g_dir_make_tmp ("bwrap-oci-test-XXXXXX", NULL);
  static const char *const texts[] = {
    "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\",\"read\"],"
    "\"action\":\"SCMP_ACT_ERRNO\"}]}",
    "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\"],"
    "\"action\":\"SCMP_ACT_ERRNO\"},{\"names\":[\"read\"],\"action\":\"SCMP_ACT_TRAP\"}]}",
    "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\",\"read\"],"
    "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":0}]}",
    "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\",\"read\"],"
    "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}]}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GBytes) first = make_cached (texts[i], root);
      g_autoptr (GBytes) second = make_cached (texts[i], root);

      g_assert_true (g_bytes_equal (first, second));
      g_assert_cmpuint (count_cached (root), ==, i + 1);
    }
  remove_cached (root);

  /* a file that cannot be a program is none */
  g_autoptr (GBytes) right = make_cached (texts[0], root);
  const struct {
    const char *data;
    gssize length;
  } wrong[] = { { "", 0 }, { "1234567", 7 }, { "123456789", 9 } };
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GBytes) program = NULL;

      spoil (root, wrong[i].data, wrong[i].length);
      program = make_cached (texts[0], root);
      g_assert_true (g_bytes_equal (program, right));
    }
  g_assert_cmpuint (count_cached (root), ==, 1);

  for (int i = 0; i < 50; i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"defaultAction\":\"SCMP_ACT_ERRNO\","
                                               "\"defaultErrnoRet\":%d}", i);

      g_bytes_unref (make_cached (text, root));
    }
  g_assert_cmpuint (count_cached (root), ==, 32);
  remove_cached (root);
  g_assert_cmpint (g_rmdir (root), ==, 0);
}

/* No filter; and one that cannot do all that it should, which is said again each time. */
static void
test_special (void)
{
  g_autofree char *root = g_dir_make_tmp ("bwrap-oci-test-XXXXXX", NULL);
  g_autoptr (GBytes) none = make_cached ("{\"defaultAction\":\"\"}", root);
  g_autoptr (GBytes) partial
      = make_cached ("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
                     "{\"names\":[\"no_such_call\"],\"action\":\"SCMP_ACT_KILL\"}]}", root);

  g_assert_null (none);
  g_assert_nonnull (partial);
  g_assert_cmpuint (count_cached (root), ==, 0);
  g_assert_cmpint (g_rmdir (root), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/seccomp/podman", "podman-rootless-default.json", test_recorded);
  g_test_add_data_func ("/seccomp/containerd", "ctr-seccomp.json", test_recorded);
  g_test_add_func ("/seccomp/made", test_made);
  g_test_add_func ("/seccomp/random", test_random);
  g_test_add_func ("/seccomp/live", test_live);
  g_test_add_func ("/seccomp/flags", test_flags);
  g_test_add_func ("/seccomp/cache", test_cache);
  g_test_add_func ("/seccomp/special", test_special);
  return g_test_run ();
}
