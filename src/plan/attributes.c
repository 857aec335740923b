/* What a process keeps through execve(2) and hands to its children: scheduling, I/O priority,
 * memory policy, personality (runtime-spec config.md, "Linux Process"; config-linux.md). */
#include "config.h"

#include "plan/builder.h"

#include "init/ops.h"

#include <string.h>

#define IO_CLASS_SHIFT 13  /* ioprio_set(2), IOPRIO_PRIO_VALUE */
#define MASK_BITS 1024     /* the kernel's most nodes, and more CPUs than most have */
#define MASK_WORDS (MASK_BITS / 64)

static guint32
join_bits (const GArray *bits)
{
  guint32 all = 0;

  for (guint i = 0; bits != NULL && i < bits->len; i++)
    all |= g_array_index (bits, guint32, i);
  return all;
}

static void
plan_scheduler (PlanContext *context)
{
  const OciScheduler *scheduler = context->process->scheduler;
  PlanOp *op;

  if (scheduler == NULL)
    return;
  op = plan_op (context->plan, OP_SCHEDULER,
                plan_row (context->plan, "/process/scheduler", "set the scheduling policy"), 0);
  plan_op_number (op, (guint64) scheduler->policy);
  plan_op_number (op, join_bits (scheduler->flags));
  plan_op_number (op, (guint64) (gint64) scheduler->nice.value);
  plan_op_number (op, (guint64) (gint64) scheduler->priority.value);
  plan_op_number (op, scheduler->runtime.value);
  plan_op_number (op, scheduler->deadline.value);
  plan_op_number (op, scheduler->period.value);
}

static void
plan_io_priority (PlanContext *context)
{
  const OciIoPriority *priority = context->process->io_priority;
  PlanOp *op;

  if (priority == NULL)
    return;
  op = plan_op (context->plan, OP_IO_PRIORITY,
                plan_row (context->plan, "/process/ioPriority", "set the I/O priority"), 0);
  plan_op_number (op, (guint64) priority->class_ << IO_CLASS_SHIFT
                        | (guint64) priority->priority.value);
}

static void
plan_personality (PlanContext *context)
{
  const OciPersonality *personality = context->spec->linux_->personality;
  PlanOp *op;

  if (personality == NULL || personality->domain < 0)
    return;
  op = plan_op (context->plan, OP_PERSONALITY,
                plan_row (context->plan, "/linux/personality", "set the execution domain"), 0);
  plan_op_number (op, (guint64) personality->domain);
}

/* One "N" or "N-M". */
static gboolean
add_range (guint64 mask[MASK_WORDS], const char *text)
{
  g_auto (GStrv) ends = g_strsplit (text, "-", 2);
  guint64 first, last;

  if (ends[0] == NULL
      || !g_ascii_string_to_unsigned (ends[0], 10, 0, MASK_BITS - 1, &first, NULL))
    return FALSE;
  last = first;
  if (ends[1] != NULL
      && !g_ascii_string_to_unsigned (ends[1], 10, first, MASK_BITS - 1, &last, NULL))
    return FALSE;
  for (; first <= last; first++)
    mask[first / 64] |= (guint64) 1 << (first % 64);
  return TRUE;
}

/* A list as "0-2,7" (cpuset(7), "List format") as numbers of @op. */
static gboolean
add_list (PlanOp *op, const char *list)
{
  g_auto (GStrv) parts = g_strsplit (list != NULL ? list : "", ",", -1);
  guint64 mask[MASK_WORDS] = { 0 };

  for (char **part = parts; *part != NULL; part++)
    if (!add_range (mask, g_strstrip (*part)))
      return FALSE;
  for (gsize i = 0; i < MASK_WORDS; i++)
    plan_op_number (op, mask[i]);
  return TRUE;
}

static gboolean
plan_memory_policy (PlanContext *context, GError **error)
{
  const OciMemoryPolicy *policy = context->spec->linux_->memory_policy;
  PlanOp *op;

  if (policy == NULL || policy->mode < 0)
    return TRUE;
  op = plan_op (context->plan, OP_MEMORY_POLICY,
                plan_row (context->plan, "/linux/memoryPolicy", "set the memory policy"), 0);
  plan_op_number (op, (guint64) policy->mode | join_bits (policy->flags));
  return add_list (op, policy->nodes)
         || plan_refuse (error, "/linux/memoryPolicy/nodes", "not a list of nodes: %s",
                         policy->nodes);
}

/* The kernel cuts them down to those of the cgroup. Otherwise it would stay with what the caller,
 * perhaps a daemon that keeps to a few, was bound to (sched_setaffinity(2)). */
static void
plan_all_cpus (PlanContext *context)
{
  (void) plan_op (context->plan, OP_AFFINITY,
                  plan_row (context->plan, "/linux/cgroupsPath", "run on all its CPUs"), 0);
}

gboolean
plan_affinity (PlanContext *context, gboolean apart, GError **error)
{
  const OciCpuAffinity *affinity = context->process->exec_cpu_affinity;
  const char *list;
  PlanOp *op;

  if (affinity == NULL || (affinity->initial == NULL && affinity->final == NULL))
    {
      if (apart)
        plan_all_cpus (context);
      return TRUE;
    }
  /* the process is in its cgroup already, so the first of the two has no time of its own */
  list = affinity->final != NULL ? affinity->final : affinity->initial;
  op = plan_op (context->plan, OP_AFFINITY,
                plan_row (context->plan, "/process/execCPUAffinity", "run on CPUs %s", list), 0);
  return add_list (op, list)
         || plan_refuse (error, "/process/execCPUAffinity", "not a list of CPUs: %s", list);
}

gboolean
plan_attributes (PlanContext *context, GError **error)
{
  const CgroupPlan *cgroup = context->plan->cgroup;

  if (cgroup != NULL && (cgroup->scope != NULL || cgroup->targets->len > 0)
      && cgroup_is_apart (context->spec, cgroup->scope != NULL))
    plan_all_cpus (context);
  plan_scheduler (context);
  plan_io_priority (context);
  plan_personality (context);
  return plan_memory_policy (context, error);
}
