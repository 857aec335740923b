/* Rules on devices; see devices.h.
 *
 * The program of cgroup v2 gets the type, the numbers and the accesses that are wanted, and goes
 * through the rules from the last to the first. A rule that matches and allows takes its accesses
 * off those still wanted, one that denies ends it if any of its own is still wanted. */
#include "config.h"

#include "cgroup/devices.h"

#include <stdio.h>
#include <string.h>

#define ACCESS_ALL (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)

static const struct {
  char letter;
  guint32 access;
} access_letters[] = {
  { 'r', BPF_DEVCG_ACC_READ },
  { 'w', BPF_DEVCG_ACC_WRITE },
  { 'm', BPF_DEVCG_ACC_MKNOD },
};

/* What every container has: to make nodes is not yet to open them. */
static const DeviceRule usual_rules[] = {
  { TRUE, 'c', -1, -1, BPF_DEVCG_ACC_MKNOD, -1 },
  { TRUE, 'b', -1, -1, BPF_DEVCG_ACC_MKNOD, -1 },
  { TRUE, 'c', 1, 3, ACCESS_ALL, -1 },     /* null */
  { TRUE, 'c', 1, 5, ACCESS_ALL, -1 },     /* zero */
  { TRUE, 'c', 1, 7, ACCESS_ALL, -1 },     /* full */
  { TRUE, 'c', 1, 8, ACCESS_ALL, -1 },     /* random */
  { TRUE, 'c', 1, 9, ACCESS_ALL, -1 },     /* urandom */
  { TRUE, 'c', 5, 0, ACCESS_ALL, -1 },     /* tty */
  { TRUE, 'c', 5, 2, ACCESS_ALL, -1 },     /* ptmx */
  { TRUE, 'c', 136, -1, ACCESS_ALL, -1 },  /* pts */
  { TRUE, 'c', 10, 200, ACCESS_ALL, -1 },  /* net/tun */
};

static guint32
access_bits (const char *letters)
{
  guint32 bits = 0;

  if (letters == NULL)
    return ACCESS_ALL;
  for (gsize i = 0; i < G_N_ELEMENTS (access_letters); i++)
    if (strchr (letters, access_letters[i].letter) != NULL)
      bits |= access_letters[i].access;
  return bits;
}

GArray *
device_rules_new (const GPtrArray *rules)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (DeviceRule));

  for (guint i = 0; i < field_count (rules); i++)
    {
      const OciDeviceRule *wanted = g_ptr_array_index (rules, i);
      DeviceRule rule = {
        .allow = wanted->allow.value,
        .type = (char) (wanted->type < 0 ? 'a' : wanted->type),
        .major = wanted->major.set ? wanted->major.value : -1,
        .minor = wanted->minor.set ? wanted->minor.value : -1,
        .access = access_bits (wanted->access),
        .index = (int) i,
      };

      g_array_append_val (all, rule);
    }
  g_array_append_vals (all, usual_rules, G_N_ELEMENTS (usual_rules));
  return all;
}

/* Whether @rule is about every device and every access. */
static gboolean
is_total (const DeviceRule *rule)
{
  return rule->type == 'a' && rule->major < 0 && rule->minor < 0 && rule->access == ACCESS_ALL;
}

/* --- cgroup v1 --- */

static char *
number_text (gint64 number)
{
  return number < 0 ? g_strdup ("*") : g_strdup_printf ("%" G_GINT64_FORMAT, number);
}

char **
device_rule_lines (const DeviceRule *rule)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new ();
  g_autofree char *major = number_text (rule->major), *minor = number_text (rule->minor);
  char access[G_N_ELEMENTS (access_letters) + 1] = "";
  gsize n = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (access_letters); i++)
    if (rule->access & access_letters[i].access)
      access[n++] = access_letters[i].letter;
  /* "a" is everything, whatever stands behind it */
  if (is_total (rule))
    g_ptr_array_add (lines, g_strdup ("a"));
  else
    for (const char *type = "bc"; *type != '\0'; type++)
      if (rule->type == 'a' || rule->type == *type)
        g_ptr_array_add (lines, g_strdup_printf ("%c %s:%s %s", *type, major, minor, access));
  g_ptr_array_add (lines, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&lines), FALSE);
}

