/* Cgroup limits; see resources.h. */
#include "config.h"

#include "spec/resources.h"

#include "base/error.h"
#include "spec/document.h"

#include <string.h>

static const Name device_rule_types[] = {
  { "a", 'a' },
  { "b", 'b' },
  { "c", 'c' },
  { NULL, 0 },
};

static const Field device_rule_fields[] = {
  FIELD_BOOL (OciDeviceRule, allow, "allow", "allowed or denied", .flags = FIELD_REQUIRED),
  FIELD_NAME (OciDeviceRule, type, device_rule_types, "type", "a, b or c",
              .flags = FIELD_EMPTY_ABSENT),
  FIELD_INT64 (OciDeviceRule, major, "major", "major number", .min = -1, .max = G_MAXINT32),
  FIELD_INT64 (OciDeviceRule, minor, "minor", "minor number", .min = -1, .max = G_MAXINT32),
  FIELD_STRING (OciDeviceRule, access, "access", "letters of rwm", .flags = FIELD_EMPTY_ABSENT),
  FIELD_END,
};

static const FieldType device_rule_type = {
  "device rule", sizeof (OciDeviceRule), device_rule_fields,
};

static const Field memory_fields[] = {
  FIELD_INT64 (OciMemory, limit, "limit", "bytes"),
  FIELD_INT64 (OciMemory, reservation, "reservation", "bytes"),
  FIELD_INT64 (OciMemory, swap, "swap", "bytes of memory and swap"),
  FIELD_INT64 (OciMemory, kernel, "kernel", "bytes, cgroup v1"),
  FIELD_INT64 (OciMemory, kernel_tcp, "kernelTCP", "bytes, cgroup v1"),
  FIELD_UINT64 (OciMemory, swappiness, "swappiness", "0 to 100, cgroup v1"),
  FIELD_BOOL (OciMemory, disable_oom_killer, "disableOOMKiller", "cgroup v1"),
  FIELD_BOOL (OciMemory, use_hierarchy, "useHierarchy", "cgroup v1", .support = FIELD_IGNORED,
              .reason = "cgroup v2 is always so"),
  FIELD_BOOL (OciMemory, check_before_update, "checkBeforeUpdate",
              "refuse a limit below what is in use"),
  FIELD_END,
};

static const FieldType memory_type = { "memory limits", sizeof (OciMemory), memory_fields };

static const Field cpu_fields[] = {
  FIELD_UINT64 (OciCpu, shares, "shares", "weight, 2 to 262144"),
  FIELD_INT64 (OciCpu, quota, "quota", "microseconds per period"),
  FIELD_UINT64 (OciCpu, burst, "burst", "microseconds beyond the quota"),
  FIELD_UINT64 (OciCpu, period, "period", "microseconds"),
  FIELD_INT64 (OciCpu, realtime_runtime, "realtimeRuntime", "microseconds, cgroup v1"),
  FIELD_UINT64 (OciCpu, realtime_period, "realtimePeriod", "microseconds, cgroup v1"),
  FIELD_STRING (OciCpu, cpus, "cpus", "CPUs, as 0-3,7", .flags = FIELD_EMPTY_ABSENT),
  FIELD_STRING (OciCpu, mems, "mems", "memory nodes", .flags = FIELD_EMPTY_ABSENT),
  FIELD_INT64 (OciCpu, idle, "idle", "1: only when nobody else wants the CPU"),
  FIELD_END,
};

static const FieldType cpu_type = { "cpu limits", sizeof (OciCpu), cpu_fields };

static const Field pids_fields[] = {
  FIELD_INT64 (OciPids, limit, "limit", "number of processes",
               .flags = FIELD_REQUIRED),
  FIELD_END,
};

static const FieldType pids_type = { "pids limit", sizeof (OciPids), pids_fields };

