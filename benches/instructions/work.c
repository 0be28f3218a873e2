/* work.c: jobs whose instructions are counted by tests/instructions.rs, through the C ABI.
 *
 *   work build ROWS.npy COUNT              links COUNT rows, one thread, in memory
 *   work search ROWS.npy COUNT QUERIES     the same, then that many searches for k = 10
 *   work ingest ROWS.npy COUNT DIR         writes COUNT rows, durable, no graph, and ends without a close
 *   work recover DIR                       opens what ingest left behind
 *   work few SEARCHES                      searches a handful of short rows: what a call costs in itself
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../examples/npy.h"
#include "vdb.h"

enum { BATCH = 1000, K = 10, GRAPH_FROM = 500, FEW = 10, SHORT = 4 };

static void check(vdb_status_t status, const vdb_error_t *error) {
    if (status == VDB_OK) return;
    fprintf(stderr, "work: %s\n", error->message);
    exit(1);
}

static vdb *open_db(const char *dir, const npy_array *rows, int graph) {
    vdb_error_t error = {.struct_size = sizeof error};
    vdb_options *options = NULL;
    vdb *db = NULL;
    check(vdb_options_new(&options, &error), &error);
    if (rows) check(vdb_options_set_u64(options, VDB_OPT_DIM, rows->cols, &error), &error);
    check(vdb_options_set_u64(options, VDB_OPT_METRIC, VDB_METRIC_COSINE, &error), &error);
    check(vdb_options_set_u64(options, VDB_OPT_THREADS, 1, &error), &error);
    check(vdb_options_set_u64(options, VDB_OPT_GRAPH_MIN_ROWS, graph ? GRAPH_FROM : UINT32_MAX, &error), &error);
    check(vdb_open(dir, options, &db, &error), &error);
    vdb_options_free(options);
    return db;
}

/* The rows again and again, under new ids. */
static void insert(vdb *db, const npy_array *rows, size_t count) {
    vdb_error_t error = {.struct_size = sizeof error};
    uint64_t ids[BATCH];
    for (size_t done = 0; done < count;) {
        size_t from = done % rows->rows, batch = count - done;
        if (batch > BATCH) batch = BATCH;
        if (batch > rows->rows - from) batch = rows->rows - from;
        for (size_t i = 0; i < batch; i++) ids[i] = done + i;
        check(vdb_insert_batch(db, ids, npy_row(rows, from), batch, rows->cols, 0, VDB_SCALAR_F16, NULL, &error), &error);
        done += batch;
    }
}

static void search(vdb *db, const npy_array *rows, size_t count) {
    vdb_error_t error = {.struct_size = sizeof error};
    vdb_search_params_t params = {.struct_size = sizeof params, .query_scalar = VDB_SCALAR_F16};
    uint64_t ids[K];
    float distances[K];
    for (size_t i = 0; i < count; i++)
        check(vdb_search(db, npy_row(rows, rows->rows - 1 - i % (rows->rows / 2)), 1, rows->cols, 0, K, &params, ids,
                         distances, NULL, &error), &error);
}

/* FEW rows of SHORT components in memory, one query. */
static void search_few(size_t count) {
    vdb_error_t error = {.struct_size = sizeof error};
    vdb_options *options = NULL;
    vdb *db = NULL;
    float rows[FEW * SHORT], distances[K];
    uint64_t ids[FEW > K ? FEW : K];
    uint32_t found;
    for (size_t i = 0; i < FEW * SHORT; i++) rows[i] = (float)(i * 7 % 11);
    for (size_t i = 0; i < FEW; i++) ids[i] = i;
    check(vdb_options_new(&options, &error), &error);
    check(vdb_options_set_u64(options, VDB_OPT_DIM, SHORT, &error), &error);
    check(vdb_open(NULL, options, &db, &error), &error);
    vdb_options_free(options);
    check(vdb_insert_batch(db, ids, rows, FEW, SHORT, 0, VDB_SCALAR_F32, NULL, &error), &error);
    for (size_t i = 0; i < count; i++) check(vdb_search(db, rows, 1, SHORT, 0, K, NULL, ids, distances, &found, &error), &error);
    check(vdb_close(db, &error), &error);
}

int main(int argc, char **argv) {
    vdb_error_t error = {.struct_size = sizeof error};
    npy_array rows;
    const char *job = argc > 2 ? argv[1] : "";
    if (strcmp(job, "recover") == 0) {
        uint64_t count = 0;
        check(vdb_count(open_db(argv[2], NULL, 0), NULL, &count, &error), &error);
        printf("%llu rows\n", (unsigned long long)count);
        _exit(fflush(stdout) != 0);
    }
    if (strcmp(job, "few") == 0) {
        search_few(strtoul(argv[2], NULL, 10));
        return 0;
    }
    if (argc < 4 || !npy_load(argv[2], &rows)) return 2;
    vdb *db = open_db(argc > 4 && strcmp(job, "ingest") == 0 ? argv[4] : NULL, &rows, strcmp(job, "ingest") != 0);
    insert(db, &rows, strtoul(argv[3], NULL, 10));
    if (strcmp(job, "ingest") == 0) _exit(0);
    check(vdb_wait_indexed(db, NULL, &error), &error);
    if (argc > 4) search(db, &rows, strtoul(argv[4], NULL, 10));
    check(vdb_close(db, &error), &error);
    npy_free(&rows);
    return 0;
}
