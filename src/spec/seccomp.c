/* The system call filter; see seccomp.h. */
#include "config.h"

#include "spec/seccomp.h"

#include "base/error.h"

#include <linux/audit.h>

#ifndef AUDIT_ARCH_LOONGARCH64
#define AUDIT_ARCH_LOONGARCH64 (258 | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE)
#endif

const Name oci_seccomp_actions[] = {
  { "SCMP_ACT_KILL", OCI_SECCOMP_KILL },
  { "SCMP_ACT_KILL_PROCESS", OCI_SECCOMP_KILL_PROCESS },
  { "SCMP_ACT_KILL_THREAD", OCI_SECCOMP_KILL_THREAD },
  { "SCMP_ACT_TRAP", OCI_SECCOMP_TRAP },
  { "SCMP_ACT_ERRNO", OCI_SECCOMP_ERRNO },
  { "SCMP_ACT_TRACE", OCI_SECCOMP_TRACE },
  { "SCMP_ACT_ALLOW", OCI_SECCOMP_ALLOW },
  { "SCMP_ACT_LOG", OCI_SECCOMP_LOG },
  { "SCMP_ACT_NOTIFY", OCI_SECCOMP_NOTIFY },
  { NULL, 0 },
};

const Name oci_seccomp_operators[] = {
  { "SCMP_CMP_NE", OCI_SECCOMP_NE },
  { "SCMP_CMP_LT", OCI_SECCOMP_LT },
  { "SCMP_CMP_LE", OCI_SECCOMP_LE },
  { "SCMP_CMP_EQ", OCI_SECCOMP_EQ },
  { "SCMP_CMP_GE", OCI_SECCOMP_GE },
  { "SCMP_CMP_GT", OCI_SECCOMP_GT },
  { "SCMP_CMP_MASKED_EQ", OCI_SECCOMP_MASKED_EQ },
  { NULL, 0 },
};

