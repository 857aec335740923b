/* The probes: on files, mounts and programs made for them, and on the machine itself. */
#include "config.h"

#include "base/fd.h"
#include "host/bundle.h"
#include "host/bwrap.h"
#include "host/cache.h"
#include "host/cgroups.h"
#include "host/machine.h"
#include "host/subid.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A directory for one test. */
typedef struct {
  char *path;
  int fd;
} Scratch;

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) directory = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    directory = g_dir_open (path, 0, NULL);
  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
scratch_clear (Scratch *scratch)
{
  fd_clear (&scratch->fd);
  remove_tree (scratch->path);
  g_free (scratch->path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scratch, scratch_clear)

static Scratch
scratch_new (void)
{
  g_autoptr (GError) error = NULL;
  Scratch scratch = { .path = g_dir_make_tmp ("bwrap-oci-test-XXXXXX", &error) };

  g_assert_no_error (error);
  scratch.fd = open (scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (scratch.fd, >=, 0);
  return scratch;
}

/* Writes @text into @name; returns its path. */
static char *
scratch_file (const Scratch *scratch, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (scratch->path, name, NULL);

  g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, &error);
  g_assert_no_error (error);
  return path;
}

static char *
scratch_program (const Scratch *scratch, const char *name, const char *script)
{
  g_autofree char *text = g_strconcat ("#!/bin/sh\n", script, NULL);
  char *path = scratch_file (scratch, name, text);

  g_assert_cmpint (g_chmod (path, 0755), ==, 0);
  return path;
}

/* --- bwrap ------------------------------------------------------------------------------- */

#define GOOD_HELP \
  "echo '    --args FD     Parse'\necho '    --as-pid-1  Do'\necho '    --cap-add CAP  Add'\n" \
  "echo '    --info-fd FD  Write'\necho '    --userns-block-fd FD'\necho '    --perms OCTAL  Set'\n"

static const BwrapOptions good_options = BWRAP_ARGS | BWRAP_AS_PID_1 | BWRAP_CAP_ADD
                                         | BWRAP_INFO_FD | BWRAP_USERNS_BLOCK_FD | BWRAP_PERMS;

static void
test_bwrap_help (void)
{
  g_assert_cmpint (bwrap_parse_help (""), ==, 0);
  g_assert_cmpint (bwrap_parse_help ("\n\n \n"), ==, 0);
  g_assert_cmpint (bwrap_parse_help ("--args FD"), ==, BWRAP_ARGS);
  g_assert_cmpint (bwrap_parse_help ("x --args FD\n  see --userns\n"), ==, 0);
  g_assert_cmpint (bwrap_parse_help ("\t--userns2 FD\n --userns-block-fd\n--bind-fd-try"), ==,
                   BWRAP_USERNS_BLOCK_FD);
  g_assert_cmpint (bwrap_parse_help ("usage\n\n    --userns FD   Use\n    --pidns FD\n"), ==,
                   BWRAP_USERNS | BWRAP_PIDNS);
}

typedef struct {
  const char *script;   /* NULL: no such file */
  const char *problem;  /* a glob, without the path before it */
  mode_t mode;          /* 0: 0755 */
} BwrapCase;

static const BwrapCase bwrap_cases[] = {
  { NULL, ": No such file or directory; bubblewrap 0.5.0 or newer is needed (apt install *)" },
  { "exit 0\n", ": --help lists none of its options; *needed (apt install bubblewrap)" },
  { "exit 0\n", ": exec: Permission denied; *", 0644 },
  { GOOD_HELP, ": is set-user-ID root; * (chmod u-s *)", 04755 },
  { "echo 'oh\033[1m no' >&2; exit 3\n", ": --help failed: oh\\x1b?1m no; *" },
  { "exit 3\n", ": --help failed: no message; *" },
  { "kill -9 $$\n", ": --help ended by signal 9; *" },
  { "while :; do echo yes yes yes yes yes; done\n", ": --help printed more than 64 KiB; *" },
  { "exec >&- 2>&-; exec sleep 1000\n", ": --help took longer than 5 seconds; *" },
  { "echo '    --args FD'; echo '  --as-pid-1'; [ $1 = --help ] || echo old 0.1 beta\n",
    " (*): has no --cap-add; *" },
  { "[ $1 = --version ] && echo bubblewrap 0.4.9 && exit\n"
    "for o in args as-pid-1 cap-add info-fd userns-block-fd; do echo \"  --$o\"; done\n",
    " (bubblewrap 0.4.9): has no --perms; *" },
};

static void
test_bwrap_problems (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bwrap_cases); i++)
    {
      g_auto (Scratch) scratch = scratch_new ();
      g_autofree char *path = NULL, *pattern = NULL;
      BwrapFacts facts;

      if (bwrap_cases[i].script != NULL)
        path = scratch_program (&scratch, "bwrap", bwrap_cases[i].script);
      else
        path = g_build_filename (scratch.path, "bwrap", NULL);
      if (bwrap_cases[i].mode != 0)
        g_assert_cmpint (g_chmod (path, bwrap_cases[i].mode), ==, 0);
      host_bwrap_probe (&facts, path, scratch.fd);
      pattern = g_strconcat (path, bwrap_cases[i].problem, NULL);
      g_assert_nonnull (facts.problem);
      if (!g_pattern_match_simple (pattern, facts.problem))
        g_error ("%s does not match %s", facts.problem, pattern);
      g_assert_null (strchr (facts.problem, '\n'));
      bwrap_facts_clear (&facts);
      g_assert_cmpint (faccessat (scratch.fd, ".probe", F_OK, 0), <, 0);
    }
}

