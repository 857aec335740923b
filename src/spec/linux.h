/* The Linux part (runtime-spec config-linux.md) apart from limits and the system call filter. */
#pragma once

#include "json/field.h"
#include "spec/idmap.h"
#include "spec/resources.h"
#include "spec/seccomp.h"

typedef struct {
  int type;    /* CLONE_NEW..., each at most once */
  char *path;  /* absolute: to be joined; NULL: a new one (absent or empty) */
} OciNamespace;

typedef struct {
  int type;             /* 'c', 'b', 'u' (as 'c') or 'p' */
  char *path;           /* absolute, never NULL */
  OptInt64 major;       /* set unless type is 'p', as minor */
  OptInt64 minor;
  OptUint32 file_mode;  /* st_mode as clients write it: may hold the bits of the type */
  OptUint32 uid;
  OptUint32 gid;
} OciDevice;

typedef struct {
  char *key;   /* the name on the host */
  char *name;  /* the name in the container, or "eth%d" for the first number that is free there;
                * NULL: the same */
} OciNetDevice;

typedef struct {
  OptInt64 secs;
  OptUint32 nanosecs;  /* at most 999999999 */
} OciTimeOffset;

typedef struct {
  OciTimeOffset *boottime;
  OciTimeOffset *monotonic;
} OciTimeOffsets;

typedef struct {
  int domain;    /* PER_LINUX or PER_LINUX32 (personality(2)); -1: absent */
  char **flags;  /* reserved */
} OciPersonality;

typedef struct {
  char *clos_id;
  char **schemata;
  char *l3_cache_schema;
  char *mem_bw_schema;
  OptBool enable_monitoring;
} OciIntelRdt;

typedef struct {
  int mode;  /* MPOL_... (set_mempolicy(2)); -1: absent */
  char *nodes;
  GArray *flags;  /* of guint32: MPOL_F_... bits */
} OciMemoryPolicy;

typedef struct {
  GPtrArray *namespaces;      /* of OciNamespace */
  GPtrArray *uid_mappings;    /* of OciIdMapping; both or neither, only with a user namespace */
  GPtrArray *gid_mappings;    /* of OciIdMapping */
  GPtrArray *devices;         /* of OciDevice */
  GPtrArray *net_devices;     /* of OciNetDevice */
  char *cgroups_path;         /* NULL: absent or empty */
  OciResources *resources;
  int rootfs_propagation;     /* MS_SHARED ..., with MS_REC for the "r" forms; -1: absent */
  char **masked_paths;        /* absolute */
  char **readonly_paths;      /* absolute */
  char *mount_label;          /* NULL: absent or empty */
  GPtrArray *sysctl;          /* of OciPair, the keys as written: see oci_sysctl_path() */
  OciSeccomp *seccomp;
  OciPersonality *personality;
  OciTimeOffsets *time_offsets;
  OciIntelRdt *intel_rdt;
  OciMemoryPolicy *memory_policy;
} OciLinux;

extern const FieldType oci_linux_type;

/* Checks what the rows cannot, seccomp and resources included, sysctl not (oci_sysctl_check()). */
gboolean oci_linux_check (const OciLinux *linux_, GError **error);

/* Returns the name, or the template of it, that @device has in the container. Transfer: none. */
const char *oci_net_device_name (const OciNetDevice *device);

extern const Name oci_namespace_names[];    /* "network" ..., CLONE_NEW... */
extern const Name oci_propagation_names[];  /* "rslave" ..., MS_SLAVE | MS_REC ... */

/* Returns the namespace of @type (CLONE_NEW...) that @linux_ asks for, or NULL. Transfer: none. */
const OciNamespace *oci_linux_namespace (const OciLinux *linux_, int type);