/* The kernel's weights are 16 bits wide. */
static const Field weight_device_fields[] = {
  FIELD_INT64 (OciWeightDevice, major, "major", "major number", .flags = FIELD_REQUIRED),
  FIELD_INT64 (OciWeightDevice, minor, "minor", "minor number", .flags = FIELD_REQUIRED),
  FIELD_UINT32 (OciWeightDevice, weight, "weight", "10 to 1000", .max = G_MAXUINT16),
  FIELD_UINT32 (OciWeightDevice, leaf_weight, "leafWeight", "cgroup v1", .max = G_MAXUINT16),
  FIELD_END,
};

static const FieldType weight_device_type = {
  "device weight", sizeof (OciWeightDevice), weight_device_fields,
};

static const Field throttle_device_fields[] = {
  FIELD_INT64 (OciThrottleDevice, major, "major", "major number", .flags = FIELD_REQUIRED),
  FIELD_INT64 (OciThrottleDevice, minor, "minor", "minor number", .flags = FIELD_REQUIRED),
  FIELD_UINT64 (OciThrottleDevice, rate, "rate", "per second"),
  FIELD_END,
};

static const FieldType throttle_device_type = {
  "device throttle", sizeof (OciThrottleDevice), throttle_device_fields,
};

static const Field block_io_fields[] = {
  FIELD_UINT32 (OciBlockIo, weight, "weight", "10 to 1000", .max = G_MAXUINT16),
  FIELD_UINT32 (OciBlockIo, leaf_weight, "leafWeight", "cgroup v1", .max = G_MAXUINT16),
  FIELD_OBJECTS (OciBlockIo, weight_device, weight_device_type, "weightDevice",
                 "weights by device"),
  FIELD_OBJECTS (OciBlockIo, throttle_read_bps_device, throttle_device_type,
                 "throttleReadBpsDevice", "bytes read"),
  FIELD_OBJECTS (OciBlockIo, throttle_write_bps_device, throttle_device_type,
                 "throttleWriteBpsDevice", "bytes written"),
  FIELD_OBJECTS (OciBlockIo, throttle_read_iops_device, throttle_device_type,
                 "throttleReadIOPSDevice", "reads"),
  FIELD_OBJECTS (OciBlockIo, throttle_write_iops_device, throttle_device_type,
                 "throttleWriteIOPSDevice", "writes"),
  FIELD_END,
};

static const FieldType block_io_type = { "block I/O limits", sizeof (OciBlockIo), block_io_fields };

static const Field hugepage_fields[] = {
  FIELD_STRING (OciHugepageLimit, page_size, "pageSize", "as 2MB", .flags = FIELD_REQUIRED),
  FIELD_UINT64 (OciHugepageLimit, limit, "limit", "bytes", .flags = FIELD_REQUIRED),
  FIELD_END,
};

static const FieldType hugepage_type = {
  "huge page limit", sizeof (OciHugepageLimit), hugepage_fields,
};

static const Field priority_fields[] = {
  FIELD_STRING (OciInterfacePriority, name, "name", "network interface", .flags = FIELD_REQUIRED),
  FIELD_UINT32 (OciInterfacePriority, priority, "priority", "its priority",
                .flags = FIELD_REQUIRED),
  FIELD_END,
};

static const FieldType priority_type = {
  "interface priority", sizeof (OciInterfacePriority), priority_fields,
};

static const Field network_fields[] = {
  FIELD_UINT32 (OciNetwork, class_id, "classID", "cgroup v1"),
  FIELD_OBJECTS (OciNetwork, priorities, priority_type, "priorities", "cgroup v1"),
  FIELD_END,
};

static const FieldType network_type = { "network limits", sizeof (OciNetwork), network_fields };

static const Field rdma_fields[] = {
  FIELD_UINT32 (OciRdma, hca_handles, "hcaHandles", "number of handles"),
  FIELD_UINT32 (OciRdma, hca_objects, "hcaObjects", "number of objects"),
  FIELD_END,
};

static const FieldType rdma_type = { "RDMA limits", sizeof (OciRdma), rdma_fields };

