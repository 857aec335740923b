/* The rules of a system call filter as tables; see seccomp-table.h.
 *
 * The rules mean what they mean to runc and crun:
 * - Any number of rules may name a call. One without conditions beats those with conditions, the
 *   first of several counts. The conditions of one rule must all hold; but if two of them are about
 *   the same argument, each is a rule of its own.
 * - A rule whose action is the default's is skipped: it does not beat another one.
 * - A name that libseccomp does not know is skipped. That is as asked where the rule allows, or
 *   where the default forbids; otherwise a warning names it.
 * - On 32-bit architectures 32 bits of arguments and values are compared.
 * - A call of an architecture that is not listed ends the thread.
 * - A list of what is allowed answers EPERM to all that its author did not know. A C library that
 *   tries a new call first takes ENOSYS as "use the old one", but EPERM as the final word, and an
 *   image newer than the profile would fail. So, as with runc, a call with a higher number than all
 *   that the rules name gets ENOSYS where the default is EPERM. */
#include "config.h"

#include "run/seccomp-table.h"

#include "base/log.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>

/* Calls of x32 come with the architecture of x86-64 and have this bit (asm/unistd.h). */
#define X32_BIT 0x40000000u

#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000u
#endif

/* The kernel's word for each action; errnoRet is put into the two that take one. */
static const guint32 actions[] = {
  [OCI_SECCOMP_KILL] = SECCOMP_RET_KILL_THREAD,
  [OCI_SECCOMP_KILL_PROCESS] = SECCOMP_RET_KILL_PROCESS,
  [OCI_SECCOMP_KILL_THREAD] = SECCOMP_RET_KILL_THREAD,
  [OCI_SECCOMP_TRAP] = SECCOMP_RET_TRAP,
  [OCI_SECCOMP_ERRNO] = SECCOMP_RET_ERRNO,
  [OCI_SECCOMP_TRACE] = SECCOMP_RET_TRACE,
  [OCI_SECCOMP_ALLOW] = SECCOMP_RET_ALLOW,
  [OCI_SECCOMP_LOG] = SECCOMP_RET_LOG,
  [OCI_SECCOMP_NOTIFY] = SECCOMP_RET_USER_NOTIF,
};

/* Calls that are one call with a number for each (socketcall(2), ipc(2)). libseccomp has negative
 * numbers for them on the architectures where that is so, even if they have one of their own. */
static const struct {
  const char *name;
  int base;      /* libseccomp's number is this minus the number below */
  guint32 mask;  /* the bits of the first argument that have the number: ipc has a version above */
} multiplexers[] = {
  { "socketcall", -100, G_MAXUINT32 },
  { "ipc", -200, G_MAXUINT16 },
};

/* Numbers are looked through up to here for one that a call has of its own. */
#define NUMBERS_MAX 512

/* The calls of an architecture, or of one of the two on x86-64. */
typedef struct {
  guint32 token;       /* libseccomp's number for it; 0: not in the filter */
  guint32 last;        /* the highest number that a rule names; 0: none */
  GHashTable *direct;  /* numbers by name, for what is multiplexed too; NULL: not wanted yet */
} Abi;

typedef struct {
  const OciSeccomp *seccomp;
  guint32 default_action;
  gboolean newer;  /* what is newer than the rules gets ENOSYS */
  SeccompTable *table;
  Abi abis[2];     /* the second is x32 */
} Builder;

static guint32
action_word (int action, const OptUint32 *errno_ret)
{
  guint32 word = actions[action];

  /* config-linux.md, "Seccomp": EPERM if there is none */
  if (action == OCI_SECCOMP_ERRNO || action == OCI_SECCOMP_TRACE)
    word |= (errno_ret->set ? errno_ret->value : EPERM) & SECCOMP_RET_DATA;
  return word;
}

/* --- rules ---------------------------------------------------------------------------------- */

