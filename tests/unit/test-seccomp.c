/* The system call filter: what a program answers is compared with what the rules say, read
 * straight from the configuration, on many random calls.
 *
 * Here are a small interpreter of the kernel's programs and a small interpreter of the rules. */
#include "config.h"

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

#define X32_BIT 0x40000000u

/* --- the program's answer ---------------------------------------------------------------- */

static guint32
load (const struct seccomp_data *data, guint32 offset)
{
  guint32 value;

  g_assert_cmpuint (offset % 4, ==, 0);
  g_assert_cmpuint (offset, <=, sizeof *data - 4);
  memcpy (&value, (const char *) data + offset, 4);
  return value;
}

static gboolean
jumps (const struct sock_filter *at, guint32 a)
{
  switch (BPF_OP (at->code))
    {
    case BPF_JA:
      return TRUE;
    case BPF_JEQ:
      return a == at->k;
    case BPF_JGT:
      return a > at->k;
    case BPF_JGE:
      return a >= at->k;
    case BPF_JSET:
      return (a & at->k) != 0;
    default:
      g_assert_not_reached ();
    }
}

/* The kernel's Documentation/networking/filter.rst, as far as libseccomp uses it. */
static guint32
interpret (GBytes *program, const struct seccomp_data *data)
{
  gsize size;
  const struct sock_filter *code = g_bytes_get_data (program, &size);
  gsize n = size / sizeof *code;
  guint32 a = 0, memory[BPF_MEMWORDS] = { 0 };

  for (gsize pc = 0; pc < n; pc++)
    switch (code[pc].code)
      {
      case BPF_LD | BPF_W | BPF_ABS:
        a = load (data, code[pc].k);
        break;
      case BPF_LD | BPF_MEM:
        g_assert_cmpuint (code[pc].k, <, BPF_MEMWORDS);
        a = memory[code[pc].k];
        break;
      case BPF_ST:
        g_assert_cmpuint (code[pc].k, <, BPF_MEMWORDS);
        memory[code[pc].k] = a;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        a &= code[pc].k;
        break;
      case BPF_RET | BPF_K:
        return code[pc].k;
      case BPF_JMP | BPF_JA:
        pc += code[pc].k;
        break;
      default:
        g_assert_cmpuint (BPF_CLASS (code[pc].code), ==, BPF_JMP);
        g_assert_cmpuint (BPF_SRC (code[pc].code), ==, BPF_K);
        pc += jumps (&code[pc], a) ? code[pc].jt : code[pc].jf;
      }
  g_assert_not_reached ();
}

/* --- the rules' answer -------------------------------------------------------------------- */

static guint32
answer (int action, const OptUint32 *errno_ret)
{
  guint32 number = errno_ret->set ? errno_ret->value : EPERM;

  switch ((OciSeccompAction) action)
    {
    case OCI_SECCOMP_KILL:
    case OCI_SECCOMP_KILL_THREAD:
      return SECCOMP_RET_KILL_THREAD;
    case OCI_SECCOMP_KILL_PROCESS:
      return SECCOMP_RET_KILL_PROCESS;
    case OCI_SECCOMP_TRAP:
      return SECCOMP_RET_TRAP;
    case OCI_SECCOMP_ERRNO:
      return SECCOMP_RET_ERRNO | number;
    case OCI_SECCOMP_TRACE:
      return SECCOMP_RET_TRACE | number;
    case OCI_SECCOMP_ALLOW:
      return SECCOMP_RET_ALLOW;
    case OCI_SECCOMP_LOG:
      return SECCOMP_RET_LOG;
    case OCI_SECCOMP_NOTIFY:
      return SECCOMP_RET_USER_NOTIF;
    default:
      g_assert_not_reached ();
    }
}

/* Whether @arg holds of the argument @value, of which a 32-bit architecture has only half. */
static gboolean
holds (const OciSyscallArg *arg, guint64 value, gboolean narrow)
{
  const guint64 width = narrow ? G_MAXUINT32 : G_MAXUINT64;
  const guint64 a = value & width, b = arg->value.value & width;

  switch ((OciSeccompOperator) arg->op)
    {
    case OCI_SECCOMP_NE:
      return a != b;
    case OCI_SECCOMP_LT:
      return a < b;
    case OCI_SECCOMP_LE:
      return a <= b;
    case OCI_SECCOMP_EQ:
      return a == b;
    case OCI_SECCOMP_GE:
      return a >= b;
    case OCI_SECCOMP_GT:
      return a > b;
    case OCI_SECCOMP_MASKED_EQ:
      return (a & b) == (arg->value_two.value & b);
    default:
      g_assert_not_reached ();
    }
}

/* Whether @rule's conditions hold: all of them, but any if two are about one argument. */
static gboolean
applies (const OciSyscall *rule, const guint64 *args, gboolean narrow)
{
  guint n = field_count (rule->args), held = 0;
  gboolean seen[6] = { FALSE }, repeat = FALSE;

  for (guint i = 0; i < n; i++)
    {
      const OciSyscallArg *arg = g_ptr_array_index (rule->args, i);

      repeat = repeat || seen[arg->index.value];
      seen[arg->index.value] = TRUE;
      held += holds (arg, args[arg->index.value], narrow) != 0;
    }
  return repeat ? held > 0 : held == n;
}