static const Field resources_fields[] = {
  FIELD_PAIRS (OciResources, unified, "unified", "files of cgroup v2 and their contents"),
  FIELD_OBJECTS (OciResources, devices, device_rule_type, "devices", "access to devices"),
  FIELD_OBJECT (OciResources, pids, OciPids, pids_type, "pids", "number of processes"),
  FIELD_OBJECT (OciResources, block_io, OciBlockIo, block_io_type, "blockIO", "block devices"),
  FIELD_OBJECT (OciResources, cpu, OciCpu, cpu_type, "cpu", "CPU time"),
  FIELD_OBJECTS (OciResources, hugepage_limits, hugepage_type, "hugepageLimits", "huge pages"),
  FIELD_OBJECT (OciResources, memory, OciMemory, memory_type, "memory", "memory"),
  FIELD_OBJECT (OciResources, network, OciNetwork, network_type, "network", "network"),
  FIELD_MAP (OciResources, rdma, OciRdma, rdma_type, "rdma", "RDMA devices"),
  FIELD_END,
};

const FieldType oci_resources_type = { "resources", sizeof (OciResources), resources_fields };

static gboolean
check_devices (const GPtrArray *devices, const char *at, GError **error)
{
  for (guint i = 0; i < field_count (devices); i++)
    {
      const OciDeviceRule *rule = g_ptr_array_index (devices, i);

      if (rule->access != NULL && rule->access[strspn (rule->access, "rwm")] != '\0')
        return throw (error, "%s/devices/%u/access: expected letters of rwm, got \"%.100s\"", at, i,
                      rule->access);
    }
  return TRUE;
}

/* As "2MB" or "1GB" (config-linux.md, "Huge page limits"); the name of a file is made of it. */
static gboolean
is_page_size (const char *size)
{
  gsize digits = strspn (size, "0123456789");

  return digits > 0 && size[0] != '0' && size[digits] != '\0'
         && strchr ("KMG", size[digits]) != NULL && strcmp (size + digits + 1, "B") == 0;
}

static gboolean
check_hugepages (const GPtrArray *limits, const char *at, GError **error)
{
  for (guint i = 0; i < field_count (limits); i++)
    {
      const OciHugepageLimit *limit = g_ptr_array_index (limits, i);

      if (!is_page_size (limit->page_size))
        return throw (error, "%s/hugepageLimits/%u/pageSize: expected a size as 2MB, got"
                      " \"%.100s\"", at, i, limit->page_size);
    }
  return TRUE;
}

static gboolean
check_unified (const GPtrArray *unified, const char *at, GError **error)
{
  for (guint i = 0; i < field_count (unified); i++)
    {
      const OciPair *pair = g_ptr_array_index (unified, i);

      if (strchr (pair->key, '/') != NULL)
        return throw (error, "%s/unified: \"%.100s\" must be the name of a file", at, pair->key);
    }
  return TRUE;
}

gboolean
oci_resources_check (const OciResources *resources, const char *at, GError **error)
{
  return check_devices (resources->devices, at, error)
         && check_hugepages (resources->hugepage_limits, at, error)
         && check_unified (resources->unified, at, error);
}

OciResources *
oci_resources_parse (const char *text, gsize length, const char *name, GPtrArray **ret_notes,
                     GError **error)
{
  OciDocument document = { text, length, name };
  g_autoptr (GPtrArray) notes = oci_notes_new ();
  g_autoptr (OciResources) resources = NULL;

  resources = oci_document_read (&oci_resources_type, &document, notes, error);
  if (resources == NULL)
    return NULL;
  if (!oci_resources_check (resources, "", error))
    {
      oci_document_invalid (&document, error);
      return NULL;
    }
  oci_notes_return (g_steal_pointer (&notes), ret_notes);
  return g_steal_pointer (&resources);
}

void
oci_resources_free (OciResources *resources)
{
  field_free (&oci_resources_type, resources);
}