static SeccompCondition
make_condition (const OciSyscallArg *arg)
{
  return (SeccompCondition) {
    .argument = arg->index.value,
    .op = (OciSeccompOperator) arg->op,
    .value = arg->value.value,
    .value_two = arg->value_two.value,
  };
}

/* Whether two of @args are about the same argument. */
static gboolean
args_repeat (const GPtrArray *args)
{
  unsigned seen = 0;

  for (guint i = 0; i < field_count (args); i++)
    {
      const OciSyscallArg *arg = g_ptr_array_index (args, i);

      if (seen & 1u << arg->index.value)
        return TRUE;
      seen |= 1u << arg->index.value;
    }
  return FALSE;
}

static void
call_add_rule (SeccompCall *call, const SeccompRule *rule)
{
  if (call->rules == NULL)
    call->rules = g_array_new (FALSE, FALSE, sizeof (SeccompRule));
  g_array_append_vals (call->rules, rule, 1);
}

/* Adds what @rule says, which is @action. */
static void
call_add (SeccompCall *call, const OciSyscall *rule, guint32 action)
{
  SeccompRule made = { .action = action };
  gboolean repeat;

  if (call->fixed)
    return;
  if (field_count (rule->args) == 0)
    {
      call->fixed = TRUE;
      call->action = action;
      g_clear_pointer (&call->rules, g_array_unref);
      return;
    }
  repeat = args_repeat (rule->args);
  for (guint i = 0; i < rule->args->len; i++)
    {
      made.conditions[made.n++] = make_condition (g_ptr_array_index (rule->args, i));
      if (repeat || i == rule->args->len - 1)
        {
          call_add_rule (call, &made);
          made.n = 0;
        }
    }
}

static void
call_free (gpointer data)
{
  SeccompCall *call = data;

  g_clear_pointer (&call->rules, g_array_unref);
  g_free (call);
}

/* --- numbers -------------------------------------------------------------------------------- */

static SeccompCall *
find_call (Builder *builder, Abi *abi, guint32 number)
{
  SeccompCall *call = g_hash_table_lookup (builder->table->calls, GUINT_TO_POINTER (number));
  guint32 convention = abi->token & (__AUDIT_ARCH_64BIT | __AUDIT_ARCH_CONVENTION_MIPS64_N32);

  if (call == NULL)
    {
      call = g_new0 (SeccompCall, 1);
      call->action = builder->default_action;
      call->narrow = convention != __AUDIT_ARCH_64BIT;
      g_hash_table_insert (builder->table->calls, GUINT_TO_POINTER (number), call);
    }
  return call;
}

/* The number that the call @name, also multiplexed, has of its own; -1: none. */
static int
direct_number (Abi *abi, const char *name)
{
  gpointer found;

  if (abi->direct == NULL)
    {
      abi->direct = g_hash_table_new_full (g_str_hash, g_str_equal, free, NULL);
      for (int i = 0; i < NUMBERS_MAX; i++)
        {
          char *its = seccomp_syscall_resolve_num_arch (abi->token, i);

          if (its != NULL)
            g_hash_table_replace (abi->direct, its, GINT_TO_POINTER (i));
        }
    }
  if (!g_hash_table_lookup_extended (abi->direct, name, NULL, &found))
    return -1;
  return GPOINTER_TO_INT (found);
}

/* Adds @rule for the call @number. One that does what is done anyway only counts for what is
 * newer than the rules. */
static void
add_number (Builder *builder, Abi *abi, int number, const OciSyscall *rule)
{
  guint32 action = action_word (rule->action, &rule->errno_ret);

  if (number < 0)
    return;
  abi->last = MAX (abi->last, (guint32) number);
  if (action != builder->default_action)
    call_add (find_call (builder, abi, (guint32) number), rule, action);
}

/* Adds @rule for what is @number to libseccomp, where that is no number of the kernel. The
 * arguments of a multiplexed call are in memory, so a rule about them can have no effect on it. */
