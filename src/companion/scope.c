/* Scopes: what is asked of systemd over D-Bus (org.freedesktop.systemd1(5)).
 *
 * A call to start or stop a unit is answered by a job, and its signal says how it ends. Signals are
 * kept from before the call on, so that none is missed. This process ends with the one that asks,
 * and does not let it wait for ever. */
#include "config.h"

#include "companion/companion.h"

#include "base/error.h"

#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER SYSTEMD ".Manager"
#define MANAGER_PATH "/org/freedesktop/systemd1"

#define JOB_WAIT_MS 30000
#define ANSWER_WAIT_SEC 90  /* for all of it: to connect has no limit of its own */

/* A unit of the same name that has just ended may still be in the manager's books. */
#define EXISTS_TRIES 10
#define EXISTS_STEP_MS 50

/* What a match on the bus lets through. */
#define SIGNALS "type='signal',sender='" SYSTEMD "',interface='" MANAGER "',member="

typedef struct {
  GDBusConnection *bus;
  GAsyncQueue *heard;  /* of GDBusMessage: signals, from the thread that reads */
} Manager;

static void
manager_clear (Manager *manager)
{
  g_clear_object (&manager->bus);
  g_clear_pointer (&manager->heard, g_async_queue_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Manager, manager_clear)

static void
unref_message (gpointer data)
{
  g_object_unref (data);
}

static void
unref_queue (gpointer data)
{
  g_async_queue_unref (data);
}

static GDBusMessage *
hear (GDBusConnection *bus, GDBusMessage *message, gboolean incoming, gpointer data)
{
  (void) bus;
  if (incoming && g_dbus_message_get_message_type (message) == G_DBUS_MESSAGE_TYPE_SIGNAL
      && g_strcmp0 (g_dbus_message_get_interface (message), MANAGER) == 0)
    g_async_queue_push (data, g_object_ref (message));
  return message;
}

/* Sets @error from one of GIO, without what GDBus puts in front. Returns FALSE. */
static gboolean
pass_on (GError *from, const char *what, GError **error)
{
  g_dbus_error_strip_remote_error (from);
  throw (error, "%s%s", what, from->message);
  g_error_free (from);
  return FALSE;
}

/* Connects to @address, which may be the path of the socket. In a user namespace our uid is another
 * one than the bus sees: with CROSS_NAMESPACE we name none. */
static gboolean
manager_open (Manager *manager, const char *address, GError **error)
{
  const GDBusConnectionFlags flags = G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                     | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION
                                     | G_DBUS_CONNECTION_FLAGS_CROSS_NAMESPACE;
  static const char *const rules[] = { SIGNALS "'JobRemoved'", SIGNALS "'UnitRemoved'" };
  g_autofree char *escaped = g_dbus_address_escape_value (address);
  g_autofree char *of_path = g_strconcat ("unix:path=", escaped, NULL);
  GError *local = NULL;

  (void) alarm (ANSWER_WAIT_SEC);
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* g_dbus_connection_new_for_address_sync() of GLib 2.74 does not know its newest flag */
  manager->bus = g_initable_new (G_TYPE_DBUS_CONNECTION, NULL, &local, "address",
                                 *address == '/' ? of_path : address, "flags", flags, NULL);
  if (manager->bus == NULL)
    {
      g_autofree char *what = g_strconcat ("connect to ", address, ": ", NULL);

      return pass_on (local, what, error);
    }
  manager->heard = g_async_queue_new_full (unref_message);
  (void) g_dbus_connection_add_filter (manager->bus, hear, g_async_queue_ref (manager->heard),
                                       unref_queue);
  /* the bus hands on in order: they are in force before the next call */
  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++)
    g_dbus_connection_call (manager->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                            "org.freedesktop.DBus", "AddMatch", g_variant_new ("(s)", rules[i]),
                            NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
  g_dbus_connection_call (manager->bus, SYSTEMD, MANAGER_PATH, MANAGER, "Subscribe", NULL, NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
  return TRUE;
}

/* Calls @method of @interface of @object. Returns NULL with an error of GIO. */
static GVariant *
call_object (const Manager *manager, const char *object, const char *method, GVariant *parameters,
             GError **error)
{
  const char *dot = strrchr (method, '.');
  g_autofree char *interface = g_strndup (method, (gsize) (dot - method));

  return g_dbus_connection_call_sync (manager->bus, SYSTEMD, object, interface, dot + 1,
                                      parameters, NULL, G_DBUS_CALL_FLAGS_NONE, JOB_WAIT_MS, NULL,
                                      error);
}

static GVariant *
call (const Manager *manager, const char *method, GVariant *parameters, GError **error)
{
  return call_object (manager, MANAGER_PATH, method, parameters, error);
}

/* --- waiting --- */

/* Waits at most @msec for signal @name that has @key as its argument number @index, and returns its
 * arguments; NULL: it has not come. Transfer: full. */
static GVariant *
wait_for (const Manager *manager, const char *name, gsize index, const char *key, guint msec)
{
  gint64 end = g_get_monotonic_time () + (gint64) msec * G_TIME_SPAN_MILLISECOND;

  for (;;)
    {
      gint64 left = MAX (end - g_get_monotonic_time (), 0);
      g_autoptr (GDBusMessage) message = g_async_queue_timeout_pop (manager->heard,
                                                                    (guint64) left);
      GVariant *arguments = message != NULL ? g_dbus_message_get_body (message) : NULL;
      g_autoptr (GVariant) argument = NULL;

      if (message == NULL)
        return NULL;
      if (strcmp (g_dbus_message_get_member (message), name) != 0 || arguments == NULL
          || g_variant_n_children (arguments) <= index)
        continue;
      argument = g_variant_get_child_value (arguments, index);
      if (strcmp (g_variant_get_string (argument, NULL), key) == 0)
        return g_variant_ref (arguments);
    }
}

/* Waits for the job that @reply names. */
static gboolean
wait_job (const Manager *manager, GVariant *reply, GError **error)
{
  g_autoptr (GVariant) ended = NULL;
  const char *job, *result;

  g_variant_get (reply, "(&o)", &job);
  ended = wait_for (manager, "JobRemoved", 1, job, JOB_WAIT_MS);
  if (ended == NULL)
    return throw (error, "its job does not end");
  g_variant_get (ended, "(u&o&s&s)", NULL, NULL, NULL, &result);
  return strcmp (result, "done") == 0 || throw (error, "its job has ended with \"%s\"", result);
}

/* --- properties --- */

/* Adds NAME VALUE ... to @builder, an "a(sv)". */
static gboolean
add_properties (GVariantBuilder *builder, char **words, GError **error)
{
  for (; words[0] != NULL && words[1] != NULL; words += 2)
    {
      GVariant *value = g_variant_parse (NULL, words[1], NULL, NULL, NULL);

      if (value == NULL)
        return throw (error, "property %s: \"%s\" is no value", words[0], words[1]);
      g_variant_builder_add (builder, "(sv)", words[0], value);
      g_variant_unref (value);
    }
  return TRUE;
}

static guint32
read_pid (const char *text)
{
  return (guint32) g_ascii_strtoull (text, NULL, 10);
}

/* The id of the unit's invocation as hexadecimal digits. Transfer: full. */
static char *
read_invocation (const Manager *manager, const char *unit, GError **error)
{
  g_autoptr (GVariant) reply = call (manager, MANAGER ".GetUnit", g_variant_new ("(s)", unit),
                                     error);
  g_autoptr (GVariant) property = NULL, value = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  const char *path;
  const guint8 *bytes;
  gsize length;

  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(&o)", &path);
  property = call_object (manager, path, "org.freedesktop.DBus.Properties.Get",
                          g_variant_new ("(ss)", SYSTEMD ".Unit", "InvocationID"), error);
  if (property == NULL)
    return NULL;
  g_variant_get (property, "(v)", &value);
  bytes = g_variant_get_fixed_array (value, &length, 1);
  for (gsize i = 0; i < length; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* --- the calls --- */

/* Asks for the scope; again, if one of its name is just about to go. */
static GVariant *
start (const Manager *manager, const char *unit, GVariant *properties, GError **error)
{
  static const char exists[] = SYSTEMD ".UnitExists";

  for (int tries = 1;; tries++)
    {
      g_autoptr (GError) local = NULL;
      g_autofree char *name = NULL;
      GVariant *reply = call (manager, MANAGER ".StartTransientUnit",
                              g_variant_new ("(ss@a(sv)a(sa(sv)))", unit, "fail", properties, NULL),
                              &local);

      if (reply != NULL)
        return reply;
      name = g_dbus_error_get_remote_error (local);
      if (g_strcmp0 (name, exists) != 0 || tries == EXISTS_TRIES)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
      g_usleep (EXISTS_STEP_MS * G_TIME_SPAN_MILLISECOND);
    }
}

gboolean
companion_scope_start (char **args, GError **error)
{
  enum { BUS, UNIT, PID, PROPERTIES };
  g_auto (Manager) manager = { 0 };
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sv)"));
  const guint32 pid = read_pid (args[PID]);
  g_autoptr (GVariant) properties = NULL, reply = NULL;
  g_autofree char *invocation = NULL;
  GError *local = NULL;

  if (!add_properties (&builder, args + PROPERTIES, error))
    return FALSE;
  g_variant_builder_add (&builder, "(sv)", "PIDs",
                         g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, &pid, 1, sizeof pid));
  properties = g_variant_ref_sink (g_variant_builder_end (&builder));
  if (!manager_open (&manager, args[BUS], error))
    return FALSE;
  reply = start (&manager, args[UNIT], properties, &local);
  if (reply == NULL)
    return pass_on (local, "", error);
  if (!wait_job (&manager, reply, error))
    return FALSE;
  invocation = read_invocation (&manager, args[UNIT], &local);
  if (invocation == NULL)
    return pass_on (local, "", error);
  (void) puts (invocation);
  return TRUE;
}

gboolean
companion_scope_set (char **args, GError **error)
{
  enum { BUS, UNIT, PROPERTIES };
  g_auto (Manager) manager = { 0 };
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sv)"));
  g_autoptr (GVariant) reply = NULL;
  GError *local = NULL;

  if (!add_properties (&builder, args + PROPERTIES, error)
      || !manager_open (&manager, args[BUS], error))
    return FALSE;
  reply = call (&manager, MANAGER ".SetUnitProperties",
                g_variant_new ("(sba(sv))", args[UNIT], TRUE, &builder), &local);
  return reply != NULL || pass_on (local, "", error);
}

gboolean
companion_scope_attach (char **args, GError **error)
{
  enum { BUS, UNIT, BELOW, PID };
  g_auto (Manager) manager = { 0 };
  const guint32 pid = read_pid (args[PID]);
  g_autoptr (GVariant) reply = NULL;
  GVariant *pids = g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, &pid, 1, sizeof pid);
  GVariant *parameters = g_variant_ref_sink (g_variant_new ("(ss@au)", args[UNIT], args[BELOW],
                                                            pids));
  gboolean open = manager_open (&manager, args[BUS], error);
  GError *local = NULL;

  if (open)
    reply = call (&manager, MANAGER ".AttachProcessesToUnit", parameters, &local);
  g_variant_unref (parameters);
  return reply != NULL || (open && pass_on (local, "", error));
}