const Name oci_seccomp_architectures[] = {
  { "SCMP_ARCH_X86", AUDIT_ARCH_I386 },
  { "SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64 },
  { "SCMP_ARCH_X32", EM_X86_64 | __AUDIT_ARCH_LE },
  { "SCMP_ARCH_ARM", AUDIT_ARCH_ARM },
  { "SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64 },
  { "SCMP_ARCH_LOONGARCH64", AUDIT_ARCH_LOONGARCH64 },
  { "SCMP_ARCH_M68K", AUDIT_ARCH_M68K },
  { "SCMP_ARCH_MIPS", AUDIT_ARCH_MIPS },
  { "SCMP_ARCH_MIPS64", AUDIT_ARCH_MIPS64 },
  { "SCMP_ARCH_MIPS64N32", AUDIT_ARCH_MIPS64N32 },
  { "SCMP_ARCH_MIPSEL", AUDIT_ARCH_MIPSEL },
  { "SCMP_ARCH_MIPSEL64", AUDIT_ARCH_MIPSEL64 },
  { "SCMP_ARCH_MIPSEL64N32", AUDIT_ARCH_MIPSEL64N32 },
  { "SCMP_ARCH_PPC", AUDIT_ARCH_PPC },
  { "SCMP_ARCH_PPC64", AUDIT_ARCH_PPC64 },
  { "SCMP_ARCH_PPC64LE", AUDIT_ARCH_PPC64LE },
  { "SCMP_ARCH_S390", AUDIT_ARCH_S390 },
  { "SCMP_ARCH_S390X", AUDIT_ARCH_S390X },
  { "SCMP_ARCH_SH", AUDIT_ARCH_SHEL },
  { "SCMP_ARCH_SHEB", AUDIT_ARCH_SH },
  { "SCMP_ARCH_PARISC", AUDIT_ARCH_PARISC },
  { "SCMP_ARCH_PARISC64", AUDIT_ARCH_PARISC64 },
  { "SCMP_ARCH_RISCV64", AUDIT_ARCH_RISCV64 },
  { NULL, 0 },
};

/* seccomp(2); linux/seccomp.h is older than the last ones on some hosts */
const Name oci_seccomp_flags[] = {
  { "SECCOMP_FILTER_FLAG_TSYNC", 1 << 0 },
  { "SECCOMP_FILTER_FLAG_LOG", 1 << 1 },
  { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", 1 << 2 },
  { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1 << 5 },
  { NULL, 0 },
};

static const Field arg_fields[] = {
  FIELD_UINT32 (OciSyscallArg, index, "index", "which argument, from 0", .flags = FIELD_REQUIRED,
                .max = 5),
  FIELD_UINT64 (OciSyscallArg, value, "value", "what it is compared with",
                .flags = FIELD_REQUIRED),
  FIELD_UINT64 (OciSyscallArg, value_two, "valueTwo", "for SCMP_CMP_MASKED_EQ, value is the mask"),
  FIELD_NAME (OciSyscallArg, op, oci_seccomp_operators, "op", "SCMP_CMP_...",
              .flags = FIELD_REQUIRED),
  FIELD_END,
};

static const FieldType arg_type = { "system call argument", sizeof (OciSyscallArg), arg_fields };

/* SECCOMP_RET_DATA has 16 bits */
#define ERRNO_MAX G_MAXUINT16

static const Field syscall_fields[] = {
  FIELD_STRINGS (OciSyscall, names, "names", "system calls; unknown ones are skipped",
                 .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY),
  FIELD_NAME (OciSyscall, action, oci_seccomp_actions, "action", "SCMP_ACT_...",
              .flags = FIELD_REQUIRED),
  FIELD_UINT32 (OciSyscall, errno_ret, "errnoRet", "error number, or number for the tracer",
                .max = ERRNO_MAX),
  FIELD_OBJECTS (OciSyscall, args, arg_type, "args", "what their arguments must be"),
  FIELD_END,
};

static const FieldType syscall_type = { "system call rule", sizeof (OciSyscall), syscall_fields };

static const Field seccomp_fields[] = {
  FIELD_NAME (OciSeccomp, default_action, oci_seccomp_actions, "defaultAction",
              "action for all other system calls", .flags = FIELD_REQUIRED | FIELD_EMPTY_ABSENT),
  FIELD_UINT32 (OciSeccomp, default_errno_ret, "defaultErrnoRet", "errnoRet of defaultAction",
                .max = ERRNO_MAX),
  FIELD_NAMES (OciSeccomp, architectures, oci_seccomp_architectures, "architectures",
               "SCMP_ARCH_... besides the machine's own"),
  FIELD_NAMES (OciSeccomp, flags, oci_seccomp_flags, "flags", "SECCOMP_FILTER_FLAG_..."),
  FIELD_STRING (OciSeccomp, listener_path, "listenerPath", "socket for SCMP_ACT_NOTIFY",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_STRING (OciSeccomp, listener_metadata, "listenerMetadata", "data for the listener",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_OBJECTS (OciSeccomp, syscalls, syscall_type, "syscalls", "the rules"),
  FIELD_END,
};

const FieldType oci_seccomp_type = { "seccomp", sizeof (OciSeccomp), seccomp_fields };

/* config-linux.md, "Seccomp": an errno for an action without one is an error. */
static gboolean
check_errno (int action, const OptUint32 *errno_ret, const char *at, GError **error)
{
  if (!errno_ret->set || action == OCI_SECCOMP_ERRNO || action == OCI_SECCOMP_TRACE)
    return TRUE;
  return throw (error, "%s: an error number needs SCMP_ACT_ERRNO or SCMP_ACT_TRACE", at);
}

static gboolean
check_rule (const OciSeccomp *seccomp, guint i, GError **error)
{
  const OciSyscall *rule = g_ptr_array_index (seccomp->syscalls, i);
  g_autofree char *at = g_strdup_printf ("/linux/seccomp/syscalls/%u/errnoRet", i);

  if (rule->names[0] == NULL)
    return throw (error, "/linux/seccomp/syscalls/%u/names: must have at least one element", i);
  if (rule->action == OCI_SECCOMP_NOTIFY && seccomp->listener_path == NULL)
    return throw (error, "/linux/seccomp/syscalls/%u/action: SCMP_ACT_NOTIFY needs a listenerPath",
                  i);
  /* the listener would be asked for its own arrival, and never come */
  if (rule->action == OCI_SECCOMP_NOTIFY
      && g_strv_contains ((const char *const *) rule->names, "sendmsg"))
    return throw (error, "/linux/seccomp/syscalls/%u/names: SCMP_ACT_NOTIFY cannot be used for"
                  " sendmsg, by which the listener is handed on", i);
  return check_errno (rule->action, &rule->errno_ret, at, error);
}

gboolean
oci_seccomp_check (const OciSeccomp *seccomp, GError **error)
{
  if (seccomp->default_action == OCI_SECCOMP_NOTIFY)
    return throw (error, "/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY cannot be the default");
  if (seccomp->default_action == -1 && field_count (seccomp->syscalls) > 0)
    return throw (error, "/linux/seccomp/defaultAction: must not be empty if there are rules");
  if (seccomp->listener_metadata != NULL && seccomp->listener_path == NULL)
    return throw (error, "/linux/seccomp/listenerMetadata: needs a listenerPath");
  if (!check_errno (seccomp->default_action, &seccomp->default_errno_ret,
                    "/linux/seccomp/defaultErrnoRet", error))
    return FALSE;
  for (guint i = 0; i < field_count (seccomp->syscalls); i++)
    if (!check_rule (seccomp, i, error))
      return FALSE;
  return TRUE;
}
