/* vdb_common.h: opening a database for the benchmark programs; any error ends them. */
#ifndef VDB_COMMON_H
#define VDB_COMMON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vdb.h>

static inline void check(vdb_status_t status, const char *what, const vdb_error_t *err) {
    if (status >= 0) return;
    fprintf(stderr, "%s: %s: %s\n", what, vdb_status_name(status), err->message);
    exit(1);
}

struct vdb_setup {
    uint64_t dim, metric, scalar;
    uint64_t m, ef_construction; /* 0 = the default */
    uint64_t threads;            /* 0 = all cores */
};

static inline vdb *open_vdb(const char *path, const struct vdb_setup *setup) {
    const struct {
        vdb_option_t option;
        uint64_t value;
    } set[] = {
        {VDB_OPT_DIM, setup->dim}, {VDB_OPT_METRIC, setup->metric},
        {VDB_OPT_SCALAR, setup->scalar}, {VDB_OPT_M, setup->m},
        {VDB_OPT_EF_CONSTRUCTION, setup->ef_construction}, {VDB_OPT_THREADS, setup->threads},
    };
    vdb_error_t err = {.struct_size = sizeof err};
    vdb_options *options = NULL;
    vdb *db = NULL;
    check(vdb_options_new(&options, &err), "options", &err);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (set[i].value) check(vdb_options_set_u64(options, set[i].option, set[i].value, &err), "option", &err);
    check(vdb_open(path, options, &db, &err), "open", &err);
    vdb_options_free(options);
    return db;
}

/* The number of a metric by its name here; 0 if vdb has no such metric. */
static inline uint64_t metric_of(const char *name) {
    if (strcmp(name, "l2") == 0) return VDB_METRIC_L2SQ;
    if (strcmp(name, "cosine") == 0) return VDB_METRIC_COSINE;
    return strcmp(name, "ip") == 0 ? VDB_METRIC_IP : 0;
}
/* The number of a component type as npy names it; 0 if vdb has no such type. */
static inline vdb_scalar_t scalar_of(const char *type) {
    if (strcmp(type, "f4") == 0) return VDB_SCALAR_F32;
    if (strcmp(type, "f2") == 0) return VDB_SCALAR_F16;
    if (strcmp(type, "i1") == 0) return VDB_SCALAR_I8;
    if (strcmp(type, "u1") == 0) return VDB_SCALAR_U8;
    return 0;
}

#endif