/* A program that leaves a child with the pipe behind is not waited for. */
static void
test_bwrap_leftover (void)
{
  g_auto (Scratch) scratch = scratch_new ();
  g_autofree char *path = scratch_program (&scratch, "bwrap", "sleep 1000 &\n" GOOD_HELP);
  gint64 start = g_get_monotonic_time ();
  BwrapFacts facts;

  host_bwrap_probe (&facts, path, -1);
  g_assert_cmpstr (facts.problem, ==, NULL);
  g_assert_cmpint (facts.options, ==, good_options);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 3 * G_TIME_SPAN_SECOND);
  bwrap_facts_clear (&facts);
}

/* One that fails to say its version is asked again. */
static void
test_bwrap_without_version (void)
{
  g_auto (Scratch) scratch = scratch_new ();
  g_autofree char *path
      = scratch_program (&scratch, "bwrap", "[ $1 = --help ] || kill -9 $$\n" GOOD_HELP);
  BwrapFacts facts;

  host_bwrap_probe (&facts, path, scratch.fd);
  g_assert_cmpstr (facts.problem, ==, NULL);
  g_assert_cmpint (facts.options, ==, good_options);
  g_assert_null (facts.version);
  g_assert_cmpint (faccessat (scratch.fd, ".probe", F_OK, 0), <, 0);
  bwrap_facts_clear (&facts);
}

/* How often the fake of test_bwrap_cache has been run. */
static int
runs (const Scratch *scratch)
{
  g_autofree char *path = g_build_filename (scratch->path, "runs", NULL);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? (int) strlen (text) : 0;
}

static void
check_probe (const Scratch *scratch, const char *path, int expected_runs)
{
  BwrapFacts facts;

  host_bwrap_probe (&facts, path, scratch->fd);
  g_assert_cmpstr (facts.problem, ==, NULL);
  g_assert_cmpstr (facts.path, ==, path);
  g_assert_cmpstr (facts.version, ==, "bubblewrap 9.9");
  g_assert_cmpint (facts.options, ==, good_options);
  g_assert_cmpint (runs (scratch), ==, expected_runs);
  bwrap_facts_clear (&facts);
}

