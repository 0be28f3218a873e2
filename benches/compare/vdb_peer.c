/* vdb_peer.c: vdb behind peer.h, through its C ABI. One thread, default durability:
 * every batch is on disk when it returns, and that is part of the build time. */
#include "peer.h"
#include "vdb_common.h"

enum { BATCH = 1000 };

static vdb *db;
static size_t dim;
static vdb_search_params_t params;

static struct vdb_setup setup_of(const struct peer_spec *spec) {
    struct vdb_setup setup = {spec->dim, metric_of(spec->metric), scalar_of(spec->type), spec->m,
                              spec->ef_construction, 1};
    if (!setup.metric || !setup.scalar) {
        fprintf(stderr, "vdb: no metric %s or component type %s\n", spec->metric, spec->type);
        exit(1);
    }
    return setup;
}

int peer_build(const struct peer_spec *spec, const npy_array *rows, const char *path) {
    struct vdb_setup setup = setup_of(spec);
    vdb_error_t err = {.struct_size = sizeof err};
    vdb *building = open_vdb(path, &setup);
    uint64_t ids[BATCH];
    for (size_t i = 0; i < rows->rows; i += BATCH) {
        size_t count = rows->rows - i < BATCH ? rows->rows - i : BATCH;
        for (size_t j = 0; j < count; j++) ids[j] = i + j;
        check(vdb_insert_batch(building, ids, npy_row(rows, i), count, spec->dim, 0, (vdb_scalar_t)setup.scalar, NULL,
                               &err), "insert", &err);
    }
    check(vdb_wait_indexed(building, NULL, &err), "wait", &err);
    check(vdb_close(building, &err), "close", &err);
    return 0;
}

int peer_open(const struct peer_spec *spec, const char *path) {
    struct vdb_setup setup = setup_of(spec);
    db = open_vdb(path, &setup);
    dim = spec->dim;
    params = (vdb_search_params_t){.struct_size = sizeof params, .query_scalar = (vdb_scalar_t)setup.scalar};
    return 0;
}

int peer_configure(const struct peer_search *how) {
    params.ef = how->ef;
    params.rerank = how->rerank;
    params.target_recall = how->recall;
    return 0;
}

int peer_search(const void *query, size_t k, uint64_t *ids) {
    float distances[1024];
    vdb_error_t err = {.struct_size = sizeof err};
    if (k > sizeof distances / sizeof *distances) return 1;
    check(vdb_search(db, query, 1, dim, 0, k, &params, ids, distances, NULL, &err), "search", &err);
    return 0;
}

int peer_close(void) { return vdb_close(db, NULL) < 0; }

const char *peer_version(void) {
    static char version[32];
    snprintf(version, sizeof version, "vdb %s", vdb_version_string());
    return version;
}