/* Stops the unit at @path; one that goes meanwhile is none. */
static gboolean
stop (const Manager *manager, const char *path, const char *unit, GError **error)
{
  g_autoptr (GVariant) reply = NULL, known = NULL, removed = NULL;
  g_autoptr (GError) local = NULL;

  reply = call_object (manager, path, SYSTEMD ".Unit.Stop", g_variant_new ("(s)", "replace"),
                       &local);
  if (reply == NULL)
    return TRUE;
  if (!wait_job (manager, reply, error))
    return FALSE;
  /* its name is free only when the manager has forgotten it */
  known = call (manager, MANAGER ".GetUnit", g_variant_new ("(s)", unit), NULL);
  if (known != NULL)
    removed = wait_for (manager, "UnitRemoved", 0, unit, EXISTS_TRIES * EXISTS_STEP_MS);
  return TRUE;
}

/* The id as bytes. */
static GVariant *
invocation_bytes (const char *text)
{
  guint8 bytes[16] = { 0 };

  for (gsize i = 0; i < sizeof bytes && text[2 * i] != '\0' && text[2 * i + 1] != '\0'; i++)
    bytes[i] = (guint8) (g_ascii_xdigit_value (text[2 * i]) << 4
                         | g_ascii_xdigit_value (text[2 * i + 1]));
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1);
}

gboolean
companion_scope_stop (char **args, GError **error)
{
  enum { BUS, UNIT, INVOCATION };
  g_auto (Manager) manager = { 0 };
  g_autoptr (GVariant) reply = NULL;
  const char *path;

  if (!manager_open (&manager, args[BUS], error))
    return FALSE;
  reply = call (&manager, MANAGER ".GetUnitByInvocationID",
                g_variant_new ("(@ay)", invocation_bytes (args[INVOCATION])), NULL);
  if (reply == NULL)
    return TRUE;
  g_variant_get (reply, "(&o)", &path);
  return stop (&manager, path, args[UNIT], error);
}
