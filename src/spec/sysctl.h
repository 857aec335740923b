/* Kernel parameters (runtime-spec config-linux.md, "Sysctl"). */
#pragma once

#include "spec/linux.h"

/* Checks that each key belongs to a namespace that the container has for itself, since any other
 * would change the host. The key for what hostname is for is refused, and that for domainname if
 * @domainname (the container's, may be NULL) is given. */
gboolean oci_sysctl_check (const OciLinux *linux_, const char *domainname, GError **error);

/* Returns the path of @key relative to /proc/sys: "net.ipv4.conf.eth0/1.forwarding" is
 * "net/ipv4/conf/eth0.1/forwarding" (sysctl(8): the separator is whichever of '.' and '/' comes
 * first, the other one stands for the separator's twin in a name). NULL if @key is empty, absolute,
 * or has an empty, "." or ".." part. Transfer: full. */
char *oci_sysctl_path (const char *key);