static gboolean
has_name (const OciSyscall *rule, const char *name)
{
  return name != NULL && g_strv_contains ((const char *const *) rule->names, name);
}

static const guint32 tokens[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32,
                                  SCMP_ARCH_AARCH64, SCMP_ARCH_ARM };

/* Rules, with the highest number that they name on each architecture, by index of tokens. */
typedef struct {
  const OciSeccomp *seccomp;
  int highest[G_N_ELEMENTS (tokens)];
} Rules;

/* The number that a call of x86 with a negative one has beside its place in a multiplexer. */
static int
own_number (guint32 token, const char *name)
{
  for (int i = 0; i < 500; i++)
    {
      g_autofree char *its = seccomp_syscall_resolve_num_arch (token, i);

      if (its != NULL && strcmp (its, name) == 0)
        return i;
    }
  return -1;
}

static void
rules_init (Rules *rules, const OciSeccomp *seccomp)
{
  *rules = (Rules) { .seccomp = seccomp };
  for (gsize t = 0; t < G_N_ELEMENTS (tokens); t++)
    for (guint i = 0; i < field_count (seccomp->syscalls); i++)
      {
        const OciSyscall *rule = g_ptr_array_index (seccomp->syscalls, i);

        for (char **name = rule->names; *name != NULL; name++)
          {
            int number = seccomp_syscall_resolve_name_arch (tokens[t], *name);

            if (number <= -100 && number > -300 && tokens[t] == SCMP_ARCH_X86)
              number = own_number (tokens[t], *name);
            rules->highest[t] = MAX (rules->highest[t], number);
          }
      }
}

static gboolean
is_newer (const Rules *rules, guint32 token, guint32 number)
{
  const OciSeccomp *seccomp = rules->seccomp;
  int last = 0;

  for (gsize t = 0; t < G_N_ELEMENTS (tokens); t++)
    if (tokens[t] == token)
      last = rules->highest[t];
  return seccomp->default_action == OCI_SECCOMP_ERRNO && last > 0 && number > (guint32) last
         && (!seccomp->default_errno_ret.set || seccomp->default_errno_ret.value == EPERM);
}

static gboolean
is_listed (const OciSeccomp *seccomp, guint32 token)
{
  if (token == seccomp_arch_native ())
    return TRUE;
  for (guint i = 0; seccomp->architectures != NULL && i < seccomp->architectures->len; i++)
    if (g_array_index (seccomp->architectures, guint32, i) == token)
      return TRUE;
  return FALSE;
}

/* The old calls of x86 that are many in one. */
static gboolean
is_multiplexer (const struct seccomp_data *data)
{
  return data->arch == SCMP_ARCH_X86 && (data->nr == 102 || data->nr == 117);
}

/* The name of the call inside such a one; NULL: it is another call, or none. */
static char *
inner_name (const struct seccomp_data *data)
{
  guint32 number = (guint32) data->args[0];

  if (!is_multiplexer (data))
    return NULL;
  if (data->nr == 117)
    number &= 0xffff;
  if (number == 0 || number >= 100)
    return NULL;
  return seccomp_syscall_resolve_num_arch (data->arch,
                                           (data->nr == 102 ? -100 : -200) - (int) number);
}

static guint32
expect_rules (const OciSeccomp *seccomp, const struct seccomp_data *data, guint32 token)
{
  const gboolean narrow = token == SCMP_ARCH_X32 || (token & __AUDIT_ARCH_64BIT) == 0;
  const guint32 default_answer = answer (seccomp->default_action, &seccomp->default_errno_ret);
  g_autofree char *name = seccomp_syscall_resolve_num_arch (token, data->nr);
  g_autofree char *inner = inner_name (data);
  gboolean held = FALSE;
  guint32 found = default_answer;

  for (guint i = 0; i < field_count (seccomp->syscalls); i++)
    {
      const OciSyscall *rule = g_ptr_array_index (seccomp->syscalls, i);
      guint32 its = answer (rule->action, &rule->errno_ret);
      gboolean named = has_name (rule, name);

      if (its == default_answer)
        continue;
      if (named && field_count (rule->args) == 0)
        return its;
      if (!held
          && ((named && applies (rule, (const guint64 *) data->args, narrow))
              || (has_name (rule, inner) && field_count (rule->args) == 0)))
        {
          held = TRUE;
          found = its;
        }
    }
  return found;
}

static guint32
expect (const Rules *rules, const struct seccomp_data *data)
{
  guint32 token = data->arch;

  if (token == AUDIT_ARCH_X86_64 && ((guint32) data->nr & X32_BIT) != 0)
    token = SCMP_ARCH_X32;
  if (!is_listed (rules->seccomp, token))
    return SECCOMP_RET_KILL_THREAD;
  if (is_newer (rules, token, (guint32) data->nr))
    return SECCOMP_RET_ERRNO | ENOSYS;
  return expect_rules (rules->seccomp, data, token);
}

