/* What calls cost: a program that measures when it is told to. There is one in each language (measure.cpp, measure.py, measure.mjs,
 * go, ...), which all do the same; bench.py lets them take turns and compares them with this one.
 *
 *   measure SAMPLE      SAMPLE is the folder data/wordnet
 *
 * First it prints the names of the ways to search that it knows, with tabs between them. Then it answers each line that it reads with the
 * nanoseconds of one operation, on average:
 *
 *   small WAY     the 10 nearest of 10 rows of 4 components, by the way of that number
 *   sample        the 10 nearest of the 5,000 rows of the sample, with a graph
 *   insert BATCH  one row of 100,000 of 60 components in batches of so many, into an empty database in memory: rows too short for
 *                 sketches, which a thread of the library would make beside, on the core that a language may need for itself */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vdb.h>

#include "../../examples/npy.h"

enum { SMALL_DIM = 4, SMALL_ROWS = 10, SMALL_SEARCHES = 20000 };
enum { SAMPLE_DIM = 384, QUERIES = 100, SAMPLE_SEARCHES = 2000, K = 10 };
enum { INSERT_DIM = 60, INSERT_ROWS = 100000, NO_GRAPH = 2000000 };

static vdb_error_t error = VDB_ERROR_INIT;
static uint64_t ids[INSERT_ROWS];

static void must(int ok) {
    if (!ok) fprintf(stderr, "measure: %s\n", error.message), exit(1);
}

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Components that are the same in all languages. */
static float *numbers(size_t count) {
    float *made = malloc(count * sizeof *made);
    must(made != NULL);
    for (size_t i = 0; i < count; i++) made[i] = (float)(i * 37 % 100) / 100;
    return made;
}

static vdb *memory(size_t dim, uint64_t graph_min_rows) {
    vdb_options *options = NULL;
    vdb *db = NULL;
    must(vdb_options_new(&options, &error) >= 0 && vdb_options_set_u64(options, VDB_OPT_DIM, dim, &error) >= 0 &&
         vdb_options_set_u64(options, VDB_OPT_GRAPH_MIN_ROWS, graph_min_rows, &error) >= 0 && vdb_open(NULL, options, &db, &error) >= 0);
    vdb_options_free(options);
    return db;
}

static double searches(vdb *db, const float *queries, size_t query_count, size_t dim, size_t count) {
    uint64_t found[K];
    float distances[K];
    uint32_t hits;
    const double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        const float *query = queries + i % query_count * dim;
        must(vdb_search(db, query, 1, dim, 0, K, NULL, found, distances, &hits, &error) >= 0 && hits == K);
    }
    return (now_ns() - start) / (double)count;
}

static double insert(const float *rows, size_t batch) {
    vdb *db = memory(INSERT_DIM, NO_GRAPH);
    const double start = now_ns();
    for (size_t i = 0; i < INSERT_ROWS; i += batch)
        must(vdb_insert_batch(db, ids + i, rows + i * INSERT_DIM, batch, INSERT_DIM, 0, VDB_SCALAR_F32, NULL, &error) >= 0);
    const double took = (now_ns() - start) / INSERT_ROWS;
    must(vdb_close(db, &error) >= 0);
    return took;
}

int main(int argc, char **argv) {
    char line[4096];
    npy_array sample;
    const float query[SMALL_DIM] = {0.5f, 0.25f, 0.125f, 0.0625f};
    float *rows = numbers((size_t)INSERT_ROWS * INSERT_DIM), queries[QUERIES * SAMPLE_DIM];
    uint8_t there[QUERIES];
    for (size_t i = 0; i < INSERT_ROWS; i++) ids[i] = i;
    snprintf(line, sizeof line, "%s/base.npy", argv[argc - 1]);
    must(npy_load(line, &sample));
    vdb *small = memory(SMALL_DIM, 2000), *large = memory(SAMPLE_DIM, 2000);
    must(vdb_insert_batch(small, ids, rows, SMALL_ROWS, SMALL_DIM, 0, VDB_SCALAR_F32, NULL, &error) >= 0 &&
         vdb_insert_batch(large, ids, sample.data, sample.rows, SAMPLE_DIM, 0, VDB_SCALAR_F16, NULL, &error) >= 0 &&
         vdb_wait_indexed(large, NULL, &error) >= 0 &&
         vdb_get_batch(large, ids, QUERIES, SAMPLE_DIM, VDB_SCALAR_F32, queries, 0, there, &error) >= 0);
    puts("C");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (!strncmp(line, "small", 5)) printf("%.1f\n", searches(small, query, 1, SMALL_DIM, SMALL_SEARCHES));
        else if (!strncmp(line, "sample", 6)) printf("%.1f\n", searches(large, queries, QUERIES, SAMPLE_DIM, SAMPLE_SEARCHES));
        else printf("%.1f\n", insert(rows, (size_t)atoi(line + 7)));
        fflush(stdout);
    }
    npy_free(&sample);
    free(rows);
    must(vdb_close(small, &error) >= 0 && vdb_close(large, &error) >= 0);
}