static void
add_multiplexed (Builder *builder, Abi *abi, int number, const char *name, const OciSyscall *rule)
{
  for (gsize i = 0; i < G_N_ELEMENTS (multiplexers); i++)
    {
      guint32 action = action_word (rule->action, &rule->errno_ret);
      int sub = multiplexers[i].base - number;
      int multiplexer;
      SeccompCall *call;

      if (sub <= 0 || sub >= 100)
        continue;
      multiplexer = seccomp_syscall_resolve_name_arch (abi->token, multiplexers[i].name);
      if (multiplexer < 0)
        return;
      add_number (builder, abi, direct_number (abi, name), rule);
      if (field_count (rule->args) > 0 || action == builder->default_action)
        return;
      call = find_call (builder, abi, (guint32) multiplexer);
      if (!call->fixed)
        call_add_rule (call, &(SeccompRule) {
          .action = action,
          .n = 1,
          .conditions = { { .op = OCI_SECCOMP_MASKED_EQ,
                            .value = multiplexers[i].mask,
                            .value_two = (guint64) sub } },
        });
    }
}

static void
add_abi (Builder *builder, Abi *abi, guint32 token)
{
  if (abi->token == token)
    return;
  abi->token = token;
  for (guint i = 0; i < field_count (builder->seccomp->syscalls); i++)
    {
      const OciSyscall *rule = g_ptr_array_index (builder->seccomp->syscalls, i);

      for (char **name = rule->names; *name != NULL; name++)
        {
          int number = seccomp_syscall_resolve_name_arch (token, *name);

          if (number >= 0)
            add_number (builder, abi, number, rule);
          else
            add_multiplexed (builder, abi, number, *name, rule);
        }
    }
}

/* --- ranges --------------------------------------------------------------------------------- */

/* What is to be done with the call @number if no rule names it. */
static guint32
unnamed_action (const Builder *builder, guint32 number)
{
  gboolean x32 = builder->table->architecture == AUDIT_ARCH_X86_64 && (number & X32_BIT) != 0;
  const Abi *abi = &builder->abis[x32];

  if (abi->token == 0)
    return SECCOMP_RET_KILL_THREAD;
  if (builder->newer && abi->last != 0 && number > abi->last)
    return SECCOMP_RET_ERRNO | ENOSYS;
  return builder->default_action;
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  guint32 one = *(const guint32 *) a, two = *(const guint32 *) b;

  return (one > two) - (one < two);
}

/* Returns the numbers at which something else may begin, in order. Transfer: full. */
static GArray *
find_points (const Builder *builder)
{
  GArray *points = g_array_new (FALSE, FALSE, sizeof (guint32));
  const guint32 fixed[] = { 0, X32_BIT, builder->abis[0].last + 1, builder->abis[1].last + 1 };
  GHashTableIter calls;
  gpointer key;

  g_array_append_vals (points, fixed, G_N_ELEMENTS (fixed));
  g_hash_table_iter_init (&calls, builder->table->calls);
  while (g_hash_table_iter_next (&calls, &key, NULL))
    {
      const guint32 both[] = { GPOINTER_TO_UINT (key), GPOINTER_TO_UINT (key) + 1 };

      g_array_append_vals (points, both, G_N_ELEMENTS (both));
    }
  g_array_sort (points, compare_numbers);
  return points;
}

/* Makes the ranges from the calls; what is treated alike becomes one. */
static void
make_ranges (const Builder *builder)
{
  g_autoptr (GArray) points = find_points (builder);
  GArray *ranges = builder->table->ranges;

  for (guint i = 0; i < points->len; i++)
    {
      SeccompRange range = { .start = g_array_index (points, guint32, i) };
      const SeccompCall *call
          = g_hash_table_lookup (builder->table->calls, GUINT_TO_POINTER (range.start));
      const SeccompRange *last
          = ranges->len > 0 ? &g_array_index (ranges, SeccompRange, ranges->len - 1) : NULL;

      if (call != NULL && call->rules != NULL)
        range.call = call;
      else
        range.action = call != NULL ? call->action : unnamed_action (builder, range.start);
      if (last != NULL
          && (last->start == range.start
              || (last->call == NULL && range.call == NULL && last->action == range.action)))
        continue;
      g_array_append_val (ranges, range);
    }
}