/* --- cgroup v2 --- */

/* r1 is the context (struct bpf_cgroup_dev_ctx). */
enum { R_RESULT = 0, R_CONTEXT = 1, R_TYPE = 2, R_WANTED = 3, R_MAJOR = 4, R_MINOR = 5 };

#define LOAD(reg, member)                                                                      \
  ((struct bpf_insn) { .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (reg),                    \
                       .src_reg = R_CONTEXT,                                                   \
                       .off = offsetof (struct bpf_cgroup_dev_ctx, member) })
#define COPY(to, from) \
  ((struct bpf_insn) { .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) })
#define COMPUTE(op, reg, number) \
  ((struct bpf_insn) { .code = BPF_ALU | (op) | BPF_K, .dst_reg = (reg), .imm = (number) })
#define JUMP(op, reg, number) \
  ((struct bpf_insn) { .code = BPF_JMP | (op) | BPF_K, .dst_reg = (reg), .imm = (number) })
#define EXIT ((struct bpf_insn) { .code = BPF_JMP | BPF_EXIT })

static void
add (GArray *program, struct bpf_insn instruction)
{
  g_array_append_val (program, instruction);
}

static void
add_return (GArray *program, gboolean allow)
{
  add (program, COMPUTE (BPF_MOV, R_RESULT, allow));
  add (program, EXIT);
}

/* Lets all jumps from @start on that have no target yet go to the end. */
static void
land_jumps (GArray *program, guint start)
{
  for (guint i = start; i < program->len; i++)
    {
      struct bpf_insn *instruction = &g_array_index (program, struct bpf_insn, i);

      if (BPF_CLASS (instruction->code) == BPF_JMP && BPF_OP (instruction->code) != BPF_EXIT)
        instruction->off = (gint16) (program->len - i - 1);
    }
}

static void
add_rule (GArray *program, const DeviceRule *rule)
{
  guint start = program->len;

  if (rule->type != 'a')
    add (program, JUMP (BPF_JNE, R_TYPE, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK
                                                            : BPF_DEVCG_DEV_CHAR));
  if (rule->major >= 0)
    add (program, JUMP (BPF_JNE, R_MAJOR, (gint32) rule->major));
  if (rule->minor >= 0)
    add (program, JUMP (BPF_JNE, R_MINOR, (gint32) rule->minor));
  if (rule->allow)
    {
      add (program, COMPUTE (BPF_AND, R_WANTED, (gint32) ~rule->access));
      add (program, JUMP (BPF_JNE, R_WANTED, 0));
    }
  else
    {
      add (program, COPY (R_RESULT, R_WANTED));
      add (program, COMPUTE (BPF_AND, R_RESULT, (gint32) rule->access));
      add (program, JUMP (BPF_JEQ, R_RESULT, 0));
    }
  add_return (program, rule->allow);
  land_jumps (program, start);
}

GArray *
device_program_new (const GArray *rules)
{
  GArray *program = g_array_new (FALSE, FALSE, sizeof (struct bpf_insn));
  guint start;

  add (program, LOAD (R_WANTED, access_type));
  add (program, COPY (R_TYPE, R_WANTED));
  add (program, COMPUTE (BPF_AND, R_TYPE, 0xffff));
  add (program, COMPUTE (BPF_RSH, R_WANTED, 16));
  add (program, LOAD (R_MAJOR, major));
  add (program, LOAD (R_MINOR, minor));
  /* who only looks at it wants nothing */
  start = program->len;
  add (program, JUMP (BPF_JNE, R_WANTED, 0));
  add_return (program, TRUE);
  land_jumps (program, start);
  for (guint i = rules->len; i-- > 0;)
    {
      const DeviceRule *rule = &g_array_index (rules, DeviceRule, i);

      /* the rules before it have nothing more to say, and the kernel wants no dead code */
      if (is_total (rule))
        {
          add_return (program, rule->allow);
          return program;
        }
      add_rule (program, rule);
    }
  add_return (program, FALSE);
  return program;
}
