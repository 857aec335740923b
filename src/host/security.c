/* Which security modules are at work; see security.h. */
#include "config.h"

#include "host/security.h"

#include "base/fd.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define LABEL_MAX 4096

/* What the module behind @path takes this process for; NULL: it is not there. Transfer: full. */
static char *
own_label (const char *path)
{
  return fd_read_file_at (AT_FDCWD, path, LABEL_MAX, NULL, NULL);
}

/* Where AppArmor is compiled in and off its file is there too, but cannot be read. */
static gboolean
has_apparmor (void)
{
  g_autofree char *label = own_label ("/proc/self/attr/apparmor/current");

  return label != NULL;
}

/* Its file is whatever other module is there as well, so only its own file system tells. */
static gboolean
has_selinux (void)
{
  struct statfs fs;
  g_autofree char *label = NULL;

  if (statfs ("/sys/fs/selinux", &fs) < 0 || (guint32) fs.f_type != SELINUX_MAGIC)
    return FALSE;
  label = own_label ("/proc/self/attr/current");
  return label != NULL && strcmp (label, "kernel") != 0;
}

void
host_security_probe (SecurityModules *ret_modules)
{
  *ret_modules = (SecurityModules) { .apparmor = has_apparmor (), .selinux = has_selinux () };
}
