/* What would become of a bundle, as a document; bwrap-oci(1) says what is in it. */
#include "config.h"

#include "companion/companion.h"
#include "companion/document.h"

#include "base/names.h"
#include "run/check.h"
#include "run/record.h"

#include <stdio.h>
#include <string.h>

enum { ARG_ROOT, ARG_RUNTIME_DIR, ARG_BWRAP, ARG_BUNDLE, ARG_CONFIG, ARG_MANAGER,
       ARG_MODE };

static const char *
given (const char *arg)
{
  return *arg != '\0' ? arg : NULL;
}

static void
begin_array (JsonBuilder *builder, const char *key)
{
  json_builder_set_member_name (builder, key);
  json_builder_begin_array (builder);
}

static void
add_host (JsonBuilder *builder, const Check *check)
{
  begin_array (builder, "host");
  for (guint i = 0; i < check->host->len; i++)
    {
      const HostProblem *problem = g_ptr_array_index (check->host, i);

      json_builder_begin_object (builder);
      document_string (builder, "severity", problem->fatal ? "problem" : "warning");
      document_string (builder, "message", problem->what);
      if (problem->remedy != NULL)
        document_string (builder, "remedy", problem->remedy);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_properties (JsonBuilder *builder, const Check *check)
{
  begin_array (builder, "properties");
  for (guint i = 0; i < check->properties->len; i++)
    {
      const CheckProperty *property = g_ptr_array_index (check->properties, i);

      json_builder_begin_object (builder);
      document_string (builder, "pointer", property->pointer);
      document_string (builder, "support", check_support_name (property->support));
      document_string (builder, "message", property->what);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

gboolean
companion_check (char **args, GError **error)
{
  const CheckRequest request = {
    .root = given (args[ARG_ROOT]),
    .runtime_dir = given (args[ARG_RUNTIME_DIR]),
    .bwrap = given (args[ARG_BWRAP]),
    .bundle = given (args[ARG_BUNDLE]),
    .config = args[ARG_CONFIG],
    .cgroup_manager = (CgroupManager) name_find (record_cgroup_managers,
                                                 args[ARG_MANAGER])->value,
    .plain = strcmp (args[ARG_MODE], "plain") == 0,
  };
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GString) text = NULL;
  g_auto (Check) check = { 0 };

  if (!check_read (&request, &check, error))
    return FALSE;
  json_builder_begin_object (builder);
  document_bool (builder, "works", check.works);
  document_string (builder, "mode", args[ARG_MODE]);
  if (check.bundle != NULL)
    document_string (builder, "bundle", check.bundle);
  add_host (builder, &check);
  add_properties (builder, &check);
  json_builder_end_object (builder);
  text = document_format (builder, 2, ' ');
  (void) puts (text->str);
  return check.works;
}
