/* What one search costs: the 10 nearest of 10 rows of 4 components, one query a call.
 *
 * The same program is there in each language (search.go, search.mjs, search.py, ...): what it prints,
 * less what this one prints, is the cost of the binding. Prints the fewest nanoseconds a search took,
 * on average over a round, of all rounds: other work on the machine only makes rounds longer. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <time.h>
#include <vdb.h>

enum { DIM = 4, ROWS = 10, ROUNDS = 400, SEARCHES = 1000 };

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(void) {
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_options *options = NULL;
    vdb *db = NULL;
    uint64_t ids[ROWS], found[ROWS];
    float rows[ROWS * DIM], distances[ROWS], query[DIM] = {0.5f, 0.25f, 0.125f, 0.0625f};
    uint32_t count;
    double best = 1e18;
    for (int i = 0; i < ROWS; i++) ids[i] = (uint64_t)i;
    for (int i = 0; i < ROWS * DIM; i++) rows[i] = (float)(i * 37 % 100) / 100;
    if (vdb_options_new(&options, &error) < 0 || vdb_options_set_u64(options, VDB_OPT_DIM, DIM, &error) < 0 ||
        vdb_open(NULL, options, &db, &error) < 0 ||
        vdb_insert_batch(db, ids, rows, ROWS, DIM, 0, VDB_SCALAR_F32, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < SEARCHES; i++)
            if (vdb_search(db, query, 1, DIM, 0, ROWS, NULL, found, distances, &count, &error) < 0 || count != ROWS) return 1;
        double each = (now_ns() - start) / SEARCHES;
        if (each < best) best = each;
    }
    printf("C %.0f\n", best);
    vdb_options_free(options);
    return vdb_close(db, &error) < 0;
}
