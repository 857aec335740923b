/* Overlays on this host: what stands in for the kernel's, and what the kernel says of one. */
#pragma once

#include "plan/facts.h"
#include "plan/layers.h"

/* Looks for fuse-overlayfs: @program (absolute), or NULL for the one that was there when this was
 * built; and whether the caller may use /dev/fuse. */
void host_fuse_probe (FuseFacts *facts, const char *program);

/* Fills refused_overlays: each overlay of @spec and the one of @layer is tried in namespaces of a
 * child, with its lower folders as they are, and an upper one in memory. Nothing is touched. */
void host_overlays_try (const OciSpec *spec, const LayerRequest *layer, BundleFacts *facts);
