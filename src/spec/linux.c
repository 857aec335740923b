/* The Linux part; see linux.h. */
#include "config.h"

#include "spec/linux.h"

#include "base/error.h"
#include "spec/mounts.h"

#include <linux/if.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>

const Name oci_namespace_names[] = {
  { "mount", CLONE_NEWNS },
  { "pid", CLONE_NEWPID },
  { "network", CLONE_NEWNET },
  { "uts", CLONE_NEWUTS },
  { "ipc", CLONE_NEWIPC },
  { "user", CLONE_NEWUSER },
  { "cgroup", CLONE_NEWCGROUP },
  { "time", CLONE_NEWTIME },
  { NULL, 0 },
};

const Name oci_propagation_names[] = {
  { "private", MS_PRIVATE },
  { "rprivate", MS_PRIVATE | MS_REC },
  { "shared", MS_SHARED },
  { "rshared", MS_SHARED | MS_REC },
  { "slave", MS_SLAVE },
  { "rslave", MS_SLAVE | MS_REC },
  { "unbindable", MS_UNBINDABLE },
  { "runbindable", MS_UNBINDABLE | MS_REC },
  { NULL, 0 },
};

static const Name device_types[] = {
  { "c", 'c' },
  { "b", 'b' },
  { "u", 'u' },
  { "p", 'p' },
  { NULL, 0 },
};

static const Name personality_domains[] = {
  { "LINUX", PER_LINUX },
  { "LINUX32", PER_LINUX32 },
  { NULL, 0 },
};

