/* Rules on devices (runtime-spec config-linux.md, "Allowed Device list"): which of them hold, and
 * in what form the kernel takes them. */
#pragma once

#include "cgroup/dir.h"
#include "spec/resources.h"

#include <linux/bpf.h>

/* One rule as the kernel sees it. The accesses are BPF_DEVCG_ACC_... */
typedef struct {
  gboolean allow;
  char type;      /* 'b', 'c', or 'a': both */
  gint64 major;   /* -1: all */
  gint64 minor;
  guint32 access;
  int index;      /* of the rule of the configuration; -1: one of ours */
} DeviceRule;

/* Returns the rules that hold: those of the configuration (of OciDeviceRule), in their order, and
 * behind them the devices that every container has, as with runc. Transfer: full, of DeviceRule. */
GArray *device_rules_new (const GPtrArray *rules);

/* Returns the lines for devices.allow or devices.deny of cgroup v1 that make @rule, with a NULL at
 * the end. Transfer: full. */
char **device_rule_lines (const DeviceRule *rule);

/* Returns the program for cgroup v2 that decides by @rules (of DeviceRule): of each access that is
 * wanted, the last rule that knows it has the say; without any it is denied.
 * Transfer: full, of struct bpf_insn. */
GArray *device_program_new (const GArray *rules);

/* Lets @rules (of OciDeviceRule) hold in cgroup @dir, of v2 or the v1 devices hierarchy, in place
 * of those that it had. @where is for messages: "config.json: /linux/resources". */
gboolean cgroup_set_devices (const CgroupDir *dir, gboolean v2, const GPtrArray *rules,
                             const char *where, GError **error);
