/* Folders of an overlay; see overlay.h. */
#include "config.h"

#include "plan/overlay.h"

#include <string.h>

/* Which options name folders of the host. */
typedef enum {
  KEY_LIST,    /* several, with colons between them */
  KEY_FOLDER,  /* one */
  KEY_PAIR,    /* one of two that have to lie in one mount: their common parent is carried in */
} KeyKind;

static const struct {
  const char *prefix;
  KeyKind kind;
} keys[] = {
  { "lowerdir=", KEY_LIST }, { "lowerdir+=", KEY_FOLDER }, { "datadir+=", KEY_FOLDER },
  { "upperdir=", KEY_PAIR }, { "workdir=", KEY_PAIR },
};

/* The index in keys[] of @option, -1: it names no folders. */
static int
find_key (const char *option)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_has_prefix (option, keys[i].prefix))
      return (int) i;
  return -1;
}

/* The folders in the value of @option: "\:" is no end of one, "::" begins those of data only. */
static GPtrArray *
split_list (const char *value)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) folder = g_string_new (NULL);

  for (const char *c = value; *c != '\0'; c++)
    if (*c == '\\' && c[1] != '\0')
      g_string_append_c (folder, *++c);
    else if (*c != ':')
      g_string_append_c (folder, *c);
    else
      {
        g_ptr_array_add (folders, g_strdup (folder->str));
        g_string_truncate (folder, 0);
      }
  g_ptr_array_add (folders, g_strdup (folder->str));
  return folders;
}

/* The deepest folder above both; @b NULL: above @a. */
static char *
common_parent (const char *a, const char *b)
{
  g_autofree char *parent = g_path_get_dirname (a);

  while (b != NULL && strcmp (parent, "/") != 0)
    {
      gsize length = strlen (parent);
      char *up;

      if (strncmp (b, parent, length) == 0 && b[length] == '/')
        break;
      up = g_path_get_dirname (parent);
      g_free (parent);
      parent = up;
    }
  return g_steal_pointer (&parent);
}

/* Below what the upper and the work folder lie; NULL: there are none. */
static char *
pair_parent (const GPtrArray *data)
{
  g_autofree char *first = NULL, *second = NULL;

  for (guint i = 0; i < data->len; i++)
    {
      const char *option = g_ptr_array_index (data, i);
      int key = find_key (option);

      if (key < 0 || keys[key].kind != KEY_PAIR)
        continue;
      g_free (second);
      second = g_steal_pointer (&first);
      first = oci_path_normalize (option + strlen (keys[key].prefix));
    }
  return first != NULL ? common_parent (first, second) : NULL;
}

gboolean
overlay_has_upper (const GPtrArray *data)
{
  g_autofree char *parent = pair_parent (data);

  return parent != NULL;
}

GPtrArray *
overlay_folders (const GPtrArray *data)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func (g_free);
  char *parent = pair_parent (data);

  for (guint i = 0; i < data->len; i++)
    {
      const char *option = g_ptr_array_index (data, i);
      int key = find_key (option);

      if (key >= 0 && keys[key].kind == KEY_FOLDER)
        g_ptr_array_add (folders, g_strdup (option + strlen (keys[key].prefix)));
      else if (key >= 0 && keys[key].kind == KEY_LIST)
        {
          g_autoptr (GPtrArray) list = split_list (option + strlen (keys[key].prefix));

          for (guint k = 0; k < list->len; k++)
            if (*(const char *) g_ptr_array_index (list, k) != '\0')
              g_ptr_array_add (folders, g_strdup (g_ptr_array_index (list, k)));
        }
    }
  if (parent != NULL)
    g_ptr_array_add (folders, parent);
  return folders;
}

/* The names of the staged folders in place of those of a list. */
static char *
stage_list (const char *value, guint *first)
{
  g_autoptr (GPtrArray) list = split_list (value);
  g_autoptr (GString) staged = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    {
      if (i > 0)
        g_string_append_c (staged, ':');
      if (*(const char *) g_ptr_array_index (list, i) != '\0')
        g_string_append_printf (staged, "/s/%u", (*first)++);
    }
  return g_string_free (g_steal_pointer (&staged), FALSE);
}

GPtrArray *
overlay_stage (const GPtrArray *data, guint first)
{
  GPtrArray *staged = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) folders = overlay_folders (data);
  g_autofree char *parent = pair_parent (data);
  guint last = first + folders->len - 1;

  for (guint i = 0; i < data->len; i++)
    {
      const char *option = g_ptr_array_index (data, i);
      int key = find_key (option);
      g_autofree char *value = NULL;

      if (key < 0)
        {
          g_ptr_array_add (staged, g_strdup (option));
          continue;
        }
      option += strlen (keys[key].prefix);
      if (keys[key].kind == KEY_PAIR)
        {
          g_autofree char *path = oci_path_normalize (option);

          value = g_strdup_printf ("/s/%u/%s", last,
                                   path + strlen (parent) + (strcmp (parent, "/") != 0));
        }
      else
        value = keys[key].kind == KEY_LIST ? stage_list (option, &first)
                                           : g_strdup_printf ("/s/%u", first++);
      g_ptr_array_add (staged, g_strconcat (keys[key].prefix, value, NULL));
    }
  return staged;
}
