/* The program of a system call filter; see seccomp-emit.h.
 *
 * It is made here, and not by libseccomp (which knows the names and numbers): libseccomp 2.5.4
 * forgets the number of the call before the second architecture's rules, lets rules with conditions
 * on one argument hold together where neither does, and does not come to an end on some; and it
 * takes a hundred times as long. The unit test compares programs with the rules.
 *
 * The architecture is looked for in order, the number by bisection in its ranges. All parts end in
 * a return, so they can be put together in any order; the language only has forward jumps, of at
 * most 255 instructions if they depend on something (Documentation/networking/filter.rst). */
#include "config.h"

#include "run/seccomp-emit.h"

#include "base/error.h"

#include <linux/seccomp.h>
#include <stddef.h>

/* Where the conditional jumps of a rule lead until its length is known; a rule is shorter. */
#define TO_NEXT 0     /* the next instruction */
#define TO_HOLDS 254  /* the condition holds */
#define TO_FAILS 255  /* it does not: behind the rule */

static void
emit (GArray *program, unsigned code, guint32 value, guint8 if_true, guint8 if_false)
{
  const struct sock_filter instruction = { (guint16) code, if_true, if_false, value };

  g_array_append_val (program, instruction);
}

static void
emit_load (GArray *program, gsize offset)
{
  emit (program, BPF_LD | BPF_W | BPF_ABS, (guint32) offset, 0, 0);
}

static void
emit_return (GArray *program, guint32 action)
{
  emit (program, BPF_RET | BPF_K, action, 0, 0);
}

/* Where a half of an argument is in struct seccomp_data. */
static gsize
argument_offset (guint32 argument, gboolean high)
{
  gboolean second = high == (G_BYTE_ORDER == G_LITTLE_ENDIAN);

  return offsetof (struct seccomp_data, args) + argument * sizeof (guint64)
         + (second ? sizeof (guint32) : 0);
}

/* How an operator is decided: by one jump on the low half if the high halves are equal. */
static const struct {
  unsigned jump;
  gboolean negated;  /* it holds if the jump is not taken */
  gboolean ordered;  /* a greater high half decides as the jump does */
} operators[] = {
  [OCI_SECCOMP_NE] = { BPF_JEQ, TRUE, FALSE },
  [OCI_SECCOMP_LT] = { BPF_JGE, TRUE, TRUE },
  [OCI_SECCOMP_LE] = { BPF_JGT, TRUE, TRUE },
  [OCI_SECCOMP_EQ] = { BPF_JEQ, FALSE, FALSE },
  [OCI_SECCOMP_GE] = { BPF_JGE, FALSE, TRUE },
  [OCI_SECCOMP_GT] = { BPF_JGT, FALSE, TRUE },
  [OCI_SECCOMP_MASKED_EQ] = { BPF_JEQ, FALSE, FALSE },
};

/* Loads a half of the argument, and masks it if that is asked for. Returns the half of what it is
 * to be compared with. */
static guint32
emit_half (GArray *program, const SeccompCondition *condition, gboolean high)
{
  const guint shift = high ? 32 : 0;
  const guint32 value = (guint32) (condition->value >> shift);

  emit_load (program, argument_offset (condition->argument, high));
  if (condition->op != OCI_SECCOMP_MASKED_EQ)
    return value;
  emit (program, BPF_ALU | BPF_AND | BPF_K, value, 0, 0);
  return (guint32) (condition->value_two >> shift) & value;
}

/* Goes on behind it if @condition holds, else to TO_FAILS. */
static void
emit_condition (GArray *program, const SeccompCondition *condition, gboolean narrow)
{
  const unsigned jump = BPF_JMP | BPF_K | operators[condition->op].jump;
  const gboolean negated = operators[condition->op].negated;
  const guint8 taken = negated ? TO_FAILS : TO_HOLDS;
  const guint8 not_taken = negated ? TO_HOLDS : TO_FAILS;
  const guint start = program->len;
  guint32 value;

  if (!narrow)
    {
      value = emit_half (program, condition, TRUE);
      if (operators[condition->op].ordered)
        emit (program, BPF_JMP | BPF_JGT | BPF_K, value, taken, TO_NEXT);
      emit (program, BPF_JMP | BPF_JEQ | BPF_K, value, TO_NEXT, not_taken);
    }
  value = emit_half (program, condition, FALSE);
  emit (program, jump, value, taken, not_taken);
  for (guint i = start; i < program->len; i++)
    {
      struct sock_filter *at = &g_array_index (program, struct sock_filter, i);
      guint8 end = (guint8) (program->len - i - 1);

      at->jt = at->jt == TO_HOLDS ? end : at->jt;
      at->jf = at->jf == TO_HOLDS ? end : at->jf;
    }
}

