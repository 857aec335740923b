/* Reading the instruction block. */
#pragma once

#include "init.h"

struct stream {
  const char *next;
  size_t left;
  uint32_t count;
};

/* Starts at @block of @size bytes, 8-aligned; false if it is not one of ours. */
bool stream_open (struct stream *stream, const void *block, size_t size);

/* Takes the next record: 1, 0 at the end, -1 if the block is malformed. */
int stream_next (struct stream *stream, struct op *ret_op);
