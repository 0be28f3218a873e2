/* peer.h: what a library provides to be compared by driver.c.
 *
 * One source file per library implements these six functions; everything else
 * (files, clocks, the loop over the queries) is the same code for all. */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>

#include "../../examples/npy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct peer_spec {
    const char *metric;       /* "l2" (squared Euclidean), "cosine" or "ip" */
    const char *type;         /* component type of the rows as npy names it: "f4", "f2", "u1" */
    size_t dim;               /* components of a row */
    uint32_t m;               /* links per node; level 0 has twice as many */
    uint32_t ef_construction; /* breadth of the search that picks links */
    uint64_t capacity;        /* rows that will be inserted */
};

/* How the next searches are to run: by breadth, or by a recall asked for (then ef is 0). */
struct peer_search {
    uint32_t ef;
    uint32_t rerank; /* 0 = the library's default */
    float recall;    /* 0 = by ef */
};

/* All return 0, or non-zero after writing the reason to stderr. */

/* Indexes the rows on one thread (ids = row numbers) and stores the index at `path`. */
int peer_build(const struct peer_spec *spec, const npy_array *rows, const char *path);

/* Opens the stored index for searching. */
int peer_open(const struct peer_spec *spec, const char *path);

/* Once per sweep point, before the clock starts. */
int peer_configure(const struct peer_search *how);

/* The k nearest rows of one query (same component type as the rows); writes k ids. */
int peer_search(const void *query, size_t k, uint64_t *ids);

/* Releases the index opened by peer_open. */
int peer_close(void);

/* Name and version, static. */
const char *peer_version(void);

#ifdef __cplusplus
}
#endif

#endif
