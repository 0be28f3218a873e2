/* vdb_peer.c: vdb behind peer.h, through its C ABI. Default durability: every batch is on
 * disk when it returns, and that is part of the time of a build. */
#include "peer.h"
#include "vdb_common.h"

static vdb *db;
static size_t dim;
static vdb_scalar_t scalar;
static vdb_search_params_t params;
static vdb_filter *filter;

int peer_open(const struct peer_spec *spec, const char *path) {
    struct vdb_setup setup = {spec->dim, metric_of(spec->metric), scalar_of(spec->type), spec->m,
                              spec->ef_construction, spec->threads};
    if (!setup.metric || !setup.scalar) {
        fprintf(stderr, "vdb: no metric %s or component type %s\n", spec->metric, spec->type);
        return 1;
    }
    db = open_vdb(path, &setup);
    dim = spec->dim;
    scalar = (vdb_scalar_t)setup.scalar;
    params = (vdb_search_params_t){.struct_size = sizeof params, .query_scalar = scalar};
    return 0;
}

int peer_create(const struct peer_spec *spec, const char *path) { return peer_open(spec, path); }

int peer_add(const uint64_t *ids, const void *rows, size_t count) {
    vdb_error_t err = {.struct_size = sizeof err};
    check(vdb_insert_batch(db, ids, rows, count, dim, 0, scalar, NULL, &err), "insert", &err);
    return 0;
}

int peer_remove(const uint64_t *ids, size_t count) {
    vdb_error_t err = {.struct_size = sizeof err};
    uint64_t deleted = 0;
    check(vdb_delete_batch(db, ids, count, &deleted, &err), "delete", &err);
    return deleted != count;
}

int peer_settle(void) {
    vdb_error_t err = {.struct_size = sizeof err};
    check(vdb_wait_indexed(db, NULL, &err), "wait", &err);
    return 0;
}

/* Closing does it. */
int peer_store(const char *path) { return path == NULL; }

/* Counting asks about every row, which the first search would do. */
int peer_filter(const uint64_t *ids, size_t count) {
    vdb_error_t err = {.struct_size = sizeof err};
    uint64_t passing = count;
    vdb_filter_free(filter);
    params.filter = filter = NULL;
    if (!ids) return 0;
    check(vdb_filter_ids(ids, count, 1, &filter, &err), "filter", &err);
    check(vdb_count(db, filter, &passing, &err), "count", &err);
    params.filter = filter;
    return passing != count;
}

int peer_configure(const struct peer_search *how) {
    params.ef = how->ef;
    params.rerank = how->rerank;
    params.target_recall = how->recall;
    return 0;
}

int peer_shares(void) { return 1; }

int peer_search(const void *queries, size_t count, size_t k, uint64_t *ids) {
    static _Thread_local float *distances;
    static _Thread_local size_t room;
    vdb_error_t err = {.struct_size = sizeof err};
    if (count * k > room) {
        room = count * k;
        distances = (float *)realloc(distances, room * sizeof *distances);
        if (!distances) return 1;
    }
    check(vdb_search(db, queries, count, dim, 0, k, &params, ids, distances, NULL, &err), "search", &err);
    return 0;
}

int peer_close(void) {
    vdb_filter_free(filter);
    return vdb_close(db, NULL) < 0;
}

const char *peer_version(void) {
    static char version[32];
    snprintf(version, sizeof version, "vdb %s", vdb_version_string());
    return version;
}