static void
test_bwrap_cache (void)
{
  g_auto (Scratch) scratch = scratch_new ();
  g_autofree char *script = NULL, *path = NULL, *cache = NULL, *text = NULL, *elsewhere = NULL;
  const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1 } };
  BwrapFacts facts;

  script = g_strdup_printf ("echo 'bubblewrap 9.9' | grep -e$1 ; [ $1 = --help ] || echo bubblewrap"
                            " 9.9\nprintf x >> %s/runs\n[ $1 = --help ] || exit 0\n" GOOD_HELP,
                            scratch.path);
  path = scratch_program (&scratch, "bwrap", script);
  check_probe (&scratch, path, 2);
  check_probe (&scratch, path, 2);
  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
  check_probe (&scratch, path, 4);
  check_probe (&scratch, path, 4);

  /* what is not ours, or not of the form, is as if it were not there */
  cache = g_build_filename (scratch.path, ".probe", NULL);
  g_assert_true (g_file_set_contents (cache, "garbage\nno newline", -1, NULL));
  check_probe (&scratch, path, 6);
  check_probe (&scratch, path, 6);
  elsewhere = g_build_filename (scratch.path, "elsewhere", NULL);
  g_assert_cmpint (g_rename (cache, elsewhere), ==, 0);
  g_assert_cmpint (symlink ("elsewhere", cache), ==, 0);
  check_probe (&scratch, path, 8);
  check_probe (&scratch, path, 8);
  g_assert_false (g_file_test (cache, G_FILE_TEST_IS_SYMLINK));

  /* a mode is looked at each time: it does not change the key */
  g_assert_cmpint (g_chmod (path, 04755), ==, 0);
  host_bwrap_probe (&facts, path, scratch.fd);
  g_assert_true (facts.set_user_id);
  g_assert_nonnull (facts.problem);
  bwrap_facts_clear (&facts);
  g_assert_cmpint (g_chmod (path, 0755), ==, 0);

  for (int i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("bwrap-%d", i);
      g_autofree char *other = scratch_program (&scratch, name, script);

      check_probe (&scratch, other, 10 + 2 * i);
    }
  g_assert_true (g_file_get_contents (cache, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 8 + 1);
  check_probe (&scratch, path, 8 + 40 + 2);
}

/* --- sub-ids ----------------------------------------------------------------------------- */

typedef struct {
  const char *text;
  const char *expected;  /* "FIRST+COUNT ..." */
} SubidCase;

static const SubidCase subid_cases[] = {
  { "", "" },
  { "me:100000:65536\n", "100000+65536" },
  { "me:100000:65536", "100000+65536" },
  { "1000:5:1\nother:1:1\nme:7:2\n", "5+1 7+2" },
  { "me:1:1\n\n\nme:2:2\n#me:3:3\n", "1+1 2+2" },
  { "me:100000:0\nme::5\nme:5:\nme:5\nme\n:::\nme:1:2:3\n", "" },
  { "me: 1:2\nme:+1:2\nme:-1:2\nme:0x1:2\n", "" },
  { "me:4294967295:1\nme:4294967294:1\nme:4294967294:2\nme:1:4294967295\nme:0:4294967295\n",
    "4294967294+1 0+4294967295" },
  { "me:99999999999999999999:1\nme:1:99999999999999999999\nme:00000000001:2\n", "" },
  { "me :1:1\n me:1:1\nMe:1:1\nmeme:1:1\nm:1:1\nme:1:1\r\n01000x:1:1\n", "" },
};

static char *
ranges_text (const GArray *ranges)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < ranges->len; i++)
    {
      const IdRange *range = &g_array_index (ranges, IdRange, i);

      g_string_append_printf (text, "%s%u+%u", i > 0 ? " " : "", range->first, range->count);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
assert_ranges (const GArray *ranges, const char *expected)
{
  g_autofree char *text = ranges_text (ranges);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_subid_parse (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (subid_cases); i++)
    {
      g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (IdRange));

      subid_parse (subid_cases[i].text, strlen (subid_cases[i].text), "me", 1000, ranges);
      assert_ranges (ranges, subid_cases[i].expected);
    }
}

static void
test_subid_hostile (void)
{
  g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (IdRange));
  gsize length = 4 * 1024 * 1024;
  g_autofree char *text = g_malloc (length);
  g_autoptr (GString) many = g_string_new (NULL);

  memset (text, 'm', length);
  subid_parse (text, length, "me", 1000, ranges);
  memset (text, ':', length);
  subid_parse (text, length, "me", 1000, ranges);
  memset (text, '\n', length);
  subid_parse (text, length, "me", 1000, ranges);
  memset (text, '\0', length);
  subid_parse (text, length, "me", 1000, ranges);
  g_assert_cmpuint (ranges->len, ==, 0);

  for (int i = 0; i < 100000; i++)
    g_string_append_printf (many, "user%d:%d:10\n", i, i * 10);
  g_string_append (many, "me:7:7\n");
  subid_parse (many->str, many->len, "me", 1000, ranges);
  assert_ranges (ranges, "7+7");
  subid_parse (many->str, many->len, NULL, 1000, ranges);
  g_assert_cmpuint (ranges->len, ==, 1);
}