/* --- all together ---------------------------------------------------------------------------- */

static void
table_free (gpointer data)
{
  SeccompTable *table = data;

  g_array_unref (table->ranges);
  g_hash_table_unref (table->calls);
  g_free (table);
}

static guint32
kernel_architecture (guint32 token)
{
  return token == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : token;
}

/* Returns the table for @architecture, with the calls of all @tokens that it stands for. */
static SeccompTable *
make_table (const OciSeccomp *seccomp, guint32 architecture, const GArray *tokens)
{
  Builder builder = {
    .seccomp = seccomp,
    .default_action = action_word (seccomp->default_action, &seccomp->default_errno_ret),
    .table = g_new0 (SeccompTable, 1),
  };

  builder.newer = builder.default_action == (SECCOMP_RET_ERRNO | EPERM);
  builder.table->architecture = architecture;
  builder.table->ranges = g_array_new (FALSE, FALSE, sizeof (SeccompRange));
  builder.table->calls = g_hash_table_new_full (NULL, NULL, NULL, call_free);
  for (guint i = 0; i < tokens->len; i++)
    {
      guint32 token = g_array_index (tokens, guint32, i);

      if (kernel_architecture (token) == architecture)
        add_abi (&builder, &builder.abis[token == SCMP_ARCH_X32], token);
    }
  make_ranges (&builder);
  for (gsize i = 0; i < G_N_ELEMENTS (builder.abis); i++)
    g_clear_pointer (&builder.abis[i].direct, g_hash_table_unref);
  return builder.table;
}

/* Whether a call with @action simply goes on. */
static gboolean
lets_pass (int action)
{
  return action == OCI_SECCOMP_ALLOW || action == OCI_SECCOMP_LOG;
}

/* Warns of what is forbidden by name but cannot be. */
static gboolean
check_names (const OciSeccomp *seccomp)
{
  gboolean complete = TRUE;

  if (!lets_pass (seccomp->default_action))
    return TRUE;
  for (guint i = 0; i < field_count (seccomp->syscalls); i++)
    {
      const OciSyscall *rule = g_ptr_array_index (seccomp->syscalls, i);

      for (char **name = rule->names; !lets_pass (rule->action) && *name != NULL; name++)
        if (seccomp_syscall_resolve_name (*name) == __NR_SCMP_ERROR)
          {
            log_warning ("config.json: /linux/seccomp/syscalls/%u/names: unknown system call %s is"
                         " not filtered", i, *name);
            complete = FALSE;
          }
    }
  return complete;
}

static gboolean
have_table (const GPtrArray *tables, guint32 architecture)
{
  for (guint i = 0; i < tables->len; i++)
    if (((const SeccompTable *) g_ptr_array_index (tables, i))->architecture == architecture)
      return TRUE;
  return FALSE;
}

GPtrArray *
seccomp_tables_new (const OciSeccomp *seccomp, gboolean *ret_complete)
{
  GPtrArray *tables = g_ptr_array_new_with_free_func (table_free);
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (guint32));
  const guint32 native = seccomp_arch_native ();

  g_array_append_val (tokens, native);
  if (seccomp->architectures != NULL)
    g_array_append_vals (tokens, seccomp->architectures->data, seccomp->architectures->len);
  for (guint i = 0; i < tokens->len; i++)
    {
      guint32 architecture = kernel_architecture (g_array_index (tokens, guint32, i));

      if (!have_table (tables, architecture))
        g_ptr_array_add (tables, make_table (seccomp, architecture, tokens));
    }
  *ret_complete = check_names (seccomp);
  return tables;
}
