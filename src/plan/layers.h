/* A writable layer over the root file system, which itself is only read: an overlay (the kernel's
 * filesystems/overlayfs) that the init mounts in the container's user namespace. */
#pragma once

#include "spec/spec.h"

typedef enum {
  LAYER_NONE,
  LAYER_STATE,      /* in the container's directory, gone with it */
  LAYER_DIRECTORY,  /* in one that the caller names, and keeps */
  LAYER_VOLATILE,   /* in memory */
} LayerKind;

/* What is asked for, by options or annotations. */
typedef struct {
  LayerKind kind;
  char *directory;   /* absolute; of LAYER_DIRECTORY */
  GPtrArray *lower;  /* of char *: further layers that are only read, absolute; each lies above the
                      * one before it, the first above root.path */
  const char *at;    /* where that was said: "--overlay", or the annotation's pointer */
} LayerRequest;

#define LAYER_ANNOTATION "org.bwrap-oci.rootfs.overlay"
#define LAYER_LOWER_ANNOTATION "org.bwrap-oci.rootfs.overlay.lower"

/* What the caller's options say. */
typedef struct {
  const char *where;       /* "state", "volatile" or an absolute path; NULL: not given */
  const GPtrArray *lower;  /* of char *, absolute; NULL: not given */
  const char *bundle;      /* absolute */
} LayerOptions;

/* Reads @options, and where those are not given the annotations of @spec, whose lower layers have
 * colons between them and may be relative to the bundle. Errors name the option or the annotation.
 * Clear with layer_request_clear(), also after an error. */
gboolean layer_request_read (const OciSpec *spec, const LayerOptions *options,
                             LayerRequest *ret_request, GError **error);

void layer_request_clear (LayerRequest *request);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LayerRequest, layer_request_clear)