/* Returns the rule's action if all its conditions hold, else goes on behind it. */
static void
emit_rule (GArray *program, const SeccompRule *rule, gboolean narrow)
{
  const guint start = program->len;

  for (guint i = 0; i < rule->n; i++)
    emit_condition (program, &rule->conditions[i], narrow);
  emit_return (program, rule->action);
  for (guint i = start; i < program->len; i++)
    {
      struct sock_filter *at = &g_array_index (program, struct sock_filter, i);
      guint8 end = (guint8) (program->len - i - 1);

      at->jt = at->jt == TO_FAILS ? end : at->jt;
      at->jf = at->jf == TO_FAILS ? end : at->jf;
    }
}

static void
emit_call (GArray *program, const SeccompCall *call)
{
  for (guint i = 0; i < call->rules->len; i++)
    emit_rule (program, &g_array_index (call->rules, SeccompRule, i), call->narrow);
  emit_return (program, call->action);
}

/* Skips @other if the comparison of @jump with @value says so, and appends it. */
static void
emit_branch (GArray *program, unsigned jump, guint32 value, const GArray *other)
{
  if (other->len <= G_MAXUINT8)
    emit (program, BPF_JMP | BPF_K | jump, value, (guint8) other->len, 0);
  else
    {
      emit (program, BPF_JMP | BPF_K | jump, value, 0, 1);
      emit (program, BPF_JMP | BPF_JA, other->len, 0, 0);
    }
  g_array_append_vals (program, other->data, other->len);
}

/* Decides among the @n ranges from @ranges on by the call's number, which is loaded. */
static void
emit_ranges (GArray *program, const SeccompRange *ranges, guint n)
{
  g_autoptr (GArray) lower = NULL;
  guint middle = n / 2;

  if (n == 1 && ranges->call != NULL)
    emit_call (program, ranges->call);
  else if (n == 1)
    emit_return (program, ranges->action);
  else
    {
      lower = g_array_new (FALSE, FALSE, sizeof (struct sock_filter));
      emit_ranges (lower, ranges, middle);
      emit_branch (program, BPF_JGE, ranges[middle].start, lower);
      emit_ranges (program, ranges + middle, n - middle);
    }
}

/* Returns the program for @table, which goes on to @others if the architecture, which is loaded,
 * is another. Transfer: full. */
static GArray *
emit_table (const SeccompTable *table, const GArray *others)
{
  GArray *program = g_array_new (FALSE, FALSE, sizeof (struct sock_filter));

  emit_branch (program, BPF_JEQ, table->architecture, others);
  emit_load (program, offsetof (struct seccomp_data, nr));
  emit_ranges (program, &g_array_index (table->ranges, SeccompRange, 0), table->ranges->len);
  return program;
}

GArray *
seccomp_emit (const GPtrArray *tables, GError **error)
{
  g_autoptr (GArray) program = g_array_new (FALSE, FALSE, sizeof (struct sock_filter));
  g_autoptr (GArray) whole = g_array_new (FALSE, FALSE, sizeof (struct sock_filter));

  emit_return (program, SECCOMP_RET_KILL_THREAD);
  for (guint i = tables->len; i > 0; i--)
    {
      g_autoptr (GArray) others = g_steal_pointer (&program);

      program = emit_table (g_ptr_array_index (tables, i - 1), others);
    }
  emit_load (whole, offsetof (struct seccomp_data, arch));
  g_array_append_vals (whole, program->data, program->len);
  if (whole->len > BPF_MAXINSNS)
    return throw_null (error, "%u instructions are more than the %d that the kernel takes",
                       whole->len, BPF_MAXINSNS);
  return g_steal_pointer (&whole);
}
