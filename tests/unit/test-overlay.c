/* The folders that an overlay's options name, and the mounts below a source. */
#include "config.h"

#include "host/below.h"
#include "plan/overlay.h"

#include <linux/mount.h>

static const struct {
  const char *options;  /* "|" between them */
  const char *folders;
  const char *staged;   /* with the first folder as /s/7 */
} overlays[] = {
  { "", "", "" },
  { "userxattr", "", "userxattr" },
  { "lowerdir=/a", "/a", "lowerdir=/s/7" },
  { "lowerdir=/a:/b:/c|userxattr", "/a|/b|/c", "lowerdir=/s/7:/s/8:/s/9|userxattr" },
  { "lowerdir=/a::/data", "/a|/data", "lowerdir=/s/7::/s/8" },
  { "lowerdir=/a\\:b:/c\\\\:/d", "/a:b|/c\\|/d", "lowerdir=/s/7:/s/8:/s/9" },
  { "lowerdir+=/a|lowerdir+=/b:b|datadir+=/c", "/a|/b:b|/c",
    "lowerdir+=/s/7|lowerdir+=/s/8|datadir+=/s/9" },
  { "lowerdir=/l|upperdir=/x/u|workdir=/x/w", "/l|/x",
    "lowerdir=/s/7|upperdir=/s/8/u|workdir=/s/8/w" },
  { "workdir=/x/y/w|upperdir=/x/u/v/|lowerdir=/l:/m", "/l|/m|/x",
    "workdir=/s/9/y/w|upperdir=/s/9/u/v|lowerdir=/s/7:/s/8" },
  { "upperdir=/u|workdir=/w", "/", "upperdir=/s/7/u|workdir=/s/7/w" },
  { "upperdir=/a/b|workdir=/a/bc", "/a", "upperdir=/s/7/b|workdir=/s/7/bc" },
  { "upperdir=/a/u", "/a", "upperdir=/s/7/u" },
};

static GPtrArray *
split (const char *text)
{
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) parts = g_strsplit (text, "|", -1);

  for (char **part = parts; *part != NULL; part++)
    g_ptr_array_add (words, g_strdup (*part));
  return words;
}

static char *
join (GPtrArray *words)
{
  g_ptr_array_add (words, NULL);
  return g_strjoinv ("|", (char **) words->pdata);
}

static void
test_overlay (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (overlays); i++)
    {
      g_autoptr (GPtrArray) data = split (overlays[i].options);
      g_autoptr (GPtrArray) folders = overlay_folders (data);
      g_autoptr (GPtrArray) staged = overlay_stage (data, 7);
      g_autofree char *folder_text = join (folders), *staged_text = join (staged);

      g_assert_cmpstr (folder_text, ==, overlays[i].folders);
      g_assert_cmpstr (staged_text, ==, overlays[i].staged);
    }
}

static const char mountinfo[] =
  "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
  "2 1 0:5 / /srv rw,nodev - tmpfs none rw\n"
  "3 2 0:6 / /srv/a rw,nosuid,nodev,noexec master:3 - tmpfs none rw\n"
  "4 2 0:7 / /srv/b\\040c rw,nosuid - tmpfs none rw\n"
  "5 1 0:8 / /srvx rw,nosuid - tmpfs none rw\n"
  "6 3 0:9 / /srv/a/d rw - tmpfs none rw\n"
  "7 6 0:9 / /srv/a/e rw,nosuid - tmpfs none rw\n"
  "8 7 0:9 / /srv/a/e rw,nodev - tmpfs none rw\n"
  "not a line\n";

static void
assert_below (const char *path, const char *expected)
{
  g_autoptr (GPtrArray) all = mounts_parse (mountinfo);
  g_autoptr (GPtrArray) below = mounts_below (all, path);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < below->len; i++)
    {
      const MountBelow *mount = g_ptr_array_index (below, i);

      g_string_append_printf (text, "%s%s%s%s", i > 0 ? "|" : "", mount->path,
                              mount->flags & MOUNT_ATTR_NOSUID ? " nosuid" : "",
                              mount->flags & MOUNT_ATTR_NODEV ? " nodev" : "");
    }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_below (void)
{
  assert_below ("/srv", "/a/e nodev|/b c nosuid|/a nosuid nodev");
  assert_below ("/srv/a", "/e nodev");
  assert_below ("/srv/a/d", "");
  assert_below ("/srv/none", "");
  assert_below ("/", "/srv/a/e nodev|/srvx nosuid|/srv/b c nosuid|/srv/a nosuid nodev|/srv nodev");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/overlay/folders", test_overlay);
  g_test_add_func ("/mounts/below", test_below);
  return g_test_run ();
}
