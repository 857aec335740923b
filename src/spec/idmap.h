/* Id mappings (runtime-spec config-linux.md, "User namespace mappings"). */
#pragma once

#include "json/field.h"

/* The highest id there is: 4294967295 means "none" to the kernel's calls. */
#define OCI_ID_MAX 4294967294U

/* The kernel takes 340 lines in uid_map and gid_map (user_namespaces(7)). */
#define OCI_ID_MAPPINGS_MAX 340

/* All three are always set. */
typedef struct {
  OptUint32 container_id;
  OptUint32 host_id;
  OptUint32 size;  /* at least 1 */
} OciIdMapping;

extern const FieldType oci_id_mapping_type;

/* Checks that @mappings (of OciIdMapping; NULL is fine) has at most OCI_ID_MAPPINGS_MAX lines, that
 * none wraps 32 bits, and that no two overlap on either side. @at is the pointer of the array. */
gboolean oci_id_mappings_check (const GPtrArray *mappings, const char *at, GError **error);

/* Whether @id of the container is in one of @mappings (of OciIdMapping; NULL: no). */
gboolean oci_id_mappings_have (const GPtrArray *mappings, guint32 id);
