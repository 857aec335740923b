/* What a configuration refers to on this host: fills BundleFacts.
 *
 * The root file system and the bind sources are opened once, here, and held: what was looked at
 * is what will be mounted. Their paths are the host's, chosen by the trusted caller, so links in
 * them are followed. */
#pragma once

#include "plan/facts.h"
#include "plan/layers.h"
#include "spec/spec.h"

/* Fills @ret_facts for @spec, whose relative paths are those of the absolute path @bundle. What
 * cannot be opened is no error: its errno is in the facts, and the plan says which property asked
 * for it. Errors: @bundle is not a directory that can be opened. */
gboolean host_bundle_probe (const OciSpec *spec, const char *bundle, BundleFacts *ret_facts,
                            GError **error);

/* Adds the layers of @request to @facts, as host_bundle_probe() the rest. */
void host_layers_probe (const OciSpec *spec, const LayerRequest *request, BundleFacts *facts);
