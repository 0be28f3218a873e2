/* peer.h: what a library provides to be compared by driver.c.
 *
 * One source file per library implements these functions; everything else
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
    uint32_t threads;         /* that may build */
    uint64_t capacity;        /* rows that the index will have at any time */
};

/* How the next searches are to run: by breadth, or by a recall asked for (then ef is 0). */
struct peer_search {
    uint32_t ef;
    uint32_t rerank; /* 0 = the library's default */
    float recall;    /* 0 = by ef */
};

/* All return 0, or non-zero after writing the reason to stderr. Rows and queries are packed, of `type`. */

/* Makes an empty index at `path`, to be changed and searched. */
int peer_create(const struct peer_spec *spec, const char *path);

/* Opens a stored index for searching. */
int peer_open(const struct peer_spec *spec, const char *path);

/* Indexes rows under new ids, in the places of removed ones if the library can. */
int peer_add(const uint64_t *ids, const void *rows, size_t count);

/* Takes rows out: no search finds them any more. */
int peer_remove(const uint64_t *ids, size_t count);

/* Returns when all the work that the changes left behind is done. */
int peer_settle(void);

/* Stores the created index at `path`, where it was made. */
int peer_store(const char *path);

/* Searches from now on find only these rows, ascending and each there once; NULL: all rows again. What the library
 * needs to know about the rows is to be known when this returns. */
int peer_filter(const uint64_t *ids, size_t count);

/* Once per sweep point, before the clock starts. */
int peer_configure(const struct peer_search *how);

/* Whether peer_search shares many queries among threads by itself. */
int peer_shares(void);

/* The k nearest rows of each query; writes count * k ids. Several threads at a time. */
int peer_search(const void *queries, size_t count, size_t k, uint64_t *ids);

/* Releases the index. */
int peer_close(void);

/* Name and version, static. */
const char *peer_version(void);

#ifdef __cplusplus
}
#endif

#endif
