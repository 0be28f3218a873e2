#include <stdio.h>
#include <vdb.h>

static int failed(const vdb_error_t *err) {
    fprintf(stderr, "%s\n", err->message);
    return 1;
}

int main(void) {
    vdb_error_t err = VDB_ERROR_INIT;
    vdb_options *options = NULL;
    vdb *db = NULL;
    vdb_options_new(&options, &err);
    vdb_options_set_u64(options, VDB_OPT_DIM, 4, &err);
    vdb_options_set_u64(options, VDB_OPT_METRIC, VDB_METRIC_COSINE, &err);
    if (vdb_open("quickstart.vdb", options, &db, &err) < 0) return failed(&err);
    vdb_options_free(options);

    const uint64_t ids[3] = {10, 20, 30};
    const float vectors[3][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {1, 1, 0, 0}};
    if (vdb_upsert_batch(db, ids, vectors, 3, 4, 0, VDB_SCALAR_F32, NULL, &err) < 0) return failed(&err);

    const float query[4] = {1, 0.2f, 0, 0};
    uint64_t found[2];
    float distances[2];
    if (vdb_search(db, query, 1, 4, 0, 2, NULL, found, distances, NULL, &err) < 0) return failed(&err);
    for (int i = 0; i < 2; i++) printf("row %u, distance %.3f\n", (unsigned)found[i], distances[i]);
    return vdb_close(db, &err) < 0 ? failed(&err) : 0;
}