static GArray *
make_map (const IdRange *ranges, guint n)
{
  GArray *map = g_array_new (FALSE, FALSE, sizeof (IdRange));

  g_array_append_vals (map, ranges, n);
  return map;
}

static void
test_subid_clip (void)
{
  const IdRange all[] = { { 0, 0, G_MAXUINT32 } };
  const IdRange podman[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
  const IdRange subs[] = { { 0, 100000, 65536 }, { 0, 60000, 10000 }, { 0, 0, 3 } };
  g_autoptr (GArray) map = make_map (all, G_N_ELEMENTS (all));
  g_autoptr (GArray) small_map = make_map (podman, G_N_ELEMENTS (podman));
  g_autoptr (GArray) none = make_map (NULL, 0);
  g_autoptr (GArray) ranges = make_map (subs, G_N_ELEMENTS (subs));

  subid_clip (ranges, map);
  assert_ranges (ranges, "100000+65536 60000+10000 0+3");
  subid_clip (ranges, small_map);
  assert_ranges (ranges, "60000+5537 0+1 1+2");
  subid_clip (ranges, none);
  assert_ranges (ranges, "");
}

static void
check_subids (const Scratch *scratch, uid_t uid, const char *user, const char *uids,
              const char *gids)
{
  const IdRange all[] = { { 0, 0, G_MAXUINT32 } };
  g_autoptr (HostFacts) facts = g_new0 (HostFacts, 1);

  facts->machine.uid = uid;
  facts->machine.uid_map = make_map (all, 1);
  facts->machine.gid_map = make_map (all, 1);
  facts->machine.sub_uids = make_map (NULL, 0);
  facts->machine.sub_gids = make_map (NULL, 0);
  host_subid_probe (&facts->machine, scratch->path);
  g_assert_cmpstr (facts->machine.user, ==, user);
  assert_ranges (facts->machine.sub_uids, uids);
  assert_ranges (facts->machine.sub_gids, gids);
}

static void
test_subid_files (void)
{
  g_auto (Scratch) scratch = scratch_new ();
  g_autofree char *a = NULL, *b = NULL, *c = NULL, *d = NULL;
  const uid_t nobody_has_this = 3999999999u;

  check_subids (&scratch, nobody_has_this, NULL, "", "");
  a = scratch_file (&scratch, "nsswitch.conf", "# x\npasswd:  files systemd\nsubid: files\n");
  b = scratch_file (&scratch, "passwd",
                    "root:x:0:0:\nbroken\n:x:3999999999:\nme:x:3999999999:1::\n");
  c = scratch_file (&scratch, "subuid", "me:5:5\n3999999999:50:5\nroot:1:1\n");
  check_subids (&scratch, nobody_has_this, "me", "5+5 50+5", "");
  d = scratch_file (&scratch, "subgid", "me:6:6\n");
  check_subids (&scratch, nobody_has_this, "me", "5+5 50+5", "6+6");
  check_subids (&scratch, nobody_has_this - 1, NULL, "", "");

  /* another order: the C library is asked, which does not know these files */
  g_assert_true (g_file_set_contents (a, "passwd: sss files\n", -1, NULL));
  check_subids (&scratch, nobody_has_this, NULL, "50+5", "");

  /* a FIFO is not waited for */
  g_assert_cmpint (g_remove (c), ==, 0);
  g_assert_cmpint (mkfifo (c, 0600), ==, 0);
  check_subids (&scratch, nobody_has_this, NULL, "", "");
}

/* --- cgroups ----------------------------------------------------------------------------- */

typedef struct {
  const char *text;
  CgroupMode mode;
  const char *hierarchies;  /* joined by spaces */
} CgroupCase;

static const CgroupCase cgroup_cases[] = {
  { "", CGROUP_NONE, "" },
  { "29 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\nbroken\n - cgroup\n", CGROUP_NONE, "" },
  { "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n", CGROUP_V2,
    "" },
  { "1 2 0:1 / /c rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "3 2 0:2 / /s rw shared:9 master:2 - cgroup cgroup rw,xattr,release_agent=/x,name=systemd\n"
    "4 2 0:1 /sub /again rw - cgroup cgroup rw,cpu,cpuacct\n",
    CGROUP_V1, "cpu,cpuacct name=systemd" },
  { "1 2 0:1 / /c rw - cgroup cgroup rw,noprefix,freezer,clone_children\n"
    "3 2 0:2 / /u rw - cgroup2 none rw",
    CGROUP_HYBRID, "freezer" },
};

static void
test_cgroups (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cgroup_cases); i++)
    {
      MachineFacts facts = { 0 };
      g_autofree char *hierarchies = NULL;

      cgroups_parse (cgroup_cases[i].text, &facts);
      hierarchies = g_strjoinv (" ", facts.cgroup_v1);
      g_assert_cmpint (facts.cgroup_mode, ==, cgroup_cases[i].mode);
      g_assert_cmpstr (hierarchies, ==, cgroup_cases[i].hierarchies);
      g_strfreev (facts.cgroup_v1);
    }
}

