/* The system call filter (runtime-spec config-linux.md, "Seccomp"). */
#pragma once

#include "json/field.h"

typedef enum {
  OCI_SECCOMP_KILL,  /* as KILL_THREAD */
  OCI_SECCOMP_KILL_PROCESS,
  OCI_SECCOMP_KILL_THREAD,
  OCI_SECCOMP_TRAP,
  OCI_SECCOMP_ERRNO,
  OCI_SECCOMP_TRACE,
  OCI_SECCOMP_ALLOW,
  OCI_SECCOMP_LOG,
  OCI_SECCOMP_NOTIFY,
} OciSeccompAction;

typedef enum {
  OCI_SECCOMP_NE,
  OCI_SECCOMP_LT,
  OCI_SECCOMP_LE,
  OCI_SECCOMP_EQ,
  OCI_SECCOMP_GE,
  OCI_SECCOMP_GT,
  OCI_SECCOMP_MASKED_EQ,
} OciSeccompOperator;

typedef struct {
  OptUint32 index;      /* always set, 0 to 5 */
  OptUint64 value;      /* always set; the mask for OCI_SECCOMP_MASKED_EQ */
  OptUint64 value_two;  /* 0 when absent; what the masked argument is compared with */
  int op;               /* OciSeccompOperator, never -1 */
} OciSyscallArg;

typedef struct {
  char **names;         /* at least one; unknown names are in here too */
  int action;           /* OciSeccompAction, never -1 */
  OptUint32 errno_ret;  /* only with OCI_SECCOMP_ERRNO and OCI_SECCOMP_TRACE */
  GPtrArray *args;      /* of OciSyscallArg */
} OciSyscall;

typedef struct {
  int default_action;           /* OciSeccompAction; -1: "", which asks for no filter at all */
  OptUint32 default_errno_ret;  /* only with OCI_SECCOMP_ERRNO and OCI_SECCOMP_TRACE */
  GArray *architectures;        /* of guint32: AUDIT_ARCH_..., which libseccomp takes as tokens */
  GArray *flags;                /* of guint32: SECCOMP_FILTER_FLAG_... bits (seccomp(2)) */
  char *listener_path;          /* NULL: absent or empty */
  char *listener_metadata;      /* NULL: absent or empty */
  GPtrArray *syscalls;          /* of OciSyscall */
} OciSeccomp;

extern const FieldType oci_seccomp_type;

extern const Name oci_seccomp_actions[];        /* SCMP_ACT_..., OciSeccompAction */
extern const Name oci_seccomp_operators[];      /* SCMP_CMP_..., OciSeccompOperator */
extern const Name oci_seccomp_architectures[];  /* SCMP_ARCH_..., AUDIT_ARCH_... */
extern const Name oci_seccomp_flags[];          /* SECCOMP_FILTER_FLAG_..., their bits */

/* Checks what the rows cannot: errno values with their actions, the listener. */
gboolean oci_seccomp_check (const OciSeccomp *seccomp, GError **error);