/* --- the comparison ------------------------------------------------------------------------ */

/* Values around which comparisons go wrong. */
static const guint64 values[] = {
  0, 1, 2, 3, 8, 16, 0x20008, 0x7e020000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
  0x100000000, 0x100000001, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffff00000000,
  0xfffffffffffffffe, 0xffffffffffffffff,
};

static guint32
pick (guint n)
{
  return (guint32) g_test_rand_int_range (0, (gint32) n);
}

/* A value of the rules for @number, one beside it, or one of the table. */
static guint64
random_argument (const OciSeccomp *seccomp)
{
  const OciSyscall *rule;
  const OciSyscallArg *arg;

  if (field_count (seccomp->syscalls) > 0 && pick (2) == 0)
    {
      rule = g_ptr_array_index (seccomp->syscalls, pick (seccomp->syscalls->len));
      if (field_count (rule->args) > 0)
        {
          arg = g_ptr_array_index (rule->args, pick (rule->args->len));
          return (pick (2) ? arg->value.value : arg->value_two.value) + pick (3) - 1;
        }
    }
  return values[pick (G_N_ELEMENTS (values))] + (pick (8) == 0 ? pick (3) - 1 : 0);
}

static void
random_call (const OciSeccomp *seccomp, struct seccomp_data *data)
{
  guint32 token = pick (3) ? tokens[pick (3)] : tokens[pick (G_N_ELEMENTS (tokens))];

  *data = (struct seccomp_data) { .arch = token == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : token,
                                  .nr = (int) pick (pick (8) ? 470 : 2000) };
  if (token == SCMP_ARCH_X32)
    data->nr |= (int) X32_BIT;
  if (token == SCMP_ARCH_ARM && pick (16) == 0)
    data->nr |= 0x0f0000;
  for (int i = 0; i < 6; i++)
    data->args[i] = random_argument (seccomp);
  if (token == SCMP_ARCH_X86 && pick (8) == 0)
    {
      data->nr = pick (2) ? 102 : 117;
      data->args[0] = pick (26) | (guint64) pick (2) << 16;
    }
}

static void
check_call (const Rules *rules, GBytes *program, const struct seccomp_data *data)
{
  guint32 got = interpret (program, data), expected = expect (rules, data);

  if (got != expected)
    g_error ("arch %08x, call %#x (%llx, %llx, %llx, %llx, %llx, %llx): the program says %08x, the"
             " rules %08x", data->arch, (unsigned) data->nr, data->args[0], data->args[1],
             data->args[2], data->args[3], data->args[4], data->args[5], got, expected);
}

static void
check_program (const OciSeccomp *seccomp, GBytes *program, guint n)
{
  Rules rules;

  rules_init (&rules, seccomp);
  for (guint i = 0; i < n; i++)
    {
      struct seccomp_data data;

      random_call (seccomp, &data);
      check_call (&rules, program, &data);
    }
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
        g_assert_cmpint (seccomp_rule_add_array (filter, answer (rule->action, &rule->errno_ret),
                                                 number, n, conditions),
                         ==, 0);
    }
}

/* The program that runc and crun would make. */
static GBytes *
peer_program (const OciSeccomp *seccomp)
{
  guint32 default_answer = answer (seccomp->default_action, &seccomp->default_errno_ret);
  scmp_filter_ctx filter = seccomp_init (default_answer);
  FILE *file = tmpfile ();
  char *data;
  long size;

  for (guint i = 0; seccomp->architectures != NULL && i < seccomp->architectures->len; i++)
    (void) seccomp_arch_add (filter, g_array_index (seccomp->architectures, guint32, i));
  for (guint i = 0; i < seccomp->syscalls->len; i++)
    {
      const OciSyscall *rule = g_ptr_array_index (seccomp->syscalls, i);

      if (answer (rule->action, &rule->errno_ret) != default_answer)
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
  Rules rules;

  g_test_message ("%d us, %d instructions", (int) (g_get_monotonic_time () - start),
                  (int) (g_bytes_get_size (program) / sizeof (struct sock_filter)));
  check_program (seccomp, program, 200000);
  check_kernel (program, flags_of (seccomp));

  peers = peer_program (seccomp);
  rules_init (&rules, seccomp);
  for (int i = 0; i < 200000; i++)
    {
      struct seccomp_data data;
      guint32 token;

      random_call (seccomp, &data);
      token = (guint32) data.nr & X32_BIT ? SCMP_ARCH_X32 : data.arch;
      if (!is_newer (&rules, token, (guint32) data.nr))
        g_assert_cmpuint (interpret (program, &data), ==, interpret (peers, &data));
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
        name = seccomp_syscall_resolve_num_arch (tokens[pick (2)], (int) pick (450));
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
                            i > 0 ? "," : "", pick (6), values[pick (G_N_ELEMENTS (values))],
                            values[pick (G_N_ELEMENTS (values))],
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
