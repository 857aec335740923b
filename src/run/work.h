/* What is known of a container before anything is done: its configuration, the facts about it and
 * this host, and the plan. */
#pragma once

#include "plan/plan.h"
#include "run/create.h"

typedef struct {
  char *config;          /* the configuration as it was read */
  gsize config_length;
  OciSpec *spec;
  HostFacts *facts;
  char *init_path;
  LayerRequest layer;
  char *layer_path;      /* where a layer of its own will be */
  PlanOptions options;
  Plan *plan;
} Work;

#define WORK_INIT { 0 }

void work_clear (Work *work);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

/* Reads the configuration that @request names: config and spec, which is completed. */
gboolean work_read_spec (Work *work, const CreateRequest *request, GError **error);

/* Finds out the facts that a plan for the spec needs. That bwrap cannot be used is no error. */
gboolean work_probe (Work *work, const Store *store, const CreateRequest *request,
                     GError **error);

/* Fills the options of the plan; @gate: somebody else will say when to start. */
gboolean work_set_options (Work *work, const CreateRequest *request, gboolean gate,
                           GError **error);

/* All of these, and then the plan. */
gboolean work_prepare (Work *work, const Store *store, const CreateRequest *request, gboolean gate,
                       GError **error);
