/* sweep.c: what a graph costs to build and how well it is searched, for several M and ef_construction.
 *
 *   sweep METRIC BASE.npy M:EF_CONSTRUCTION...      (e.g. cosine base.npy 16:64 16:200 24:400)
 *
 * Every tenth row is left out and asked for (at most 2000 of them): true neighbours come from an
 * exact search of the first database. A line for each graph: CPU time of the build on one thread,
 * then distances computed for each search to reach a recall@10, interpolated between targets of
 * recall (stop by distance) and between values of ef. */
#include "../../examples/npy.h"
#include "probe.h"
#include "vdb_common.h"

#include <math.h>

enum { K = 10, PART = 10000, ASKED = 2000, LEFT_OUT = 10 };

static const float targets[] = {0.88f, 0.92f, 0.94f, 0.96f, 0.98f, 0.985f, 0.99f, 0.993f, 0.996f, 0.998f, 0.999f};
static const uint32_t breadths[] = {20, 32, 48, 72, 110, 170, 260, 400, 640};
static const double wanted[] = {0.95, 0.98, 0.99, 0.995, 0.998};

static vdb_error_t err = {.struct_size = sizeof err};
static struct vdb_setup setup;
static npy_array base;
static size_t asked, step;

static const void *question(size_t i) { return npy_row(&base, i * step * LEFT_OUT + 3); }

/* Inserts the rows that are not left out and waits until they are linked; returns the CPU time. */
static double build(vdb *db) {
    size_t count = 0;
    uint64_t *ids = (uint64_t *)malloc(PART * sizeof *ids);
    char *rows = (char *)malloc(PART * base.row_bytes);
    double start = cpu_s();
    if (!ids || !rows) exit(1);
    for (size_t i = 0; i <= base.rows; i++) {
        if (count == PART || (i == base.rows && count > 0)) {
            check(vdb_insert_batch(db, ids, rows, count, setup.dim, 0, (vdb_scalar_t)setup.scalar, NULL, &err), "insert", &err);
            count = 0;
        }
        if (i == base.rows || i % LEFT_OUT == 3) continue;
        ids[count] = i;
        memcpy(rows + count++ * base.row_bytes, npy_row(&base, i), base.row_bytes);
    }
    check(vdb_wait_indexed(db, NULL, &err), "wait", &err);
    free(ids);
    free(rows);
    return cpu_s() - start;
}

/* Distances of the K-th true neighbours. */
static float *exact(vdb *db) {
    float *last = (float *)malloc(asked * sizeof *last), found[K];
    uint64_t ids[K];
    if (!last) exit(1);
    for (size_t i = 0; i < asked; i++) {
        check(vdb_search_exact(db, question(i), 1, setup.dim, 0, K, NULL, ids, found, NULL, &err), "exact", &err);
        last[i] = found[K - 1];
    }
    return last;
}

struct point {
    double recall, distances;
};

static uint64_t computed(vdb *db) {
    vdb_stats_t stats = {.struct_size = sizeof stats};
    check(vdb_stats_get(db, &stats, &err), "stats", &err);
    return stats.distance_computations;
}

static struct point ask(vdb *db, const vdb_search_params_t *params, const float *last) {
    float found[K];
    uint64_t ids[K], before = computed(db);
    size_t right = 0;
    for (size_t i = 0; i < asked; i++) {
        check(vdb_search(db, question(i), 1, setup.dim, 0, K, params, ids, found, NULL, &err), "search", &err);
        for (int j = 0; j < K; j++) right += found[j] <= last[i] * 1.00001f + 1e-6f;
    }
    return (struct point){(double)right / (double)(asked * K), (double)(computed(db) - before) / (double)asked};
}

/* Prints the distances at which each wanted recall is reached; misses and distances on logarithmic scales. */
static void print_curve(const char *name, const struct point *points, size_t count) {
    printf("  %s:", name);
    for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++) {
        size_t i = 1;
        while (i < count && points[i].recall < wanted[w]) i++;
        if (i == count || points[0].recall >= wanted[w]) {
            printf(" %7s", "-");
            continue;
        }
        double low = log(1 - points[i - 1].recall), high = log(fmax(1 - points[i].recall, 1e-6));
        double share = (low - log(1 - wanted[w])) / (low - high);
        printf(" %7.0f", points[i - 1].distances * pow(points[i].distances / points[i - 1].distances, share));
    }
    putchar('\n');
}

int main(int argc, char **argv) {
    float *last = NULL;
    if (argc < 4 || !(setup.metric = metric_of(argv[1]))) {
        fprintf(stderr, "usage: %s METRIC BASE.npy M:EF_CONSTRUCTION...\n", argv[0]);
        return 2;
    }
    if (!npy_load(argv[2], &base)) return 1;
    setup.dim = base.cols;
    setup.scalar = scalar_of(base.type);
    setup.threads = 1;
    step = base.rows / LEFT_OUT > ASKED ? base.rows / LEFT_OUT / ASKED : 1;
    asked = base.rows / LEFT_OUT / step < ASKED ? base.rows / LEFT_OUT / step : ASKED;
    printf("%zu x %zu, %s: distances a search (of %zu) at recall@%d of", base.rows, base.cols, argv[1], asked, K);
    for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++) printf(" %g", wanted[w]);
    putchar('\n');
    for (int arg = 3; arg < argc; arg++) {
        struct point by_recall[sizeof targets / sizeof *targets], by_ef[sizeof breadths / sizeof *breadths];
        unsigned long m = 0, ef_construction = 0;
        if (sscanf(argv[arg], "%lu:%lu", &m, &ef_construction) != 2) return 2;
        setup.m = m;
        setup.ef_construction = ef_construction;
        vdb *db = open_vdb(NULL, &setup);
        printf("M %lu, ef_construction %lu: build %.1f CPU-s\n", m, ef_construction, build(db));
        if (!last) last = exact(db);
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
            vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
            params.target_recall = targets[i];
            by_recall[i] = ask(db, &params, last);
        }
        print_curve("by recall", by_recall, sizeof targets / sizeof *targets);
        for (size_t i = 0; i < sizeof breadths / sizeof *breadths; i++) {
            vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
            params.ef = breadths[i];
            by_ef[i] = ask(db, &params, last);
        }
        print_curve("by ef    ", by_ef, sizeof breadths / sizeof *breadths);
        fflush(stdout);
        check(vdb_close(db, &err), "close", &err);
    }
    free(last);
    npy_free(&base);
    return 0;
}
