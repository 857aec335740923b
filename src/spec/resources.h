/* Cgroup limits (runtime-spec config-linux.md, "Control groups"); also the document of
 * "update --resources". */
#pragma once

#include "json/field.h"

typedef struct {
  OptBool allow;    /* always set */
  int type;         /* 'a', 'b', 'c'; -1: absent or empty, which means all */
  OptInt64 major;   /* absent or -1: all */
  OptInt64 minor;
  char *access;     /* letters of "rwm"; NULL: absent or empty, which means all */
} OciDeviceRule;

typedef struct {
  OptInt64 limit;  /* bytes; -1: unlimited */
  OptInt64 reservation;
  OptInt64 swap;  /* memory and swap together */
  OptInt64 kernel;
  OptInt64 kernel_tcp;
  OptUint64 swappiness;
  OptBool disable_oom_killer;
  OptBool use_hierarchy;
  OptBool check_before_update;
} OciMemory;

typedef struct {
  OptUint64 shares;
  OptInt64 quota;    /* microseconds; -1: unlimited */
  OptUint64 burst;   /* microseconds */
  OptUint64 period;  /* microseconds */
  OptInt64 realtime_runtime;
  OptUint64 realtime_period;
  char *cpus;
  char *mems;
  OptInt64 idle;
} OciCpu;

typedef struct {
  OptInt64 limit;  /* always set; -1: unlimited */
} OciPids;

typedef struct {
  OptInt64 major;  /* always set */
  OptInt64 minor;  /* always set */
  OptUint32 weight;
  OptUint32 leaf_weight;
} OciWeightDevice;

typedef struct {
  OptInt64 major;  /* always set */
  OptInt64 minor;  /* always set */
  OptUint64 rate;  /* bytes or operations per second */
} OciThrottleDevice;

typedef struct {
  OptUint32 weight;
  OptUint32 leaf_weight;
  GPtrArray *weight_device;              /* of OciWeightDevice */
  GPtrArray *throttle_read_bps_device;   /* of OciThrottleDevice, as the next three */
  GPtrArray *throttle_write_bps_device;
  GPtrArray *throttle_read_iops_device;
  GPtrArray *throttle_write_iops_device;
} OciBlockIo;

typedef struct {
  char *page_size;  /* "2MB"; never NULL */
  OptUint64 limit;  /* bytes, always set */
} OciHugepageLimit;

typedef struct {
  char *name;          /* never NULL */
  OptUint32 priority;  /* always set */
} OciInterfacePriority;

typedef struct {
  OptUint32 class_id;
  GPtrArray *priorities;  /* of OciInterfacePriority */
} OciNetwork;

typedef struct {
  char *key;  /* the device */
  OptUint32 hca_handles;
  OptUint32 hca_objects;
} OciRdma;

typedef struct {
  GPtrArray *unified;  /* of OciPair */
  GPtrArray *devices;  /* of OciDeviceRule, in order */
  OciPids *pids;
  OciBlockIo *block_io;
  OciCpu *cpu;
  GPtrArray *hugepage_limits;  /* of OciHugepageLimit */
  OciMemory *memory;
  OciNetwork *network;
  GPtrArray *rdma;  /* of OciRdma */
} OciResources;

extern const FieldType oci_resources_type;

/* Checks what the rows cannot. @at is the pointer of @resources. */
gboolean oci_resources_check (const OciResources *resources, const char *at, GError **error);

/* Reads the @length bytes of @text, the file @name of "update --resources", as a bare resources
 * object. @ret_notes and errors as oci_process_parse(). Transfer: full. */
OciResources *oci_resources_parse (const char *text, gsize length, const char *name,
                                   GPtrArray **ret_notes, GError **error);

void oci_resources_free (OciResources *resources);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (OciResources, oci_resources_free)