static void
test_cgroups_here (void)
{
  g_autoptr (GError) error = NULL;
  MachineFacts facts = { 0 };

  g_assert_true (host_cgroup_probe (&facts, &error));
  g_assert_no_error (error);
  g_assert_nonnull (facts.cgroup_v1);
  g_assert_cmpint (facts.cgroup_v1[0] != NULL, ==,
                   facts.cgroup_mode == CGROUP_V1 || facts.cgroup_mode == CGROUP_HYBRID);
  g_strfreev (facts.cgroup_v1);
}

/* --- the bundle -------------------------------------------------------------------------- */

/* A configuration made of structs. */
typedef struct {
  OciSpec spec;
  OciLinux linux_;
  OciRoot root;
} Made;

static void
made_init (Made *made, char *root)
{
  *made = (Made) { .root.path = root };
  made->spec.root = &made->root;
  made->spec.linux_ = &made->linux_;
  made->spec.mounts = g_ptr_array_new_with_free_func (g_free);
  made->linux_.devices = g_ptr_array_new_with_free_func (g_free);
  made->linux_.namespaces = g_ptr_array_new_with_free_func (g_free);
}

static void
made_clear (Made *made)
{
  g_ptr_array_unref (made->spec.mounts);
  g_ptr_array_unref (made->linux_.devices);
  g_ptr_array_unref (made->linux_.namespaces);
}

static void
add_mount (Made *made, const char *type, const char *source)
{
  OciMount *mount = g_new0 (OciMount, 1);

  mount->destination = (char *) "/x";
  mount->type = (char *) type;
  mount->source = (char *) source;
  g_ptr_array_add (made->spec.mounts, mount);
}

static void
add_device (Made *made, int type, const char *path, unsigned major, unsigned minor)
{
  OciDevice *device = g_new0 (OciDevice, 1);

  *device = (OciDevice) { .type = type,
                          .path = (char *) path,
                          .major = { TRUE, major },
                          .minor = { TRUE, minor } };
  g_ptr_array_add (made->linux_.devices, device);
}

static void
add_namespace (Made *made, const char *path)
{
  OciNamespace *ns = g_new0 (OciNamespace, 1);

  *ns = (OciNamespace) { .type = CLONE_NEWNET, .path = (char *) path };
  g_ptr_array_add (made->linux_.namespaces, ns);
}

static HostFacts *
probe (const Made *made, const char *bundle)
{
  g_autoptr (GError) error = NULL;
  HostFacts *facts = g_new0 (HostFacts, 1);

  g_assert_true (host_bundle_probe (&made->spec, bundle, &facts->bundle, &error));
  g_assert_no_error (error);
  return facts;
}

static const SourceFacts *
mount_facts (const HostFacts *facts, guint i)
{
  return g_ptr_array_index (facts->bundle.mounts, i);
}