static const Name memory_policy_modes[] = {
  { "MPOL_DEFAULT", MPOL_DEFAULT },
  { "MPOL_BIND", MPOL_BIND },
  { "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
  { "MPOL_WEIGHTED_INTERLEAVE", 6 },  /* Linux 6.9 */
  { "MPOL_PREFERRED", MPOL_PREFERRED },
  { "MPOL_PREFERRED_MANY", 5 },  /* Linux 5.15 */
  { "MPOL_LOCAL", MPOL_LOCAL },
  { NULL, 0 },
};

static const Name memory_policy_flags[] = {
  { "MPOL_F_NUMA_BALANCING", 1 << 13 },  /* Linux 5.12 */
  { "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
  { "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
  { NULL, 0 },
};

static const Field namespace_fields[] = {
  FIELD_NAME (OciNamespace, type, oci_namespace_names, "type", "mount, pid, network ...",
              .flags = FIELD_REQUIRED),
  FIELD_STRING (OciNamespace, path, "path", "one to be joined, instead of a new one",
                .flags = FIELD_EMPTY_ABSENT | FIELD_ABSOLUTE),
  FIELD_END,
};

static const FieldType namespace_type = { "namespace", sizeof (OciNamespace), namespace_fields };

static const Field device_fields[] = {
  FIELD_NAME (OciDevice, type, device_types, "type", "c, b, u or p", .flags = FIELD_REQUIRED),
  FIELD_STRING (OciDevice, path, "path", "path inside the container",
                .flags = FIELD_REQUIRED | FIELD_ABSOLUTE),
  FIELD_UINT32 (OciDevice, file_mode, "fileMode", "its mode"),
  FIELD_INT64 (OciDevice, major, "major", "major number", .min = -1),
  FIELD_INT64 (OciDevice, minor, "minor", "minor number", .min = -1),
  FIELD_UINT32 (OciDevice, uid, "uid", "its owner", .max = OCI_ID_MAX),
  FIELD_UINT32 (OciDevice, gid, "gid", "its group", .max = OCI_ID_MAX),
  FIELD_END,
};

static const FieldType device_type = { "device", sizeof (OciDevice), device_fields };

static const Field net_device_fields[] = {
  FIELD_STRING (OciNetDevice, name, "name", "its name inside the container",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_END,
};

static const FieldType net_device_type = {
  "network device", sizeof (OciNetDevice), net_device_fields,
};

static const Field time_offset_fields[] = {
  FIELD_INT64 (OciTimeOffset, secs, "secs", "seconds"),
  FIELD_UINT32 (OciTimeOffset, nanosecs, "nanosecs", "nanoseconds", .max = 999999999),
  FIELD_END,
};

static const FieldType time_offset_type = {
  "time offset", sizeof (OciTimeOffset), time_offset_fields,
};

static const Field time_offsets_fields[] = {
  FIELD_OBJECT (OciTimeOffsets, boottime, OciTimeOffset, time_offset_type, "boottime",
                "of CLOCK_BOOTTIME"),
  FIELD_OBJECT (OciTimeOffsets, monotonic, OciTimeOffset, time_offset_type, "monotonic",
                "of CLOCK_MONOTONIC"),
  FIELD_END,
};

static const FieldType time_offsets_type = {
  "time offsets", sizeof (OciTimeOffsets), time_offsets_fields,
};

static const Field personality_fields[] = {
  FIELD_NAME (OciPersonality, domain, personality_domains, "domain", "LINUX or LINUX32",
              .flags = FIELD_REQUIRED),
  FIELD_STRINGS (OciPersonality, flags, "flags", "reserved", .support = FIELD_IGNORED,
                 .reason = "reserved by the specification"),
  FIELD_END,
};

static const FieldType personality_type = {
  "personality", sizeof (OciPersonality), personality_fields,
};

static const Field intel_rdt_fields[] = {
  FIELD_STRING (OciIntelRdt, clos_id, "closID", "class of service", .flags = FIELD_EMPTY_ABSENT),
  FIELD_STRINGS (OciIntelRdt, schemata, "schemata", "lines of schemata"),
  FIELD_STRING (OciIntelRdt, l3_cache_schema, "l3CacheSchema", "L3 cache",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_STRING (OciIntelRdt, mem_bw_schema, "memBwSchema", "memory bandwidth",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_BOOL (OciIntelRdt, enable_monitoring, "enableMonitoring", "monitoring group"),
  FIELD_END,
};

static const FieldType intel_rdt_type = { "intelRdt", sizeof (OciIntelRdt), intel_rdt_fields };

static const Field memory_policy_fields[] = {
  FIELD_NAME (OciMemoryPolicy, mode, memory_policy_modes, "mode", "MPOL_...",
              .flags = FIELD_EMPTY_ABSENT),
  FIELD_STRING (OciMemoryPolicy, nodes, "nodes", "memory nodes, as 0-3",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_NAMES (OciMemoryPolicy, flags, memory_policy_flags, "flags", "MPOL_F_..."),
  FIELD_END,
};

static const FieldType memory_policy_type = {
  "memory policy", sizeof (OciMemoryPolicy), memory_policy_fields,
};

static const Field linux_fields[] = {
  FIELD_OBJECTS (OciLinux, devices, device_type, "devices", "device nodes"),
  FIELD_MAP (OciLinux, net_devices, OciNetDevice, net_device_type, "netDevices",
             "network devices moved into the container"),
  FIELD_OBJECTS (OciLinux, uid_mappings, oci_id_mapping_type, "uidMappings",
                 "user ids of the user namespace"),
  FIELD_OBJECTS (OciLinux, gid_mappings, oci_id_mapping_type, "gidMappings",
                 "group ids of the user namespace"),
  FIELD_OBJECTS (OciLinux, namespaces, namespace_type, "namespaces", "namespaces made or joined"),
  FIELD_OBJECT (OciLinux, resources, OciResources, oci_resources_type, "resources",
                "limits by cgroups"),
  FIELD_STRING (OciLinux, cgroups_path, "cgroupsPath", "the container's cgroup",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_NAME (OciLinux, rootfs_propagation, oci_propagation_names, "rootfsPropagation",
              "propagation of mounts to and from the root file system",
              .flags = FIELD_EMPTY_ABSENT),
  FIELD_OBJECT (OciLinux, seccomp, OciSeccomp, oci_seccomp_type, "seccomp",
                "filter of system calls"),
  FIELD_PAIRS (OciLinux, sysctl, "sysctl", "kernel parameters of the container's namespaces"),
  FIELD_STRINGS (OciLinux, masked_paths, "maskedPaths", "paths that cannot be read",
                 .flags = FIELD_ABSOLUTE),
  FIELD_STRINGS (OciLinux, readonly_paths, "readonlyPaths", "paths that cannot be written",
                 .flags = FIELD_ABSOLUTE),
  FIELD_STRING (OciLinux, mount_label, "mountLabel", "SELinux label of new file systems",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_OBJECT (OciLinux, intel_rdt, OciIntelRdt, intel_rdt_type, "intelRdt",
                "cache and memory bandwidth", .support = FIELD_REFUSED,
                .reason = "no process is put into a class of service of resctrl"),
  FIELD_OBJECT (OciLinux, memory_policy, OciMemoryPolicy, memory_policy_type, "memoryPolicy",
                "NUMA policy"),
  FIELD_OBJECT (OciLinux, personality, OciPersonality, personality_type, "personality",
                "execution domain"),
  FIELD_OBJECT (OciLinux, time_offsets, OciTimeOffsets, time_offsets_type, "timeOffsets",
                "offsets of the time namespace"),
  FIELD_END,
};

const FieldType oci_linux_type = { "linux", sizeof (OciLinux), linux_fields };

const OciNamespace *
oci_linux_namespace (const OciLinux *linux_, int type)
{
  for (guint i = 0; i < field_count (linux_->namespaces); i++)
    {
      const OciNamespace *ns = g_ptr_array_index (linux_->namespaces, i);

      if (ns->type == type)
        return ns;
    }
  return NULL;
}

static gboolean
check_namespaces (const OciLinux *linux_, GError **error)
{
  for (guint i = 0; i < field_count (linux_->namespaces); i++)
    {
      const OciNamespace *ns = g_ptr_array_index (linux_->namespaces, i);

      if (oci_linux_namespace (linux_, ns->type) != ns)
        return throw (error, "/linux/namespaces/%u: duplicate namespace \"%s\"", i,
                      name_of (oci_namespace_names, ns->type));
    }
  return TRUE;
}

static gboolean
check_mappings (const OciLinux *linux_, GError **error)
{
  gboolean uids = field_count (linux_->uid_mappings) > 0;
  gboolean gids = field_count (linux_->gid_mappings) > 0;

  if (uids != gids)
    return throw (error, "/linux: uidMappings and gidMappings must be given together");
  if (uids && oci_linux_namespace (linux_, CLONE_NEWUSER) == NULL)
    return throw (error, "/linux/uidMappings: mappings need a user namespace");
  return oci_id_mappings_check (linux_->uid_mappings, "/linux/uidMappings", error)
         && oci_id_mappings_check (linux_->gid_mappings, "/linux/gidMappings", error);
}

/* Checks the number of a device against the width that the kernel gives it. */
static gboolean
check_number (const OptInt64 *number, const char *at, gint64 max, GError **error)
{
  if (!number->set)
    return throw (error, "%s: is missing", at);
  if (number->value < 0 || number->value > max)
    return throw (error, "%s: %" G_GINT64_FORMAT " is out of range (0 to %" G_GINT64_FORMAT ")", at,
                  number->value, max);
  return TRUE;
}

static gboolean
check_devices (const GPtrArray *devices, GError **error)
{
  for (guint i = 0; i < field_count (devices); i++)
    {
      const OciDevice *device = g_ptr_array_index (devices, i);
      g_autofree char *path = oci_path_normalize (device->path);
      g_autofree char *major = g_strdup_printf ("/linux/devices/%u/major", i);
      g_autofree char *minor = g_strdup_printf ("/linux/devices/%u/minor", i);

      if (strcmp (path, "/") == 0)
        return throw (error, "/linux/devices/%u/path: must not be the root directory", i);
      if (device->type != 'p'
          && !(check_number (&device->major, major, (1 << 12) - 1, error)
               && check_number (&device->minor, minor, (1 << 20) - 1, error)))
        return FALSE;
    }
  return TRUE;
}

/* Whether the kernel takes @name for a network device (dev_valid_name (); its isspace () knows the
 * 0xa0 of Latin-1). */
static gboolean
is_device_name (const char *name)
{
  return *name != '\0' && strlen (name) < IFNAMSIZ && strcmp (name, ".") != 0
         && strcmp (name, "..") != 0 && strpbrk (name, "/: \t\n\v\f\r\xa0") == NULL;
}

/* Whether the kernel would number devices by @name; there may be no other '%' in a name. */
static gboolean
is_template (const char *name)
{
  const char *found = strchr (name, '%');

  return found != NULL && found[1] == 'd' && strchr (found + 1, '%') == NULL;
}

static gboolean
check_net_device (const OciNetDevice *device, GError **error)
{
  if (!is_device_name (device->key) || strchr (device->key, '%') != NULL)
    return throw (error, "/linux/netDevices: invalid network device name \"%s\"", device->key);
  if (device->name != NULL
      && (!is_device_name (device->name)
          || (strchr (device->name, '%') != NULL && !is_template (device->name))))
    return throw (error, "/linux/netDevices/%s/name: invalid network device name \"%s\"",
                  device->key, device->name);
  return TRUE;
}

const char *
oci_net_device_name (const OciNetDevice *device)
{
  return device->name != NULL ? device->name : device->key;
}

static gboolean
check_net_devices (const GPtrArray *devices, GError **error)
{
  for (guint i = 0; i < field_count (devices); i++)
    {
      const OciNetDevice *device = g_ptr_array_index (devices, i);
      const char *name = oci_net_device_name (device);

      if (!check_net_device (device, error))
        return FALSE;
      for (guint k = 0; k < i && strchr (name, '%') == NULL; k++)
        {
          const OciNetDevice *other = g_ptr_array_index (devices, k);

          if (strcmp (oci_net_device_name (other), name) == 0)
            return throw (error, "/linux/netDevices/%s: %s is to have the name \"%s\" as well",
                          device->key, other->key, name);
        }
    }
  return TRUE;
}

gboolean
oci_linux_check (const OciLinux *linux_, GError **error)
{
  const OciTimeOffsets *offsets = linux_->time_offsets;

  if (!check_namespaces (linux_, error)
      || !check_mappings (linux_, error)
      || !check_devices (linux_->devices, error)
      || !check_net_devices (linux_->net_devices, error))
    return FALSE;
  if (offsets != NULL && (offsets->boottime != NULL || offsets->monotonic != NULL)
      && oci_linux_namespace (linux_, CLONE_NEWTIME) == NULL)
    return throw (error, "/linux/timeOffsets: offsets need a time namespace");
  if (linux_->resources != NULL
      && !oci_resources_check (linux_->resources, "/linux/resources", error))
    return FALSE;
  return linux_->seccomp == NULL || oci_seccomp_check (linux_->seccomp, error);
}
