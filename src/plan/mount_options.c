/* Mount options (runtime-spec config.md, "Linux mount options"; mount(8)). */
#include "config.h"

#include "plan/mounts.h"

#include "base/error.h"

#include <linux/mount.h>
#include <string.h>

typedef enum {
  OPTION_NOTHING,
  OPTION_BIND,
  OPTION_RECURSIVE_BIND,
  OPTION_SET,
  OPTION_CLEAR,
  OPTION_RECURSIVE_SET,
  OPTION_RECURSIVE_CLEAR,
  OPTION_ATIME,
  OPTION_PROPAGATION,
  OPTION_RECURSIVE_PROPAGATION,
  OPTION_SUPERBLOCK,
  OPTION_COPY_UP,
  OPTION_COPY_SYMLINK,
  OPTION_IDMAP,
  OPTION_REFUSED,
} OptionKind;

typedef struct {
  const char *name;
  OptionKind kind;
  guint64 value;
} Option;

/* by name, for bsearch */
static const Option options_table[] = {
  { "async", OPTION_SUPERBLOCK, 0 },
  { "atime", OPTION_ATIME, MOUNT_ATTR_RELATIME },
  { "bind", OPTION_BIND, 0 },
  { "copy-symlink", OPTION_COPY_SYMLINK, 0 },
  { "defaults", OPTION_NOTHING, 0 },
  { "dev", OPTION_CLEAR, MOUNT_ATTR_NODEV },
  { "diratime", OPTION_CLEAR, MOUNT_ATTR_NODIRATIME },
  { "dirsync", OPTION_SUPERBLOCK, 0 },
  { "exec", OPTION_CLEAR, MOUNT_ATTR_NOEXEC },
  { "idmap", OPTION_IDMAP, 0 },
  { "iversion", OPTION_NOTHING, 0 },
  { "lazytime", OPTION_SUPERBLOCK, 0 },
  { "loud", OPTION_NOTHING, 0 },
  { "mand", OPTION_SUPERBLOCK, 0 },
  { "noatime", OPTION_ATIME, MOUNT_ATTR_NOATIME },
  { "nodev", OPTION_SET, MOUNT_ATTR_NODEV },
  { "nodiratime", OPTION_SET, MOUNT_ATTR_NODIRATIME },
  { "noexec", OPTION_SET, MOUNT_ATTR_NOEXEC },
  { "noiversion", OPTION_NOTHING, 0 },
  { "nolazytime", OPTION_SUPERBLOCK, 0 },
  { "nomand", OPTION_SUPERBLOCK, 0 },
  { "norelatime", OPTION_ATIME, MOUNT_ATTR_RELATIME },
  { "nostrictatime", OPTION_ATIME, MOUNT_ATTR_RELATIME },
  { "nosuid", OPTION_SET, MOUNT_ATTR_NOSUID },
  { "nosymfollow", OPTION_SET, MOUNT_ATTR_NOSYMFOLLOW },
  { "private", OPTION_PROPAGATION, MS_PRIVATE },
  { "ratime", OPTION_RECURSIVE_CLEAR, MOUNT_ATTR__ATIME },
  { "rbind", OPTION_RECURSIVE_BIND, 0 },
  { "rdev", OPTION_RECURSIVE_CLEAR, MOUNT_ATTR_NODEV },
  { "rdiratime", OPTION_RECURSIVE_CLEAR, MOUNT_ATTR_NODIRATIME },
  { "relatime", OPTION_ATIME, MOUNT_ATTR_RELATIME },
  { "remount", OPTION_REFUSED, 0 },
  { "rexec", OPTION_RECURSIVE_CLEAR, MOUNT_ATTR_NOEXEC },
  { "ridmap", OPTION_IDMAP, 1 },
  { "rnoatime", OPTION_RECURSIVE_SET, MOUNT_ATTR_NOATIME },
  { "rnodev", OPTION_RECURSIVE_SET, MOUNT_ATTR_NODEV },
  { "rnodiratime", OPTION_RECURSIVE_SET, MOUNT_ATTR_NODIRATIME },
  { "rnoexec", OPTION_RECURSIVE_SET, MOUNT_ATTR_NOEXEC },
  { "rnorelatime", OPTION_RECURSIVE_CLEAR, MOUNT_ATTR__ATIME },
  { "rnostrictatime", OPTION_RECURSIVE_CLEAR, MOUNT_ATTR__ATIME },
  { "rnosuid", OPTION_RECURSIVE_SET, MOUNT_ATTR_NOSUID },
  { "rnosymfollow", OPTION_RECURSIVE_SET, MOUNT_ATTR_NOSYMFOLLOW },
  { "ro", OPTION_SET, MOUNT_ATTR_RDONLY },
  { "rprivate", OPTION_RECURSIVE_PROPAGATION, MS_PRIVATE },
  { "rrelatime", OPTION_RECURSIVE_CLEAR, MOUNT_ATTR__ATIME },
  { "rro", OPTION_RECURSIVE_SET, MOUNT_ATTR_RDONLY },
  { "rrw", OPTION_RECURSIVE_CLEAR, MOUNT_ATTR_RDONLY },
  { "rshared", OPTION_RECURSIVE_PROPAGATION, MS_SHARED },
  { "rslave", OPTION_RECURSIVE_PROPAGATION, MS_SLAVE },
  { "rstrictatime", OPTION_RECURSIVE_SET, MOUNT_ATTR_STRICTATIME },
  { "rsuid", OPTION_RECURSIVE_CLEAR, MOUNT_ATTR_NOSUID },
  { "rsymfollow", OPTION_RECURSIVE_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
  { "runbindable", OPTION_RECURSIVE_PROPAGATION, MS_UNBINDABLE },
  { "rw", OPTION_CLEAR, MOUNT_ATTR_RDONLY },
  { "shared", OPTION_PROPAGATION, MS_SHARED },
  { "silent", OPTION_NOTHING, 0 },
  { "slave", OPTION_PROPAGATION, MS_SLAVE },
  { "strictatime", OPTION_ATIME, MOUNT_ATTR_STRICTATIME },
  { "suid", OPTION_CLEAR, MOUNT_ATTR_NOSUID },
  { "symfollow", OPTION_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
  { "sync", OPTION_SUPERBLOCK, 0 },
  { "tmpcopyup", OPTION_COPY_UP, 0 },
  { "unbindable", OPTION_PROPAGATION, MS_UNBINDABLE },
};

static int
compare_option (const void *name, const void *option)
{
  return strcmp (name, ((const Option *) option)->name);
}

static const Option *
find_option (const char *name)
{
  return bsearch (name, options_table, G_N_ELEMENTS (options_table), sizeof options_table[0],
                  compare_option);
}

/* The value of the option at @text, if it is a label of SELinux in quotes, as mount(8) takes them
 * for the commas in it, and where the last quote is; NULL: it is not. */
static const char *
quoted_value (const char *text, const char **ret_end)
{
  static const char *const labels[] = { "context", "defcontext", "fscontext", "rootcontext" };

  for (gsize i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      gsize length = strlen (labels[i]);
      const char *end;

      if (strncmp (text, labels[i], length) != 0 || text[length] != '=' || text[length + 1] != '"')
        continue;
      end = strchr (text + length + 2, '"');
      if (end != NULL)
        *ret_end = end;
      return end != NULL ? text + length + 2 : NULL;
    }
  return NULL;
}

/* Option @word without such quotes: fsconfig(2) takes the label alone. Transfer: full. */
static char *
unquote (const char *word)
{
  const char *end = NULL, *value = quoted_value (word, &end);
  GString *text = g_string_new (word);

  if (value != NULL)
    {
      g_string_erase (text, end - word, 1);
      g_string_erase (text, value - 1 - word, 1);
    }
  return g_string_free (text, FALSE);
}

/* The next option of *@text, which may hold several, as mount(8) takes them, and how long it is;
 * "\\," is no end of one. NULL: there is none left. */
static const char *
next_word (const char **text, gsize *ret_length)
{
  const char *start = *text, *end = start;

  if (*start == '\0')
    return NULL;
  (void) quoted_value (start, &end);
  while (*end != '\0' && *end != ',')
    end += end[0] == '\\' && end[1] != '\0' ? 2 : 1;
  *text = *end == ',' ? end + 1 : end;
  *ret_length = (gsize) (end - start);
  return start;
}

/* Whether one of the options in @text is @wanted. */
static gboolean
has_word (const char *text, const char *wanted)
{
  gsize length = 0, wanted_length = strlen (wanted);
  const char *word;

  do
    word = next_word (&text, &length);
  while (word != NULL && (length != wanted_length || memcmp (word, wanted, length) != 0));
  return word != NULL;
}

/* Whether one of the options of @mount is @wanted. */
static gboolean
asks_for (const OciMount *mount, const char *wanted)
{
  for (char **option = mount->options; option != NULL && *option != NULL; option++)
    if (has_word (*option, wanted))
      return TRUE;
  return FALSE;
}

gboolean
mount_is_bind (const OciMount *mount)
{
  return g_strcmp0 (mount->type, "bind") == 0 || asks_for (mount, "bind")
         || asks_for (mount, "rbind");
}

gboolean
mount_copies_symlink (const OciMount *mount)
{
  return mount_is_bind (mount) && asks_for (mount, "copy-symlink");
}

gboolean
mount_is_overlay (const OciMount *mount)
{
  return g_strcmp0 (mount->type, "overlay") == 0 && !mount_is_bind (mount);
}

/* The later of two contrary options wins. */
static void
set_bits (guint64 *to, guint64 *from, guint64 bits)
{
  *to |= bits;
  *from &= ~bits;
}

/* A recursive option is for the mount itself too, whatever earlier ones said of that. The
 * access-time bits are one value, which is replaced as a whole. */
static void
set_recursive (MountOptions *options, guint64 set, guint64 clear)
{
  guint64 bits = set | clear;

  if (bits & MOUNT_ATTR__ATIME)
    {
      options->has_atime = FALSE;
      clear |= MOUNT_ATTR__ATIME;
    }
  options->set &= ~bits;
  options->clear &= ~bits;
  set_bits (&options->recursive_clear, &options->recursive_set, clear);
  options->recursive_set |= set;
  options->recursive_clear &= ~(set & ~(guint64) MOUNT_ATTR__ATIME);
}

static void
apply_option (MountOptions *options, const Option *option, const char *text)
{
  switch (option->kind)
    {
    case OPTION_BIND:
    case OPTION_RECURSIVE_BIND:
      options->bind = TRUE;
      options->recursive = option->kind == OPTION_RECURSIVE_BIND;
      break;
    case OPTION_SET:
      set_bits (&options->set, &options->clear, option->value);
      break;
    case OPTION_CLEAR:
      set_bits (&options->clear, &options->set, option->value);
      break;
    case OPTION_RECURSIVE_SET:
      set_recursive (options, option->value, 0);
      break;
    case OPTION_RECURSIVE_CLEAR:
      set_recursive (options, 0, option->value);
      break;
    case OPTION_ATIME:
      options->has_atime = TRUE;
      options->atime = option->value;
      break;
    case OPTION_PROPAGATION:
      options->propagation = option->value;
      break;
    case OPTION_RECURSIVE_PROPAGATION:
      options->recursive_propagation = option->value;
      options->propagation = 0;
      break;
    case OPTION_SUPERBLOCK:
      g_ptr_array_add (options->superblock, g_strdup (text));
      break;
    case OPTION_COPY_UP:
      options->copy_up = TRUE;
      break;
    case OPTION_IDMAP:
      options->idmap = TRUE;
      options->recursive_idmap = option->value != 0;
      break;
    case OPTION_COPY_SYMLINK:
      options->copy_symlink = TRUE;
      break;
    case OPTION_NOTHING:
    case OPTION_REFUSED:
      break;
    }
}

/* What callers leave among the options of a bind, where it says nothing: buildah itself has given
 * the source another label ("z", "Z") or owner ("U"); old templates carry mode=. */
static gboolean
is_of_caller (const char *word)
{
  static const char *const done[] = { "U", "Z", "z", NULL };

  return g_strv_contains (done, word) || g_str_has_prefix (word, "mode=");
}

/* One option; @text is the whole string that it stands in. */
static gboolean
read_option (MountOptions *options, const char *word, const char *text, GError **error)
{
  const Option *option = find_option (word);

  if (option != NULL && option->kind == OPTION_REFUSED)
    return throw (error, "mount option %s is not supported", word);
  if (option != NULL)
    apply_option (options, option, word);
  else if (!options->bind)
    g_ptr_array_add (options->data, unquote (word));
  else if (!is_of_caller (word))
    return throw (error, "%s: bind mounts cannot have any filesystem-specific options applied",
                  text);
  return TRUE;
}

/* All options of one string. */
static gboolean
read_string (MountOptions *options, const char *text, GError **error)
{
  const char *rest = text;

  for (;;)
    {
      gsize length = 0;
      const char *start = next_word (&rest, &length);
      g_autofree char *word = start != NULL ? g_strndup (start, length) : NULL;

      if (word == NULL)
        return TRUE;
      if (*word != '\0' && !read_option (options, word, text, error))
        return FALSE;
    }
}

gboolean
mount_options_read (const OciMount *mount, const char *at, MountOptions *ret_options,
                    GError **error)
{
  MountOptions *options = ret_options;

  *options = (MountOptions) {
    .data = g_ptr_array_new_with_free_func (g_free),
    .superblock = g_ptr_array_new_with_free_func (g_free),
    .bind = mount_is_bind (mount),
  };
  for (guint i = 0; mount->options != NULL && mount->options[i] != NULL; i++)
    if (!read_string (options, mount->options[i], error))
      {
        g_prefix_error (error, "%s/options/%u: ", at, i);
        return FALSE;
      }
  return TRUE;
}

void
mount_options_clear (MountOptions *options)
{
  g_clear_pointer (&options->data, g_ptr_array_unref);
  g_clear_pointer (&options->superblock, g_ptr_array_unref);
}

const char **
mount_option_names (void)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (options_table); i++)
    if (options_table[i].kind != OPTION_REFUSED)
      g_ptr_array_add (names, (gpointer) options_table[i].name);
  g_ptr_array_add (names, NULL);
  return (const char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}