static void
test_bundle_mounts (void)
{
  g_auto (Scratch) scratch = scratch_new ();
  g_autofree char *file = scratch_file (&scratch, "file", "x");
  g_autofree char *link = g_build_filename (scratch.path, "link", NULL);
  g_autoptr (HostFacts) facts = NULL;
  struct stat st;
  Made made;

  g_assert_cmpint (symlink ("file", link), ==, 0);
  g_assert_cmpint (stat (file, &st), ==, 0);
  made_init (&made, (char *) "/");
  add_mount (&made, "bind", "file");
  add_mount (&made, "bind", link);
  add_mount (&made, "tmpfs", "tmpfs");
  add_mount (&made, "bind", "missing");
  add_mount (&made, "bind", "/proc");
  add_mount (&made, "bind", "file/below");
  facts = probe (&made, scratch.path);
  for (guint i = 0; i < 2; i++)
    {
      const SourceFacts *source = mount_facts (facts, i);

      g_assert_cmpstr (source->path, ==, i == 0 ? file : link);
      g_assert_cmpint (source->fd, >=, 0);
      g_assert_cmpint (source->error, ==, 0);
      g_assert_true (S_ISREG (source->mode));
      g_assert_cmpuint (source->device, ==, st.st_dev);
      g_assert_cmpuint (source->inode, ==, st.st_ino);
      g_assert_cmpint (fcntl (source->fd, F_GETFD), ==, FD_CLOEXEC);
    }
  g_assert_null (mount_facts (facts, 2));
  g_assert_cmpint (mount_facts (facts, 3)->fd, ==, -1);
  g_assert_cmpint (mount_facts (facts, 3)->error, ==, ENOENT);
  g_assert_cmpuint (mount_facts (facts, 4)->filesystem, ==, 0x9fa0);
  g_assert_true (S_ISDIR (mount_facts (facts, 4)->mode));
  g_assert_cmpint (mount_facts (facts, 5)->error, ==, ENOTDIR);
  made_clear (&made);
}

/* The attributes of every mount agree with what mountinfo says of it. */
static void
test_bundle_flags (void)
{
  static const struct {
    const char *word;
    guint64 attribute;
  } words[] = {
    { "ro", MOUNT_ATTR_RDONLY },         { "nosuid", MOUNT_ATTR_NOSUID },
    { "nodev", MOUNT_ATTR_NODEV },       { "noexec", MOUNT_ATTR_NOEXEC },
    { "noatime", MOUNT_ATTR_NOATIME },   { "nodiratime", MOUNT_ATTR_NODIRATIME },
    { "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW },
  };
  g_autoptr (HostFacts) facts = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  Made made;

  g_assert_true (g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  made_init (&made, (char *) "/");
  add_mount (&made, "bind", "/proc");
  add_mount (&made, "bind", "/");
  facts = probe (&made, "/");
  for (char **line = lines; *line != NULL; line++)
    for (guint i = 0; i < 2; i++)
      {
        const SourceFacts *source = mount_facts (facts, i);
        g_auto (GStrv) columns = g_strsplit (*line, " ", -1);
        g_auto (GStrv) options = NULL;

        if (g_strv_length (columns) < 6 || strcmp (columns[4], source->path) != 0)
          continue;
        options = g_strsplit (columns[5], ",", -1);
        for (gsize j = 0; j < G_N_ELEMENTS (words); j++)
          if (g_strv_contains ((const char *const *) options, words[j].word))
            g_assert_cmpuint (source->flags & words[j].attribute, ==, words[j].attribute);
        if (g_strv_contains ((const char *const *) options, "relatime"))
          g_assert_cmpuint (source->flags & MOUNT_ATTR__ATIME, ==, MOUNT_ATTR_RELATIME);
      }
  made_clear (&made);
}

static void
test_bundle_root (void)
{
  g_auto (Scratch) scratch = scratch_new ();
  g_autofree char *file = scratch_file (&scratch, "file", "x");
  g_autofree char *closed = g_build_filename (scratch.path, "closed", NULL);
  g_autofree char *rootfs = g_build_filename (closed, "sub", "rootfs", NULL);
  g_autofree char *loop = g_build_filename (scratch.path, "loop", NULL);
  g_autofree char *parent = g_path_get_dirname (scratch.path);
  g_autoptr (GPtrArray) mappings = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  OciIdMapping mapping = { 0 };
  BundleFacts unused;
  const struct {
    const char *path;
    int error;
    const char *closed;  /* the only directory above it that others may not search */
  } cases[] = {
    { "closed/sub/rootfs", 0, closed }, { "file", ENOTDIR, NULL }, { "loop", ELOOP, NULL },
    { "missing", ENOENT, NULL },        { parent, 0, NULL },
  };
  Made made;

  g_assert_cmpint (g_mkdir_with_parents (rootfs, 0755), ==, 0);
  g_assert_cmpint (g_chmod (scratch.path, 0755), ==, 0);
  g_assert_cmpint (g_chmod (closed, 0700), ==, 0);
  g_assert_cmpint (symlink ("loop", loop), ==, 0);
  g_ptr_array_add (mappings, &mapping);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HostFacts) facts = NULL;

      made_init (&made, (char *) cases[i].path);
      made.spec.linux_->uid_mappings = mappings;
      facts = probe (&made, scratch.path);
      made.spec.linux_->uid_mappings = NULL;
      g_assert_cmpint (facts->bundle.root->error, ==, cases[i].error);
      g_assert_cmpint (facts->bundle.root->fd >= 0, ==, cases[i].error == 0);
      g_assert_cmpuint (field_count (facts->bundle.root->closed), ==, cases[i].closed != NULL);
      if (cases[i].closed != NULL)
        {
          const ClosedDirectory *found = g_ptr_array_index (facts->bundle.root->closed, 0);

          g_assert_cmpstr (found->path, ==, cases[i].closed);
          g_assert_cmpuint (found->uid, ==, getuid ());
        }
      made_clear (&made);
    }
  made_init (&made, (char *) "rootfs");
  g_assert_false (host_bundle_probe (&made.spec, "/nonexistent", &unused, &error));
  g_assert_cmpstr (error->message, ==, "bundle /nonexistent: No such file or directory");
  g_clear_error (&error);
  g_assert_false (host_bundle_probe (&made.spec, file, &unused, &error));
  g_assert_nonnull (strstr (error->message, "not a directory"));
  made_clear (&made);
}

