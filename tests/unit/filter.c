/* What a system call filter answers, and what the rules say; see filter.h. */
#include "config.h"

#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>

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
guint32
filter_interpret (GBytes *program, const struct seccomp_data *data)
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

guint32
filter_answer (int action, const OptUint32 *errno_ret)
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

/* In the order of FilterRules. */
static const guint32 tokens[FILTER_ARCHITECTURES] = {
  SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32, SCMP_ARCH_AARCH64, SCMP_ARCH_ARM,
};

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

void
filter_rules_init (FilterRules *rules, const OciSeccomp *seccomp)
{
  *rules = (FilterRules) { .seccomp = seccomp };
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

gboolean
filter_is_newer (const FilterRules *rules, guint32 token, guint32 number)
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
  const guint32 default_answer
    = filter_answer (seccomp->default_action, &seccomp->default_errno_ret);
  g_autofree char *name = seccomp_syscall_resolve_num_arch (token, data->nr);
  g_autofree char *inner = inner_name (data);
  gboolean held = FALSE;
  guint32 found = default_answer;

  for (guint i = 0; i < field_count (seccomp->syscalls); i++)
    {
      const OciSyscall *rule = g_ptr_array_index (seccomp->syscalls, i);
      guint32 its = filter_answer (rule->action, &rule->errno_ret);
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
expect (const FilterRules *rules, const struct seccomp_data *data)
{
  guint32 token = data->arch;

  if (token == AUDIT_ARCH_X86_64 && ((guint32) data->nr & X32_BIT) != 0)
    token = SCMP_ARCH_X32;
  if (!is_listed (rules->seccomp, token))
    return SECCOMP_RET_KILL_THREAD;
  if (filter_is_newer (rules, token, (guint32) data->nr))
    return SECCOMP_RET_ERRNO | ENOSYS;
  return expect_rules (rules->seccomp, data, token);
}

/* --- the comparison ------------------------------------------------------------------------ */

const guint64 filter_values[FILTER_VALUES] = {
  0, 1, 2, 3, 8, 16, 0x20008, 0x7e020000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
  0x100000000, 0x100000001, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffff00000000,
  0xfffffffffffffffe, 0xffffffffffffffff,
};

static guint32
pick (GRand *random, guint n)
{
  return (guint32) g_rand_int_range (random, 0, (gint32) n);
}

/* A value of the rules for @number, one beside it, or one of the table. */
static guint64
random_argument (GRand *random, const OciSeccomp *seccomp)
{
  const OciSyscall *rule;
  const OciSyscallArg *arg;

  if (field_count (seccomp->syscalls) > 0 && pick (random, 2) == 0)
    {
      rule = g_ptr_array_index (seccomp->syscalls, pick (random, seccomp->syscalls->len));
      if (field_count (rule->args) > 0)
        {
          arg = g_ptr_array_index (rule->args, pick (random, rule->args->len));
          return (pick (random, 2) ? arg->value.value : arg->value_two.value)
                 + pick (random, 3) - 1;
        }
    }
  return filter_values[pick (random, FILTER_VALUES)]
         + (pick (random, 8) == 0 ? pick (random, 3) - 1 : 0);
}

void
filter_random_call (GRand *random, const OciSeccomp *seccomp, struct seccomp_data *data)
{
  guint32 token = tokens[pick (random, pick (random, 3) ? 3 : FILTER_ARCHITECTURES)];

  *data = (struct seccomp_data) { .arch = token == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : token,
                                  .nr = (int) pick (random, pick (random, 8) ? 470 : 2000) };
  if (token == SCMP_ARCH_X32)
    data->nr |= (int) X32_BIT;
  if (token == SCMP_ARCH_ARM && pick (random, 16) == 0)
    data->nr |= 0x0f0000;
  for (int i = 0; i < 6; i++)
    data->args[i] = random_argument (random, seccomp);
  if (token == SCMP_ARCH_X86 && pick (random, 8) == 0)
    {
      data->nr = pick (random, 2) ? 102 : 117;
      data->args[0] = pick (random, 26) | (guint64) pick (random, 2) << 16;
    }
}

static void
check_call (const FilterRules *rules, GBytes *program, const struct seccomp_data *data)
{
  guint32 got = filter_interpret (program, data), expected = expect (rules, data);

  if (got != expected)
    g_error ("arch %08x, call %#x (%llx, %llx, %llx, %llx, %llx, %llx): the program says %08x, the"
             " rules %08x", data->arch, (unsigned) data->nr, data->args[0], data->args[1],
             data->args[2], data->args[3], data->args[4], data->args[5], got, expected);
}

void
filter_check (const OciSeccomp *seccomp, GBytes *program, GRand *random, guint n)
{
  FilterRules rules;

  filter_rules_init (&rules, seccomp);
  for (guint i = 0; i < n; i++)
    {
      struct seccomp_data data;

      filter_random_call (random, seccomp, &data);
      check_call (&rules, program, &data);
    }
}
