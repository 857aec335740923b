/* Letting rules on devices hold; see devices.h. */
#include "config.h"

#include "cgroup/devices.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* No more than this many programs can be attached to one cgroup. */
#define PROGRAMS_MAX 64

static int
bpf (enum bpf_cmd command, union bpf_attr *attributes)
{
  return (int) syscall (SYS_bpf, command, attributes, sizeof *attributes);
}

/* The kernel reads and fills buffers that it is given as numbers. */
static guint64
address (const void *buffer)
{
  return (guint64) (gsize) buffer;
}

static int
load_program (const GArray *program)
{
  union bpf_attr attributes = {
    .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
    .insns = address (program->data),
    .insn_cnt = program->len,
    .license = address ("GPL"),
    .prog_name = "bwrap_oci_dev",
  };
  int fd = bpf (BPF_PROG_LOAD, &attributes);

  if (fd < 0 && errno == EPERM)
    {
      /* before Linux 5.11 a program counted as locked memory */
      const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

      if (setrlimit (RLIMIT_MEMLOCK, &unlimited) == 0)
        fd = bpf (BPF_PROG_LOAD, &attributes);
      else
        errno = EPERM;
    }
  return fd;
}

/* The programs that are attached to the cgroup itself. */
static guint
attached_programs (const CgroupDir *dir, guint32 ids[PROGRAMS_MAX])
{
  union bpf_attr attributes = { .query = { .target_fd = (guint32) dir->fd,
                                           .attach_type = BPF_CGROUP_DEVICE,
                                           .prog_ids = address (ids),
                                           .prog_cnt = PROGRAMS_MAX } };

  return bpf (BPF_PROG_QUERY, &attributes) == 0 ? attributes.query.prog_cnt : 0;
}

static gboolean
detach_program (const CgroupDir *dir, guint32 id, GError **error)
{
  union bpf_attr find = { .prog_id = id };
  autofd program = bpf (BPF_PROG_GET_FD_BY_ID, &find);
  union bpf_attr detach = { .target_fd = (guint32) dir->fd, .attach_bpf_fd = (guint32) program,
                            .attach_type = BPF_CGROUP_DEVICE };

  if (program < 0 || bpf (BPF_PROG_DETACH, &detach) < 0)
    return throw_errno (error, "detach the old program of %s", dir->path);
  return TRUE;
}

/* The new one first: with both, only what both allow is allowed. */
static gboolean
set_program (const CgroupDir *dir, const GArray *rules, GError **error)
{
  g_autoptr (GArray) instructions = device_program_new (rules);
  autofd program = load_program (instructions);
  union bpf_attr attach = { .target_fd = (guint32) dir->fd, .attach_bpf_fd = (guint32) program,
                            .attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI };
  guint32 ids[PROGRAMS_MAX] = { 0 };
  guint count;

  if (program < 0)
    return throw_errno (error, "load a program for %s", dir->path);
  count = attached_programs (dir, ids);
  if (bpf (BPF_PROG_ATTACH, &attach) < 0)
    return throw_errno (error, "attach a program to %s", dir->path);
  for (guint i = 0; i < count; i++)
    if (!detach_program (dir, ids[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
write_rule (const CgroupDir *dir, const DeviceRule *rule, GError **error)
{
  g_auto (GStrv) lines = device_rule_lines (rule);

  for (char **line = lines; *line != NULL; line++)
    if (!cgroup_dir_write (dir, rule->allow ? "devices.allow" : "devices.deny", *line, error))
      return FALSE;
  return TRUE;
}

gboolean
cgroup_set_devices (const CgroupDir *dir, gboolean v2, const GPtrArray *rules, const char *where,
                    GError **error)
{
  g_autoptr (GArray) all = device_rules_new (rules);

  if (v2)
    {
      if (set_program (dir, all, error))
        return TRUE;
      g_prefix_error (error, "%s/devices: ", where);
      return FALSE;
    }
  for (guint i = 0; i < all->len; i++)
    {
      const DeviceRule *rule = &g_array_index (all, DeviceRule, i);
      g_autoptr (GError) local = NULL;

      /* what our own cgroup may not have, nobody can be given; but then nobody asked for it */
      if (write_rule (dir, rule, &local) || (rule->index < 0 && errno == EPERM))
        continue;
      g_propagate_prefixed_error (error, g_steal_pointer (&local), "%s/devices/%d: ", where,
                                  MAX (rule->index, 0));
      return FALSE;
    }
  return TRUE;
}