static void
test_bundle_devices (void)
{
  g_autoptr (HostFacts) facts = NULL;
  const SourceFacts *device;
  Made made;

  made_init (&made, (char *) "/");
  add_device (&made, 'c', "/dev/null", 1, 3);
  add_device (&made, 'u', "/dev/nowhere", 1, 3);
  add_device (&made, 'c', "/dev/null", 1, 250);
  add_device (&made, 'b', "/dev/null", 1, 3);
  add_device (&made, 'c', "/dev/missing-node", 251, 250);
  add_device (&made, 'p', "/dev/fifo", 0, 0);
  facts = probe (&made, "/");
  for (guint i = 0; i < 5; i++)
    {
      device = g_ptr_array_index (facts->bundle.devices, i);
      g_assert_cmpint (device->fd >= 0, ==, i < 2);
      g_assert_cmpint (device->error, ==, i < 2 ? 0 : ENOENT);
      if (i < 2)
        g_assert_cmpuint (device->node, ==, makedev (1, 3));
    }
  g_assert_null (g_ptr_array_index (facts->bundle.devices, 5));
  made_clear (&made);
}

static void
test_bundle_namespaces (void)
{
  g_auto (Scratch) scratch = scratch_new ();
  g_autofree char *fifo = g_build_filename (scratch.path, "fifo", NULL);
  const struct {
    const char *path;
    int type;
    int error;
  } cases[] = {
    { "/proc/self/ns/net", CLONE_NEWNET, 0 }, { "/proc/self/ns/user", CLONE_NEWUSER, 0 },
    { "/proc/self/ns/pid", CLONE_NEWPID, 0 }, { "/proc/self/ns/none", 0, ENOENT },
    { "/dev/null", 0, 0 },                    { fifo, 0, 0 },
  };
  g_autoptr (HostFacts) facts = NULL;
  Made made;

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  made_init (&made, (char *) "/");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    add_namespace (&made, cases[i].path);
  add_namespace (&made, NULL);
  facts = probe (&made, "/");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const NamespaceFacts *ns = g_ptr_array_index (facts->bundle.namespaces, i);

      g_assert_cmpint (ns->type, ==, cases[i].type);
      g_assert_cmpint (ns->error, ==, cases[i].error);
      g_assert_cmpint (ns->fd >= 0, ==, cases[i].type != 0);
    }
  g_assert_null (g_ptr_array_index (facts->bundle.namespaces, G_N_ELEMENTS (cases)));
  made_clear (&made);
}

/* --- the machine and the cache ------------------------------------------------------------ */

static void
test_machine (void)
{
  g_auto (Scratch) scratch = scratch_new ();
  HostProbeOptions options = { .root_fd = scratch.fd };

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (HostFacts) facts = g_new0 (HostFacts, 1);
      g_autoptr (GError) error = NULL;
      gint64 start = g_get_monotonic_time ();

      g_assert_true (host_machine_probe (&facts->machine, &options, &error));
      g_test_message ("probe %d: %d us", i, (int) (g_get_monotonic_time () - start));
      g_assert_no_error (error);
      g_assert_cmpuint (facts->machine.uid, ==, geteuid ());
      g_assert_cmpuint (facts->machine.uid_map->len, >=, 1);
      g_assert_cmpuint (facts->machine.major, >=, 4);
      g_assert_cmpuint (facts->machine.last_capability, >=, 37);
      g_assert_cmpint (prctl (PR_CAPBSET_READ, facts->machine.last_capability, 0, 0, 0), >=, 0);
      g_assert_cmpint (prctl (PR_CAPBSET_READ, facts->machine.last_capability + 1, 0, 0, 0), <, 0);
      g_assert_cmpstr (facts->machine.bwrap.path, ==, BWRAP_PATH);
      host_machine_probe_problems (&facts->machine);
      g_assert_cmpint (facts->machine.max_user_namespaces, >=, -1);
    }
}

static void
test_cache (void)
{
  g_auto (Scratch) scratch = scratch_new ();
  g_autofree char *data = NULL, *fifo = g_build_filename (scratch.path, "fifo", NULL);
  gsize length = 0;
  g_autoptr (GDir) directory = NULL;
  g_autofree char *path = g_build_filename (scratch.path, ".c", NULL);
  guint n = 0;

  g_assert_false (cache_load (-1, "x", 10, &data, &length));
  g_assert_false (cache_load (scratch.fd, "x", 10, &data, &length));
  cache_store (-1, "x", "12345", 5);
  cache_store (scratch.fd, "x", "12345", 5);
  g_assert_false (cache_load (scratch.fd, "x", 4, &data, &length));
  g_assert_true (cache_load (scratch.fd, "x", 5, &data, &length));
  g_assert_cmpmem (data, (int) length, "12345", 5);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_clear_pointer (&data, g_free);
  g_assert_false (cache_load (scratch.fd, "fifo", 5, &data, &length));

  for (int i = 0; i < 40; i++)
    {
      g_autofree char *name = g_strdup_printf (".c/file-%d", i);
      struct timespec times[2] = { { .tv_sec = 1000 - i }, { .tv_sec = 1000 - i } };

      cache_store (scratch.fd, name, "x", 1);
      g_assert_cmpint (utimensat (scratch.fd, name, times, 0), ==, 0);
    }
  cache_trim (scratch.fd, ".c", 32);
  directory = g_dir_open (path, 0, NULL);
  while (g_dir_read_name (directory) != NULL)
    n++;
  g_assert_cmpuint (n, ==, 32);
  g_assert_cmpint (faccessat (scratch.fd, ".c/file-0", F_OK, 0), ==, 0);
  g_assert_cmpint (faccessat (scratch.fd, ".c/file-39", F_OK, 0), <, 0);
  cache_trim (scratch.fd, "missing", 32);
  cache_trim (-1, ".c", 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host/bwrap/help", test_bwrap_help);
  g_test_add_func ("/host/bwrap/problems", test_bwrap_problems);
  g_test_add_func ("/host/bwrap/leftover", test_bwrap_leftover);
  g_test_add_func ("/host/bwrap/without-version", test_bwrap_without_version);
  g_test_add_func ("/host/bwrap/cache", test_bwrap_cache);
  g_test_add_func ("/host/subid/parse", test_subid_parse);
  g_test_add_func ("/host/subid/hostile", test_subid_hostile);
  g_test_add_func ("/host/subid/clip", test_subid_clip);
  g_test_add_func ("/host/subid/files", test_subid_files);
  g_test_add_func ("/host/cgroups/parse", test_cgroups);
  g_test_add_func ("/host/cgroups/here", test_cgroups_here);
  g_test_add_func ("/host/bundle/mounts", test_bundle_mounts);
  g_test_add_func ("/host/bundle/flags", test_bundle_flags);
  g_test_add_func ("/host/bundle/root", test_bundle_root);
  g_test_add_func ("/host/bundle/devices", test_bundle_devices);
  g_test_add_func ("/host/bundle/namespaces", test_bundle_namespaces);
  g_test_add_func ("/host/machine", test_machine);
  g_test_add_func ("/host/cache", test_cache);
  return g_test_run ();
}
